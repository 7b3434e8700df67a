// What a zone knows about the names that its data points at.
#pragma once

#include "zone/check_context.h"

namespace samara::zone {

enum class Target {
  host,     // has addresses, or is none of this zone's business
  data,     // there, but without addresses
  alias,    // CNAME, or below a DNAME
  missing,  // no such name
};

// `name` is at or below the zone's apex.
Target look_at_target(const Zone& zone, const dns::Name& name);

// What a target that is not there was perhaps meant to be, as the end of a sentence. "; is the final dot missing after
// "www.example.net"?" for one that was read as relative to the zone though it looks like a whole name; nothing for others.
class TargetHint {
 public:
  TargetHint(const dns::Name& target, const dns::Name& apex);
  bool empty() const { return kind_ == Kind::none; }
  void write_text(TextWriter& out) const;

 private:
  enum class Kind : u8 { none, dot, address };
  Kind kind_ = Kind::none;
  dns::Name front_;  // what stands before the apex
};

}  // namespace samara::zone
