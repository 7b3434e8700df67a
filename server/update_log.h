// UpdateLog: lines about updates that were made. A client that may update can cause any number of them; so there are only so
// many in a while, and those beyond are summed up by zone and key, a line a second.
//
// Order of calls: made() for each update; at next_deadline(), sum_up().
// Capacity: max_summed zones and keys; beyond, the rest together.
#pragma once

#include <vector>

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/time.h"
#include "server/update_policy.h"

namespace samara::server {

class UpdateLog {
 public:
  // At once, after a time without any; then one a second. An operator who tries something sees all of it.
  static constexpr u32 burst = 20;
  static constexpr size_t max_summed = 16;

  void made(Instant now, const dns::Name& zone, dns::Serial serial, const Requester& requester);
  // never(): nothing is left to tell.
  Instant next_deadline() const { return summed_ == 0 ? Instant::never() : since_ + Duration::seconds(1); }
  void sum_up(Instant now);

 private:
  struct Summed {
    dns::Name zone;
    Requester requester;  // the last with this key, or from this address
    dns::Serial serial;
    u64 updates = 0;
  };

  Instant next_;  // since when lines are earned
  u32 left_ = burst;
  std::vector<Summed> by_key_;
  u64 summed_ = 0;  // updates, of them in by_key_ or not
  Instant since_;
};

}  // namespace samara::server
