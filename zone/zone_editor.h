// ZoneEditor: a new version of a zone made from the one before by putting other data at some owners. It keeps up everything
// that holds between names: the tries and the index, empty non-terminals (RFC 4592 section 2.2.2), what cuts and DNAMEs govern,
// which parents have a wildcard, the NSEC3 chain that is served. What the data is and whether it may be is revision.h's matter.
//
// Order of calls: put() for each owner, in canonical order, so that what is above a name is settled when the name's turn comes;
// then finish(). Each is false when memory is full; what was written is then rolled back (growth.h).
// A change costs the path to its name. A new or removed cut or DNAME costs all names below it, and the choice of another NSEC3
// chain all its records, as each of those says or stands for something else then.
#pragma once

#include <array>
#include <vector>

#include "zone/header.h"
#include "zone/name_index.h"
#include "zone/nsec3_chain.h"
#include "zone/owner_data.h"
#include "zone/trie_edit.h"
#include "zone/zone.h"

namespace samara::zone {

// A name in the zone that is being edited.
struct OwnerName {
  // `key`: the symbols below the apex.
  explicit OwnerName(Bytes key);
  dns::Name absolute(const dns::Name& apex) const;
  Bytes prefix(size_t labels) const { return key.first(ends[labels]); }
  // The labels, in wire form without the root's, of the name's first `depth` labels from the apex.
  Bytes labels_at(size_t labels) const { return Bytes(wire).first(wire_size).subspan(starts[labels]); }

  Bytes key;
  size_t depth = 0;                            // labels below the apex
  std::array<u16, dns::max_labels + 1> ends;   // by number of labels: symbols they take
  std::array<u8, dns::max_labels + 1> starts;  // by number of labels: where they begin in the wire form
  std::array<u8, dns::max_name_size> wire;
  size_t wire_size = 0;
};

class ZoneEditor {
 public:
  ZoneEditor(Growth& growth, const Zone& base);

  // The present nodes of a name; 0 when there is none.
  Ref node(Bytes key) const { return exact(names_, key); }
  Ref nsec3_node(Bytes key) const { return exact(nsec3_, key); }

  // The owner has these sets from now on (ascending types, NSEC3 not among them), and this NSEC3 set or none (0). `flags` are
  // those that its data gives.
  [[nodiscard]] bool put(const OwnerName& owner, std::span<const WrittenSet> sets, Ref nsec3, u8 flags);
  // What has to be written for the whole. The header's words are complete then but for the number of records and the history.
  [[nodiscard]] Result<void, BuildError> finish(bool soa_changed, bool parameters_changed);

  HeaderWords& words() { return words_; }
  const dns::Name& apex() const { return apex_; }

 private:
  // What is above a name: whether a cut or DNAME governs it, and how many labels below the apex that is.
  struct Governor {
    bool governed = false;
    size_t depth = 0;
    friend bool operator==(const Governor&, const Governor&) = default;
  };
  static Ref exact(const TrieEditor& trie, Bytes key);
  NodeView view(Ref node) const { return NodeView(out_.view(), node); }
  static Governor governor_of(const NodeView& node) { return {node.has(node_governed), node.governing_depth()}; }
  // Of names right below `node`, which has `depth`.
  static Governor governor_below(const NodeView& node, size_t depth);
  // The nearest name above that exists, and its depth.
  std::pair<Ref, size_t> encloser_of(const OwnerName& owner) const;
  bool has_names_below(Bytes key) const;

  bool put_names_node(const OwnerName& owner, std::span<const WrittenSet> sets, u8 flags);
  bool put_nsec3_node(const OwnerName& owner, Ref nsec3, u8 flags);
  Ref write(const OwnerName& owner, size_t depth, u8 flags, Governor governor, std::span<const WrittenSet> sets);
  bool insert(const OwnerName& owner, Ref node, Governor governor, Ref encloser, size_t encloser_depth);
  bool remove(const OwnerName& owner, Ref node);
  // All names below get what governs them.
  bool govern_below(const OwnerName& owner, const NodeView& node);
  // The node with other flags: itself, or a copy; and where it is referred to.
  bool set_flags(Bytes key, size_t depth, Ref node, u8 flags, Governor governor);
  bool link(Bytes key, size_t depth, Ref before, bool was_in_nsec, Ref node);
  u64 hash_of(const NodeView& node) const;
  bool finish_nsec3(bool parameters_changed);

  Growth& growth_;
  ExtentWriter& out_;
  Zone base_;
  dns::Name apex_;
  HeaderWords words_;
  TrieEditor names_;
  TrieEditor nsec_;
  TrieEditor nsec3_;
  NameIndexEditor index_;
  // NSEC3 owners that changed: the node before and now, 0 where there is none.
  struct ChangedNsec3 {
    Ref before;
    Ref now;
  };
  std::vector<ChangedNsec3> changed_nsec3_;
};

}  // namespace samara::zone
