// Zone: a read-only view of one immutable version of a zone in zone memory. It is a reference and a way to follow it: copying
// it copies nothing else. It may be read as long as its extents are not given back.
//
// All names of the zone, empty non-terminals included, are nodes of one trie, with keys relative to the apex, and in a hash
// table beside it for those asked for. NSEC3 owner names are not visible to queries (RFC 5155 section 7.2.8) and live in a trie
// of their own (and where there is more than one chain, the owners of the one that is served in another); names with NSEC are
// in a further one, so that the record before a name is found at once, whatever lies between.
#pragma once

#include <optional>

#include "dns-core/compose/prepared_record.h"
#include "dns-core/name.h"
#include "dns-core/types.h"
#include "zone/memory.h"
#include "zone/name_index.h"
#include "zone/node.h"
#include "zone/search_name.h"
#include "zone/trie.h"

namespace samara::zone {

class Zone {
 public:
  Zone(MemoryView memory, Ref header) : memory_(memory), header_(header) {}

  // The wire form of the apex name, in the case it was configured with.
  Bytes apex_wire() const { return memory_.octets(header_, fixed_words * 4, memory_.word(header_ + apex_size_at)); }
  dns::Name apex() const;
  dns::Serial serial() const { return dns::Serial(memory_.word(header_ + serial_at)); }
  // TTL of negative answers: the lesser of the SOA's TTL and its MINIMUM field (RFC 2308 section 3).
  dns::Ttl negative_ttl() const { return dns::Ttl(memory_.word(header_ + negative_ttl_at)); }
  u32 record_count() const { return memory_.word(header_ + records_at); }
  u32 node_count() const { return memory_.word(header_ + nodes_at); }
  NodeView apex_node() const { return NodeView(memory_, memory_.word(header_ + apex_node_at)); }
  RrsetView soa() const { return RrsetView(memory_, memory_.word(header_ + soa_at)); }
  // The SOA record of negative answers, with their TTL, prepared; nothing where its names do better without.
  std::optional<dns::PreparedRecord> negative_soa() const {
    const Ref ref = memory_.word(header_ + negative_soa_at);
    if (ref == 0) return std::nullopt;
    const auto pointer = [&](Ref place) {
      const u32 word = memory_.word(place);
      return dns::NamePointer{.place = static_cast<u16>(word), .suffix = static_cast<u16>(word >> 16)};
    };
    return dns::PreparedRecord{.image = memory_.octets(ref, 12, memory_.word(ref)),
                               .pointers = {pointer(ref + 1), pointer(ref + 2)}};
  }
  bool has_nsec() const { return memory_.word(header_ + nsec_root_at) != 0; }
  bool has_nsec3() const { return memory_.word(header_ + nsec3_root_at) != 0; }
  // The NSEC3PARAM record of the NSEC3 chain that is served (nsec3_chain.h); nothing when the zone has none to serve.
  std::optional<RecordView> nsec3_parameters() const;

  Trie names() const { return Trie(memory_, memory_.word(header_ + root_at)); }
  Trie nsec_names() const { return Trie(memory_, memory_.word(header_ + nsec_root_at)); }
  // Those of the chain that is served.
  Trie nsec3_names() const { return Trie(memory_, memory_.word(header_ + served_nsec3_root_at)); }
  NameIndex index() const { return NameIndex(memory_, memory_.word(header_ + index_at)); }
  NodeView node(Ref ref) const { return NodeView(memory_, ref); }

  // The node of a name at or below the apex; empty non-terminals are found too, NSEC3 owners are not.
  std::optional<NodeView> find(const dns::Name& name) const;
  // The same for the last `labels` labels of a name at or below the apex, which has `apex_labels`; 0 when there is none.
  Ref find(const SearchName& name, size_t apex_labels, size_t labels) const;
  // The node of the NSEC3 records that a name at or below the apex owns, of whichever chain; 0 when there is none.
  Ref find_nsec3(const SearchName& name, size_t apex_labels) const;
  std::optional<RrsetView> find(const dns::Name& name, dns::RrType type) const;
  // The absolute owner name of a node, in lower case (above the apex: as the apex is written).
  dns::Name owner(const NodeView& node) const;

  // The nodes of all names, empty non-terminals included, and those of the owners of NSEC3 records of all chains.
  TrieCursor name_cursor() const { return TrieCursor(memory_, memory_.word(header_ + root_at)); }
  TrieCursor nsec3_cursor() const { return TrieCursor(memory_, memory_.word(header_ + nsec3_root_at)); }

  // Calls f(const NodeView&) for every node with data in canonical order of owner names; NSEC3 owners included, empty
  // non-terminals not. Where NSEC3 data and other data share an owner, two nodes come one after the other.
  template <class F>
  void for_each_node(F&& f) const {
    TrieCursor names = name_cursor();
    TrieCursor hashes = nsec3_cursor();
    Ref a = names.next();
    Ref b = hashes.next();
    while (a != 0 || b != 0) {
      const bool take_name = b == 0 || (a != 0 && !key_less(b, a));
      Ref& taken = take_name ? a : b;
      const NodeView node(memory_, taken);
      if (!node.empty()) f(node);
      taken = take_name ? names.next() : hashes.next();
    }
  }
  // Calls f(const dns::Name& owner, RecordView) for every record, RRSIGs after the set they cover, in canonical order.
  template <class F>
  void for_each_record(F&& f) const {
    for_each_node([&](const NodeView& node) {
      const dns::Name name = owner(node);
      node.for_each_rrset([&](const RrsetView& set) {
        set.for_each_record([&](RecordView record) { f(name, record); });
        if (set.has_signatures()) set.signatures().for_each_record([&](RecordView record) { f(name, record); });
      });
    });
  }

  // Calls f(const NodeView&) for every name in canonical order, empty non-terminals included, NSEC3 owners not.
  template <class F>
  void for_each_name(F&& f) const {
    TrieCursor names = name_cursor();
    for (Ref ref = names.next(); ref != 0; ref = names.next()) f(NodeView(memory_, ref));
  }
  // The same for the owners of NSEC3 records of all chains, which is also the order of the hashes.
  template <class F>
  void for_each_nsec3(F&& f) const {
    TrieCursor names = nsec3_cursor();
    for (Ref ref = names.next(); ref != 0; ref = names.next()) f(NodeView(memory_, ref));
  }

  Ref header() const { return header_; }
  MemoryView memory() const { return memory_; }
  // The extent in which the zone was built whole; what changed since lies elsewhere, and so does a copy (revision.h): then it
  // is empty.
  Extent extent() const {
    return {size_t{memory_.word(header_ + extent_offset_at)} * 4, size_t{memory_.word(header_ + extent_size_at)} * 4};
  }

  // The header's words (header.h).
  enum : Ref {
    root_at,
    index_at,
    nsec_root_at,
    nsec3_root_at,
    served_nsec3_root_at,
    nsec3_parameters_at,
    apex_node_at,
    soa_at,
    negative_soa_at,  // 0, or: octets of the record; two words with a pointer's place and suffix (16 bits each); the record
    serial_at,
    negative_ttl_at,
    records_at,
    nodes_at,
    extent_offset_at,
    extent_size_at,
    apex_size_at,
    history_at,  // the newest difference that is kept (history.h), or 0
    history_count_at,
    history_octets_at,
    fixed_words,
  };

 private:
  bool key_less(Ref a, Ref b) const;

  MemoryView memory_;
  Ref header_;
};

}  // namespace samara::zone
