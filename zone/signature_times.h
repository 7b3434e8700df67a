// When the signatures of a zone end. A set counts as signed until the last of the signatures that cover it has expired (RFC
// 4035 section 5.3.1), so that one that is left over from before the zone was signed again does not matter.
#pragma once

#include "dns-core/name.h"
#include "platform/base/text_writer.h"
#include "platform/base/time.h"
#include "zone/pause.h"
#include "zone/zone.h"

namespace samara::zone {

// Nothing need change for a signature to end.
constexpr Duration signatures_looked_at_every = Duration::seconds(86'400);

struct SignatureTimes {
  u32 signed_sets = 0;
  u32 expired = 0;   // sets without a signature that is still valid
  u32 expiring = 0;  // sets that will be so within the time that was asked for
  // Of the set that is first: seconds from now, negative when it was.
  i64 first_ends_in = 0;
  dns::Name first_owner;
  dns::RrType first_type{};

  bool any() const { return expired != 0 || expiring != 0; }
  // "3 of 40 signed sets have expired, …"; only with any().
  void write_text(TextWriter& out) const;
};

// Looks at every set of the zone. `now` is seconds since 1970; `ahead` is the time within which an end is soon.
SignatureTimes look_at_signatures(const Zone& zone, UnixTime now, Duration ahead, const Pause& pause = {});

}  // namespace samara::zone
