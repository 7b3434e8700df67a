#include "zone/compaction.h"

#include <algorithm>
#include <array>
#include <vector>

#include "zone/header.h"
#include "zone/nsec3_chain.h"
#include "zone/owner_data.h"

namespace samara::zone {
namespace {

class Copier {
 public:
  Copier(const Zone& zone, ExtentWriter& out)
      : zone_(zone), out_(out), apex_(zone.apex()), sets_(out, zone.node_count()), names_(out), nsec_(out), nsec3_(out) {}

  // The copy's header; 0 when the extent is full, or heap_is_full().
  Ref run(HistoryKeeper& history) {
    if (!index_.reserve(zone_.node_count())) heap_is_full_ = true;
    if (heap_is_full_) return 0;
    size_t names = 0;
    zone_.for_each_name([&](const NodeView&) { ++names; });
    const auto index = NameIndexBuilder::take(out_, names - 1);
    if (!index.has_value()) return 0;
    HeaderWords words = header_words(zone_);
    const SearchName apex(apex_);
    hashes_[0] = apex.hash(apex.label_count());
    zone_.for_each_name([&](const NodeView& node) { copy_name(node, words); });
    zone_.for_each_nsec3([&](const NodeView& node) {
      const Ref copied = copy(node);
      if (copied != 0) nsec3_.add(node.key(), copied);
    });
    if (out_.full() || heap_is_full_) return 0;
    Pace pace;
    words[Zone::root_at] = names_.finish();
    words[Zone::nsec_root_at] = nsec_.finish();
    words[Zone::nsec3_root_at] = nsec3_.finish();
    words[Zone::index_at] = index_.finish(out_, *index, pace);
    if (out_.full()) return 0;
    const NodeView apex_node(out_.view(), words[Zone::apex_node_at]);
    if (!set_soa(out_, apex_, apex_node, words).ok()) return 0;
    const auto chain = choose_nsec3_chain(out_, apex_, apex_node, words[Zone::nsec3_root_at], pace);
    words[Zone::served_nsec3_root_at] = chain.has_value() ? chain->root : 0;
    words[Zone::nsec3_parameters_at] = chain.has_value() ? chain->parameters : 0;
    if (!history.move_to(out_)) return 0;
    history.describe_in(words);
    return write_header(out_, words, apex_);
  }
  bool heap_is_full() const { return heap_is_full_; }

 private:
  void copy_name(const NodeView& node, HeaderWords& words) {
    const Ref copied = copy(node);
    if (copied == 0) return;
    const Bytes key = node.key();
    names_.add(key, copied);
    if (!node.has(node_governed) && node.find(dns::RrType::NSEC).has_value()) nsec_.add(key, copied);
    // A parent comes before its names, so its hash is there.
    const size_t depth = static_cast<size_t>(std::ranges::count(key, u8{0}));
    if (depth == 0) {
      words[Zone::apex_node_at] = copied;
      return;
    }
    const Bytes labels = node.labels();
    hashes_[depth] = child_hash(hashes_[depth - 1], labels.first(size_t{1} + labels[0]));
    heap_is_full_ = !index_.add(hashes_[depth], copied) || heap_is_full_;
  }

  Ref copy(const NodeView& node) {
    if (out_.full()) return 0;
    copied_.clear();
    for (size_t i = 0; i < node.rrset_count(); ++i) {
      copied_.push_back({sets_.copy(node.rrset(i)), dns::code(node.rrset_type(i))});
      if (copied_.back().ref == 0) return 0;
    }
    return write_node(out_, node.flags(), node.governing_depth(), node.labels(), node.key(), copied_);
  }

  Zone zone_;
  ExtentWriter& out_;
  dns::Name apex_;
  RrsetWriter sets_;
  TrieBuilder names_;
  TrieBuilder nsec_;
  TrieBuilder nsec3_;
  NameIndexBuilder index_;
  bool heap_is_full_ = false;
  std::vector<WrittenSet> copied_;                 // of one node
  std::array<u64, dns::max_labels + 1> hashes_{};  // of the names on the way to the last, by labels below the apex
};

}  // namespace

Result<Zone, BuildError> compact(const Zone& zone, Growth& copy, HistoryKeeper& history) {
  const Growth::Mark empty = copy.mark();
  HistoryKeeper moved = history;
  Copier copier(zone, copy.writer());
  const Ref header = copier.run(moved);
  if (header == 0) {
    copy.back_to(empty);
    return fail(copier.heap_is_full() ? BuildError::no_heap : BuildError::out_of_memory);
  }
  history = std::move(moved);
  set_extent(copy.writer(), header, {});
  return Zone(copy.writer().view(), header);
}

}  // namespace samara::zone
