// What the parts of the zone checks share.
#pragma once

#include "dns-core/rdata/rdata_text.h"
#include "zone/check.h"

namespace samara::zone {

struct CheckContext {
  const Zone& zone;
  const CheckOptions& options;
  Diagnostics& out;

  // "OWNER TYPE: text", with the position of that record if known.
  template <class... Pieces>
  void report(Severity severity, const dns::Name& owner, dns::RrType type, const Pieces&... text) {
    std::optional<SourcePosition> position;
    if (options.index != nullptr) position = options.index->find(owner, type);
    out.add(severity, position, owner, ' ', dns::TypeText{type}, ": ", text...);
  }
  // The same about one record of a set.
  template <class... Pieces>
  void report(Severity severity, const dns::Name& owner, const RecordView& record, const Pieces&... text) {
    std::optional<SourcePosition> position;
    if (options.index != nullptr) position = options.index->find(owner, record.type(), record.rdata());
    out.add(severity, position, owner, ' ', dns::TypeText{record.type()}, ": ", text...);
  }
  template <class... Pieces>
  void error(const dns::Name& owner, dns::RrType type, const Pieces&... text) {
    report(Severity::error, owner, type, text...);
  }
  template <class... Pieces>
  void warn(const dns::Name& owner, dns::RrType type, const Pieces&... text) {
    report(Severity::warning, owner, type, text...);
  }
};

// The name at the start of `wire`, a valid wire form.
inline dns::Name name_at(Bytes wire) {
  ByteReader at(wire);
  return MUST(dns::Name::from_wire(at));
}

void check_data(CheckContext& context);
void check_hints(CheckContext& context);
void check_dnssec(CheckContext& context);
void check_denial(CheckContext& context);

}  // namespace samara::zone
