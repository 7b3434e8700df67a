// OwnerTrail: the owner name of the records being written to a message, below the name of the message's question, and which of
// its labels stand in the message already, and where. In the canonical order of a zone, an owner shares most with the one
// before it: looking at that one alone finds the best place to point to (RFC 1035 section 4.1.4), whatever the number of
// records.
//
// Order of calls, for each message anew: go_to() for each owner, Composer::record() for its records.
#pragma once

#include <array>

#include "dns-core/name.h"

namespace samara::dns {

class OwnerTrail {
 public:
  // `apex_at`: where the question's name stands.
  explicit OwnerTrail(u16 apex_at) { places_[0] = apex_at; }  // NOLINT: what is not written here is not read

  // The labels of the owner below the question's name, in wire form without the root's; they live until the next call.
  void go_to(Bytes labels) {
    standing_ = common(labels);
    labels_ = labels;
  }
  Bytes labels() const { return labels_; }
  // Octets at the end of the labels that stand in the message.
  size_t standing() const { return standing_; }
  // Octets at the end of these labels that stand in the message, because they are also the end of the owner's.
  size_t common(Bytes labels) const { return common_suffix_size(labels_.last(standing_), labels); }
  // Where the last `octets` octets of the labels, and the question's name behind them, stand. `octets` end at a label's edge.
  u16 place(size_t octets) const { return places_[octets]; }
  // The labels that did not stand were written at `at`.
  void written(size_t at) {
    const size_t size = labels_.size();
    for (size_t label = 0; size - label > standing_; label += size_t{1} + labels_[label]) {
      places_[size - label] = static_cast<u16>(at + label);
    }
    standing_ = size;
  }
  // Takes back what was written since `standing` octets stood.
  void rollback(size_t standing) { standing_ = standing; }

 private:
  Bytes labels_;  // a view of the zone's memory
  size_t standing_ = 0;
  std::array<u16, max_name_size> places_;  // by the size of the suffix
};

}  // namespace samara::dns
