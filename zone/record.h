// A record on its way from a source into a zone, and the place in the source it came from.
#pragma once

#include <string_view>

#include "dns-core/name.h"
#include "dns-core/text/syntax_error.h"
#include "dns-core/types.h"

namespace samara::zone {

// The text of a zone file, or of a file it includes, and the path by which messages and $INCLUDE name it.
struct SourceFile {
  std::string_view path;
  std::string_view text;
};

struct SourcePosition {
  u32 file = 0;  // index of the SourceFile
  dns::TextPosition at;
};

// A view of one record; what it shows lives until its source is asked for the next one.
struct Record {
  const dns::Name* owner = nullptr;
  dns::RrType type{};
  dns::Ttl ttl;
  Bytes rdata;  // stored form (dns-core/rdata/rdata.h)
  SourcePosition position;
};

}  // namespace samara::zone
