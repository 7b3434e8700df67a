#include "zone/content_digest.h"

#include "platform/crypto/siphash.h"

namespace samara::zone {
namespace {

// The digest of all pieces, each hashed with what came of those before it.
class Chain {
 public:
  Chain() { pending_.reserve(piece_size + size_t{4} * 1024); }
  void add(Bytes octets) {
    pending_.insert(pending_.end(), octets.begin(), octets.end());
    if (pending_.size() >= piece_size) hash_pending();
  }
  u64 finish() {
    hash_pending();
    return load_le64(key_);
  }

 private:
  static constexpr size_t piece_size = size_t{16} * 1024;

  void hash_pending() {
    store_le64(key_, 0, crypto::siphash24(key_, pending_));
    pending_.clear();
  }

  crypto::SipHashKey key_{};
  std::vector<u8> pending_;
};

}  // namespace

u64 content_digest(const Zone& zone, const Pause& pause) {
  Chain chain;
  Pace pace(pause);
  zone.for_each_node([&](const NodeView& node) {
    pace.step();
    chain.add(node.labels());
    // The root's label, which the node leaves out, ends the name.
    constexpr std::array<u8, 1> end_of_name{};
    chain.add(end_of_name);
    node.for_each_rrset([&](const RrsetView& set) {
      chain.add(set.images());
      if (set.has_signatures()) chain.add(set.signatures().images());
    });
    // No record's TYPE is 0, so the next owner begins where records end.
    constexpr std::array<u8, 2> end_of_records{};
    chain.add(end_of_records);
  });
  return chain.finish();
}

u64 content_octets(const Zone& zone) {
  u64 octets = 0;
  const size_t apex = zone.apex().size();
  zone.for_each_node([&](const NodeView& node) {
    const size_t owner = node.labels().size() + apex;
    node.for_each_rrset([&](const RrsetView& set) {
      octets += set.images().size() + set.count() * owner;
      if (set.has_signatures()) octets += set.signatures().images().size() + set.signatures().count() * owner;
    });
  });
  return octets;
}

}  // namespace samara::zone
