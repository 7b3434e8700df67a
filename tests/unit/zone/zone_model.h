// A zone as a plain list of records, what a patch makes of it by the book, and zones compared in everything that can be seen of
// them: what tests hold versions (zone/revision.h) against.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "dns-core/rdata/rdata.h"
#include "master_file_zone.h"
#include "zone/diff.h"
#include "zone/history.h"
#include "zone/lookup.h"

namespace samara::zone {

struct ModelRecord {
  dns::Name owner;
  dns::RrType type;
  u32 ttl;
  std::vector<u8> rdata;
};

inline std::string octets_of(Bytes octets) {
  return {octets.begin(), octets.end()};
}

class Model {
 public:
  using Key = std::tuple<std::string, u16, std::string>;
  static Key key_of(const ModelRecord& r) {
    std::vector<u8> canonical(70'000);
    ByteWriter out(canonical);
    dns::write_canonical_rdata(r.type, r.rdata, out);
    return {octets_of(r.owner.lowercased().wire()), dns::code(r.type), octets_of(out.written())};
  }
  explicit Model(const Zone& zone) : apex_(zone.apex()) { read(zone); }
  void read(const Zone& zone) {
    records_.clear();
    zone.for_each_record([&](const dns::Name& owner, RecordView r) {
      const ModelRecord record{owner, r.type(), r.ttl().seconds(), {r.rdata().begin(), r.rdata().end()}};
      records_.emplace(key_of(record), record);
    });
  }
  const std::map<Key, ModelRecord>& records() const { return records_; }
  // Built from scratch; this is the zone's records then.
  Result<Zone, BuildError> build(ZoneMemory& memory) {
    ZoneBuilder builder(memory, apex_);
    for (const auto& [key, r] : records_) TRY(builder.add(r.owner, r.type, dns::Ttl(r.ttl), r.rdata));
    const Zone zone = TRY(builder.finish());
    read(zone);
    return zone;
  }
  bool apply(const std::vector<ModelRecord>& deletions, const std::vector<ModelRecord>& additions) {
    for (const ModelRecord& r : deletions) {
      if (records_.erase(key_of(r)) == 0) return false;
    }
    return std::ranges::all_of(additions, [&](const ModelRecord& r) { return records_.emplace(key_of(r), r).second; });
  }

 private:
  dns::Name apex_;
  std::map<Key, ModelRecord> records_;
};

// The records as owner and image.
using RecordList = std::multiset<std::string>;
inline RecordList list_of(const Zone& zone) {
  RecordList list;
  zone.for_each_record(
      [&](const dns::Name& owner, RecordView r) { list.insert(octets_of(owner.wire()) + octets_of(r.image())); });
  return list;
}

inline std::string text_of_set(const RrsetView& set) {
  std::string text = "flags " + std::to_string(set.flags()) + " count " + std::to_string(set.count()) + octets_of(set.images());
  if (set.has_signatures()) text += " signed " + text_of_set(set.signatures());
  return text;
}

// All that a node says.
inline std::string text_of_node(const NodeView& node) {
  std::string text = octets_of(node.key()) + "|" + octets_of(node.labels()) + "|flags " + std::to_string(node.flags()) +
                     " depth " + std::to_string(node.governing_depth());
  for (size_t i = 0; i < node.rrset_count(); ++i) {
    text += " type " + std::to_string(dns::code(node.rrset_type(i))) + " " + text_of_set(node.rrset(i));
  }
  return text;
}

// The nodes of one of the zone's tries, each with whether it is the one that `trie` has.
inline std::vector<std::string> text_of_trie(const Zone& zone, Ref root_word, const Trie& trie) {
  std::vector<std::string> nodes;
  TrieCursor cursor(zone.memory(), zone.memory().word(zone.header() + root_word));
  for (Ref ref = cursor.next(); ref != 0; ref = cursor.next()) {
    const NodeView node = zone.node(ref);
    EXPECT_EQ(trie.find(node.key()).node, ref);
    nodes.push_back(text_of_node(node));
  }
  return nodes;
}

inline void expect_same_tries(const Zone& a, const Zone& b) {
  for (const Ref root : {Zone::root_at, Zone::nsec_root_at, Zone::nsec3_root_at, Zone::served_nsec3_root_at}) {
    const auto whole = [&](const Zone& zone) {
      const bool of_names = root == Zone::root_at || root == Zone::nsec_root_at;
      const Ref at = of_names ? Zone::root_at : Zone::nsec3_root_at;
      return text_of_trie(zone, root, Trie(zone.memory(), zone.memory().word(zone.header() + at)));
    };
    ASSERT_EQ(whole(a), whole(b)) << "trie " << root;
  }
}

inline void expect_same_soa(const Zone& a, const Zone& b) {
  EXPECT_EQ(a.serial(), b.serial());
  EXPECT_EQ(text_of_set(a.soa()), text_of_set(b.soa()));
  EXPECT_EQ(a.soa().ref(), a.apex_node().find(dns::RrType::SOA)->ref());
  EXPECT_EQ(a.negative_ttl(), b.negative_ttl());
  ASSERT_EQ(a.negative_soa().has_value(), b.negative_soa().has_value());
  if (!a.negative_soa().has_value()) return;
  EXPECT_TRUE(equal_octets(a.negative_soa()->image, b.negative_soa()->image));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(a.negative_soa()->pointers[i].place, b.negative_soa()->pointers[i].place);
    EXPECT_EQ(a.negative_soa()->pointers[i].suffix, b.negative_soa()->pointers[i].suffix);
  }
}

inline std::string text_of_lookup(const Zone& zone, const dns::Name& name, bool ds) {
  const Lookup found = lookup(zone, SearchName(name), zone.apex().label_count(), ds);
  return std::to_string(static_cast<int>(found.finding)) + " " + std::to_string(found.encloser_depth) +
         (found.exists ? " exists " : " ") + text_of_node(zone.node(found.node));
}

inline void expect_same_answers(const Zone& a, const Zone& b, const dns::Name& name) {
  for (const bool ds : {false, true}) EXPECT_EQ(text_of_lookup(a, name, ds), text_of_lookup(b, name, ds)) << text_of(name);
  const Bytes key = LookupKey(name).symbols();
  const LookupKey whole(name);
  const Bytes relative = whole.symbols().subspan(LookupKey(a.apex()).size());
  const auto neighbour = [](const Zone& zone, const Trie& trie, Bytes wanted) {
    const Ref ref = trie.at_or_before(wanted);
    return ref == 0 ? std::string() : octets_of(zone.node(ref).key());
  };
  EXPECT_EQ(neighbour(a, a.nsec_names(), relative), neighbour(b, b.nsec_names(), relative));
  EXPECT_EQ(neighbour(a, a.nsec3_names(), relative), neighbour(b, b.nsec3_names(), relative));
  EXPECT_FALSE(key.empty());
}

// `a` in all that can be seen is what `b` is, and its index says what its trie says.
inline void expect_same_zone(const Zone& a, const Zone& b) {
  ASSERT_EQ(list_of(a), list_of(b));
  EXPECT_EQ(a.record_count(), b.record_count());
  EXPECT_EQ(a.node_count(), b.node_count());
  expect_same_tries(a, b);
  expect_same_soa(a, b);
  a.for_each_name([&](const NodeView& node) {
    const auto found = a.find(a.owner(node));
    ASSERT_TRUE(found.has_value()) << text_of(a.owner(node));
    EXPECT_EQ(found->ref(), node.ref()) << text_of(a.owner(node));
  });
  ASSERT_EQ(a.nsec3_parameters().has_value(), b.nsec3_parameters().has_value());
  if (a.nsec3_parameters().has_value()) {
    EXPECT_TRUE(equal_octets(a.nsec3_parameters()->image(), b.nsec3_parameters()->image()));
  }
}

// The records of a step as owner and image, and where each begins.
inline std::vector<std::string> records_of_step(const StoredDifference& step) {
  std::vector<std::string> records;
  for (Bytes rest = step.records(); !rest.empty();) {
    ByteReader reader(rest);
    const dns::Name owner = MUST(dns::Name::from_wire(reader));
    const size_t size = owner.size() + dns::record_fixed_size + load_be16(rest, owner.size() + 8);
    records.push_back(octets_of(rest.first(size)));
    rest = rest.subspan(size);
  }
  EXPECT_EQ(records.size(), step.record_count());
  return records;
}

// What a secondary does with a step (RFC 1995 section 4).
inline void replay(const StoredDifference& step, RecordList& list) {
  const auto is_soa = [](const std::string& record) {
    const Bytes octets(reinterpret_cast<const u8*>(record.data()), record.size());
    ByteReader reader(octets);
    return load_be16(octets, MUST(dns::Name::from_wire(reader)).size()) == dns::code(dns::RrType::SOA);
  };
  int soas = 0;
  for (const std::string& record : records_of_step(step)) {
    soas += is_soa(record) ? 1 : 0;
    if (soas == 1) {
      const auto at = list.find(record);
      ASSERT_NE(at, list.end()) << "deletes what is not there";
      list.erase(at);
    } else {
      ASSERT_FALSE(list.contains(record)) << "adds what is there";
      list.insert(record);
    }
  }
  EXPECT_EQ(soas, 2);
}

}  // namespace samara::zone
