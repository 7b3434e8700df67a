#include "ops/yaml/consistency.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "ops/files.h"
#include "ops/nearest.h"
#include "ops/yaml/writing.h"
#include "zone/store/format.h"

namespace samara::ops::yaml {

namespace {

const Value* member_of(const Value* mapping, std::string_view key) {
  if (mapping == nullptr) return nullptr;
  const auto entry = std::ranges::find_if(mapping->entries, [key](const Entry& e) { return e.key.text == key; });
  return entry == mapping->entries.end() || entry->value.is_null() ? nullptr : &entry->value;
}

// The items of a list, or a value alone in place of one.
std::span<const Value> items_of(const Value& value) {
  return value.is_sequence() ? std::span(value.items) : std::span(&value, 1);
}

std::vector<std::string> texts_of(const std::vector<dns::Name>& names) {
  std::vector<std::string> texts;
  for (const dns::Name& name : names) texts.push_back(text_of(name));
  return texts;
}

size_t labels_of(const std::string& name) {
  return static_cast<size_t>(std::ranges::count(name, '.'));
}

// The last `labels` labels of an absolute name's text, less than that when it has no more.
std::string last_labels(const std::string& name, size_t labels) {
  size_t at = name.size();
  for (size_t dots = 0; at > 0; --at) {
    if (name[at - 1] == '.' && ++dots > labels) break;
  }
  return name.substr(at);
}

// Neither a store's signature nor zeros, as in one that never was used.
bool holds_something_else(const std::string& path) {
  const auto file = RegularFile::find(path);
  if (!file) return false;
  std::ifstream from(path_of_descriptor(file.value().descriptor()), std::ios::binary);
  std::string octets(zone::store::signature.size(), '\0');
  from.read(octets.data(), static_cast<std::streamsize>(octets.size()));
  return from.gcount() > 0 && octets != zone::store::signature && octets != std::string(octets.size(), '\0');
}

class Consistency {
 public:
  Consistency(const Value& root, const Reading& reading, const Deployment& deployment)
      : root_(root), reading_(reading), deployment_(deployment), service_(deployment.service()) {}

  void check() {
    check_keys();
    check_storage();
    check_peers();
    check_update_access();
    if (deployment_.primary() != nullptr) {
      check_update_rules(*deployment_.primary());
    } else {
      check_peer_groups();
    }
  }

 private:
  template <class F>
  void for_each_own_section(F&& f) const {
    for (const std::string_view section : {"zones", "catalogs"}) {
      const Value* entries = member_of(&root_, section);
      if (entries == nullptr) continue;
      for (const Entry& entry : entries->entries) f(entry);
    }
  }

  // ---- keys ---------------------------------------------------------------------------------------------------------

  // Wherever the word `key` has a value, a key is used.
  static void collect_key_uses(const Value& value, std::vector<const Value*>& uses) {
    for (const Value& item : value.items) collect_key_uses(item, uses);
    for (const Entry& entry : value.entries) {
      if (entry.key.text == "key" && entry.value.is_scalar()) uses.push_back(&entry.value);
      collect_key_uses(entry.value, uses);
    }
  }

  void check_keys() const {
    const Value* keys = member_of(&root_, "keys");
    if (keys == nullptr) return;
    std::vector<const Value*> uses;
    for (const Entry& entry : root_.entries) {
      if (entry.key.text != "keys") collect_key_uses(entry.value, uses);
    }
    std::vector<dns::Name> used;
    for (const Value* use : uses) {
      if (auto name = parse_name(use->text); name.ok()) used.push_back(name.value());
    }
    for (size_t i = 0; i < keys->entries.size() && i < service_.keys.size(); ++i) {
      if (std::ranges::find(used, service_.keys[i].name) != used.end()) continue;
      reading_.warning(keys->entries[i].key, "key " + in_quotes(keys->entries[i].key.text) + " is used nowhere",
                       "key: " + keys->entries[i].key.text + " in an acl, notify, primaries or update-policy");
    }
  }

  void check_storage() const {
    const Value* file = member_of(member_of(&root_, "storage"), "file");
    if (file == nullptr || !service_.storage) return;
    if (holds_something_else(std::string(service_.storage->file))) {
      reading_.warning(*file, in_quotes(service_.storage->file, longest_path) + " holds something else than a storage",
                       "a file for the storage alone, which `samara run` makes");
    }
    const std::filesystem::path folder = std::filesystem::path(service_.storage->file).parent_path();
    std::error_code ignored;
    if (folder.empty() || std::filesystem::is_directory(folder, ignored)) return;
    reading_.warning(*file, "no folder " + in_quotes(folder.string(), longest_path) + " on this machine",
                     "a folder for the storage's file");
  }

  // ---- other servers ------------------------------------------------------------------------------------------------

  bool is_own(const Endpoint& peer) const {
    const auto is_here = [&](const Endpoint& listen) {
      if (listen.port != peer.port) return false;
      if (listen.address == peer.address) return true;
      return listen.address.is_unspecified() && listen.address.is_v4() == peer.address.is_v4() &&
             (is_loopback(peer.address) || has_address(peer.address));
    };
    return std::ranges::any_of(service_.listen, is_here) ||
           (service_.network && std::ranges::any_of(service_.network->listen, is_here));
  }
  static bool is_loopback(const IpAddress& address) {
    static const IpPrefix v4 = *IpPrefix::parse("127.0.0.0/8");
    static const IpPrefix v6 = *IpPrefix::parse("::1");
    return v4.contains(address) || v6.contains(address);
  }
  bool has_address(const IpAddress& address) const {
    return service_.network &&
           std::ranges::any_of(service_.network->addresses, [&](const auto& own) { return own.address == address; });
  }

  void check_peer_list(const Value* list, std::string_view what) const {
    if (list == nullptr) return;
    for (const Value& item : items_of(*list)) {
      const Value* at = item.is_mapping() ? member_of(&item, "address") : &item;
      if (at == nullptr) continue;
      const auto endpoint = parse_endpoint(at->text);
      if (!endpoint || !is_own(*endpoint)) continue;
      reading_.warning(*at, in_quotes(at->text) + " is where this server itself listens", std::string(what));
    }
  }

  void check_peers() const {
    constexpr std::string_view told = "a server that is told of changes";
    constexpr std::string_view asked = "a server to fetch zones from";
    check_peer_list(member_of(&root_, "notify"), told);
    if (const Value* groups = member_of(&root_, "primaries")) {
      for (const Entry& group : groups->entries) check_peer_list(&group.value, asked);
    }
    for_each_own_section([&](const Entry& zone) {
      check_peer_list(member_of(&zone.value, "notify"), told);
      check_peer_list(member_of(&zone.value, "primaries"), asked);
      check_peer_list(member_of(&zone.value, "member-primaries"), asked);
    });
  }

  void check_peer_groups() const {
    const Value* groups = member_of(&root_, "primaries");
    if (groups == nullptr) return;
    std::vector<std::string> used;
    for_each_own_section([&used](const Entry& zone) {
      for (const std::string_view key : {"primaries", "member-primaries"}) {
        const Value* list = member_of(&zone.value, key);
        if (list == nullptr) continue;
        for (const Value& item : items_of(*list)) used.push_back(item.text);
      }
    });
    for (const Entry& group : groups->entries) {
      if (std::ranges::find(used, group.key.text) != used.end()) continue;
      reading_.warning(group.key, "list " + in_quotes(group.key.text) + " is used nowhere",
                       "primaries: " + group.key.text + " in a zone or catalog");
    }
  }

  // ---- rights to change ---------------------------------------------------------------------------------------------

  // An address can be forged, by UDP with a single packet; a signature cannot (RFC 3007 section 1).
  void check_update_list(const Value* acl) const {
    const Value* list = member_of(acl, "update");
    if (list == nullptr) return;
    for (const Value& item : list->items) {
      if (item.is_mapping() && member_of(&item, "key") != nullptr) continue;
      warn_of_keyless(item, item.is_scalar() && item.text == "any");
    }
  }
  void warn_of_keyless(const Value& at, bool anybody) const {
    if (anybody) {
      reading_.warning(at, "anybody on the network may change the zone", "{key: NAME}");
    } else {
      reading_.warning(at, "an address alone gives the right to update, and addresses can be forged",
                       "{from: BLOCK, key: NAME}");
    }
  }

  void check_update_access() const {
    const server::SecondaryConfig* secondary = deployment_.secondary();
    if (secondary != nullptr && !secondary->forwards_any_updates()) return;
    check_update_list(member_of(&root_, "acl"));
    for_each_own_section([this](const Entry& zone) { check_update_list(member_of(&zone.value, "acl")); });
  }

  void check_update_rules(const server::PrimaryConfig& config) const {
    const Value* rules = member_of(&root_, "update-policy");
    if (rules == nullptr) return;
    std::vector<dns::Name> zones;
    for (const server::ZoneSource& zone : config.zones) zones.push_back(zone.name);
    for (size_t i = 0; i < rules->items.size() && i < config.update_rules.size(); ++i) {
      check_update_rule(rules->items[i], config.update_rules[i], zones);
    }
  }

  void check_update_rule(const Value& item, const server::UpdateRule& rule, const std::vector<dns::Name>& zones) const {
    if (!rule.key) warn_of_keyless(item, !rule.from.has_value());
    const Value* listed = member_of(&item, "zones");
    for (size_t i = 0; listed != nullptr && i < rule.zones.size(); ++i) {
      if (std::ranges::find(zones, rule.zones[i]) != zones.end()) continue;
      const Value& at = listed->items[i];
      warn(at, "no zone " + in_quotes(at.text), "the name of a zone under zones", nearest_zone(text_of(rule.zones[i]), zones));
    }
    const Value* names = member_of(&item, "names");
    const Value* list =
        names == nullptr ? nullptr : member_of(names, rule.match == server::UpdateNames::exact ? "exact" : "subtree");
    const std::vector<dns::Name>& within = rule.zones.empty() ? zones : rule.zones;
    for (size_t i = 0; list != nullptr && i < rule.names.size(); ++i) {
      const dns::Name& name = rule.names[i];
      // A subtree above a zone has all of it below.
      const bool meets = std::ranges::any_of(within, [&](const dns::Name& zone) {
        return name.is_at_or_below(zone) || (rule.match == server::UpdateNames::subtree && zone.is_at_or_below(name));
      });
      if (meets) continue;
      warn(list->items[i], in_quotes(list->items[i].text) + " is in none of the rule's zones",
           within.empty() ? "a name in a zone"
                          : "a name in " + text_of(within.front()) + (within.size() > 1 ? " or another" : ""),
           nearest_inside(name, within));
    }
  }

  static std::string nearest_zone(const std::string& text, const std::vector<dns::Name>& zones) {
    return nearest_word(text, texts_of(zones));
  }

  // "dyn.corp.test." for "dyn.crop.test." where there is a zone corp.test.
  static std::string nearest_inside(const dns::Name& name, const std::vector<dns::Name>& zones) {
    const std::string text = text_of(name);
    for (const std::string& zone : texts_of(zones)) {
      const std::string end = last_labels(text, labels_of(zone));
      if (!nearest_word(end, std::array{zone}).empty()) return text.substr(0, text.size() - end.size()) + zone;
    }
    return {};
  }

  void warn(const Value& at, std::string problem, std::string expected, std::string suggestion) const {
    reading_.found().add(
        {Diagnostic::Severity::warning, reading_.place(at), std::move(problem), std::move(expected), std::move(suggestion)});
  }

  const Value& root_;
  const Reading& reading_;
  const Deployment& deployment_;
  const server::ServiceConfig& service_;
};

}  // namespace

void check_consistency(const Value& root, const Reading& reading, const Deployment& deployment) {
  Consistency(root, reading, deployment).check();
}

}  // namespace samara::ops::yaml
