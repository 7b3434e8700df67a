// Random updates to a zone and to a model of one: RFC 2136's pseudocode (sections 3.2.5, 3.4.1.3 and 3.4.2.7) over a map of
// texts.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "update_text.h"

namespace samara::server {
namespace {

struct Change {
  std::string owner;
  std::string rr_class;
  std::string type;
  std::string rdata;
  unsigned ttl = 0;
  std::string line(char section) const {
    return std::string{section, ' '} + owner + " " + std::to_string(ttl) + " " + rr_class + " " + type + " " + rdata;
  }
};

// Owners are relative and in lower case; "@" is the apex.
class Model {
 public:
  struct Set {
    unsigned ttl = 0;
    std::set<std::string> data;
  };
  using Key = std::pair<std::string, std::string>;

  Model() {
    sets_[{"@", "NS"}] = {300, {"ns.example.", "ns.elsewhere."}};
    sets_[{"@", "SOA"}] = {300, {"100"}};
  }
  u32 serial() const { return static_cast<u32>(std::stoul(*sets_.at({"@", "SOA"}).data.begin())); }
  bool has(const std::string& owner, const std::string& type) const { return sets_.contains({owner, type}); }
  bool in_use(const std::string& owner) const { return has_other(owner, ""); }
  bool has_other(const std::string& owner, const std::string& type) const {
    return std::ranges::any_of(sets_, [&](const auto& set) { return set.first.first == owner && set.first.second != type; });
  }

  std::string check(const std::vector<Change>& prerequisites) const {
    std::map<Key, std::set<std::string>> values;
    for (const Change& record : prerequisites) {
      const bool wanted = record.rr_class == "ANY";
      if (record.rr_class == "IN") {
        values[{record.owner, record.type}].insert(record.rdata);
      } else if (record.type == "ANY") {
        if (in_use(record.owner) != wanted) return wanted ? "NXDOMAIN" : "YXDOMAIN";
      } else if (has(record.owner, record.type) != wanted) {
        return wanted ? "NXRRSET" : "YXRRSET";
      }
    }
    for (const auto& [key, data] : values) {
      const auto found = sets_.find(key);
      if (found == sets_.end() || found->second.data != data) return "NXRRSET";
    }
    return "NOERROR";
  }

  void update(const std::vector<Change>& changes) {
    const auto before = text();
    const u32 serial_before = serial();
    for (const Change& change : changes) apply(change);
    if (text() != before && serial() == serial_before) sets_[{"@", "SOA"}].data = {std::to_string(serial_before + 1)};
  }

  std::string text() const {
    std::string all;
    for (const auto& [key, set] : sets_) {
      for (const std::string& data : set.data) {
        const std::string rdata = key.second == "SOA" ? "ns.example. host.example. " + data + " 2 3 4 5" : data;
        all += key.first + " " + std::to_string(set.ttl) + " " + key.second + " " + rdata + "\n";
      }
    }
    return all;
  }

 private:
  void apply(const Change& change) {
    const Key key{change.owner, change.type};
    const bool apex = change.owner == "@";
    const bool makes_zone = apex && (change.type == "SOA" || change.type == "NS");
    if (change.rr_class == "IN") {
      if (change.type == "CNAME" ? has_other(change.owner, "CNAME") : has(change.owner, "CNAME")) return;
      if (change.type == "SOA") {
        if (!apex) return;
        const u32 fresh = static_cast<u32>(std::stoul(change.rdata.substr(26)));
        const auto ahead = static_cast<i32>(fresh - serial());
        if (ahead <= 0) return;
        sets_[key] = {change.ttl, {std::to_string(fresh)}};
        return;
      }
      if (change.type == "CNAME") sets_.erase(key);
      sets_[key].ttl = change.ttl;
      sets_[key].data.insert(change.rdata);
    } else if (change.rr_class == "ANY") {
      if (change.type == "ANY") {
        std::erase_if(sets_, [&](const auto& set) {
          return set.first.first == change.owner && !(apex && (set.first.second == "SOA" || set.first.second == "NS"));
        });
      } else if (!makes_zone) {
        sets_.erase(key);
      }
    } else {
      const auto found = sets_.find(key);
      if (found == sets_.end() || (apex && change.type == "SOA")) return;
      if (makes_zone && found->second.data.size() == 1) return;
      found->second.data.erase(change.rdata);
      if (found->second.data.empty()) sets_.erase(found);
    }
  }

  std::map<Key, Set> sets_;
};

class Generator {
 public:
  explicit Generator(u32 seed) : random_(seed) {}
  size_t below(size_t bound) { return random_() % bound; }
  Change change(u32 serial) {
    Change change;
    change.owner = pick({"@", "a", "b", "c.d", "d", "*.d", "ns", "cut", "x.cut"});
    change.type = pick({"A", "A", "A", "TXT", "CNAME", "NS", "MX", "SOA"});
    change.rr_class = pick({"IN", "IN", "IN", "ANY", "NONE"});
    if (change.rr_class == "ANY") {
      if (below(3) == 0) change.type = "ANY";
      return change;
    }
    change.rdata = rdata(change.type, serial);
    if (change.rr_class == "IN") change.ttl = below(8) == 0 ? 60 : 300;
    return change;
  }
  Change prerequisite(u32 serial) {
    Change made = change(serial);
    made.ttl = 0;
    if (made.rr_class == "NONE") {
      made.rdata.clear();
      if (below(2) == 0) made.type = "ANY";
    }
    // A whole SOA rarely fits; the others do often enough.
    if (made.rr_class == "IN" && made.type == "SOA") return prerequisite(serial);
    return made;
  }

 private:
  std::string pick(std::initializer_list<const char*> choices) { return *(choices.begin() + below(choices.size())); }
  std::string rdata(const std::string& type, u32 serial) {
    if (type == "A") return pick({"192.0.2.1", "192.0.2.2", "192.0.2.3"});
    if (type == "TXT") return pick({"\"one\"", "\"two\""});
    if (type == "MX") return pick({"10 a.example.", "20 b.example."});
    if (type == "SOA")
      return "ns.example. host.example. " + std::to_string(serial + static_cast<u32>(below(5)) - 2) + " 2 3 4 5";
    return pick({"ns.example.", "ns.elsewhere.", "www.elsewhere."});
  }

  std::mt19937 random_;
};

TEST(UpdateModel, RandomUpdatesLeadWhereThePseudocodeLeads) {
  size_t changed = 0;
  std::set<std::string> codes;
  for (u32 seed = 1; seed <= 60; ++seed) {
    Generator generator(seed);
    Model model;
    UpdatedZone zone(model.text());
    zone::TestZones modelled;
    for (unsigned step = 0; step < 60; ++step) {
      std::vector<Change> prerequisites;
      std::vector<Change> changes;
      Lines lines;
      for (size_t n = generator.below(3); n > 0; --n) prerequisites.push_back(generator.prerequisite(model.serial()));
      for (size_t n = generator.below(8); n > 0; --n) changes.push_back(generator.change(model.serial()));
      for (const Change& record : prerequisites) lines.push_back(record.line('?'));
      for (const Change& record : changes) lines.push_back(record.line('!'));
      const std::string expected = model.check(prerequisites);
      if (expected == "NOERROR") model.update(changes);
      ASSERT_EQ(zone.update(lines), expected) << "seed " << seed << " step " << step;
      codes.insert(expected);
      if (zone.outcome.patch.has_value()) ++changed;
      ASSERT_EQ(zone.zone().serial().value(), model.serial()) << "seed " << seed << " step " << step;
      ASSERT_EQ(changes_between(zone.zone(), modelled.build(model.text())).size(), 2U)  // the two SOAs, which are the same
          << "seed " << seed << " step " << step;
    }
  }
  EXPECT_GT(changed, 500U);
  EXPECT_EQ(codes, (std::set<std::string>{"NOERROR", "NXDOMAIN", "NXRRSET", "YXDOMAIN", "YXRRSET"}));
}

}  // namespace
}  // namespace samara::server
