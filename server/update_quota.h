// UpdateQuota: whether an update, all of whose changes are in an overlay, keeps to the limits of how much there may be: in an
// RRset, in the zone, and at the names of rules with a limit of their own (config/update_policy.h). Only what grows is held
// against them, so that who is at a limit can still take away.
//
// Records at a rule's names are counted with each update that adds something there by this rule, up to its limit: that costs as
// much as the names below it, and no zone has to keep an account for each rule.
#pragma once

#include <string_view>
#include <vector>

#include "server/update.h"
#include "zone/overlay.h"

namespace samara::server {

class UpdateQuota {
 public:
  // All outlive this.
  UpdateQuota(const zone::Overlay& overlay, const UpdateRights& rights, const UpdateRoom& room)
      : overlay_(overlay), rights_(rights), room_(room) {}
  // Says what the update exceeds, in words, with owner and type where it is one RRset; empty when it exceeds nothing.
  ShortText<max_refusal> limit_reached() const;
  // Octets that the zone's records have more, or less.
  i64 growth() const;

 private:
  bool is_exhausted(size_t rule) const;

  const zone::Overlay& overlay_;
  const UpdateRights& rights_;
  const UpdateRoom& room_;
};

}  // namespace samara::server
