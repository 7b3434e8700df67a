// RrsetView: an RRset as signing and verifying see it. A view for the length of a call.
#pragma once

#include <span>

#include "dns-core/name.h"
#include "dns-core/types.h"

namespace samara::dns {

struct RrsetView {
  const Name& owner;
  RrType type;
  RrClass rr_class;
  std::span<const Bytes> rdata;  // valid stored forms (check_rdata) in any order
};

}  // namespace samara::dns
