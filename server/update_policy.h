// UpdateRights: what one requester may change in one zone (RFC 2136 section 3.3, RFC 3007 section 3). A requester with a right
// by `access.update` may change all of a zone that is not signed; UpdateRules (config/update_policy.h) give parts of that, and
// in signed zones only those that say so count. Where nothing gives it, there is no right.
//
// A signed zone is one whose records prove each other: a change by somebody who does not bring the new signatures makes it fail
// validation. The server does not sign, so such changes are refused unless a rule says that the sender is the signer. The same
// holds for an update that would make an unsigned zone a signed one, after which nobody else could change it any more.
//
// A rule without a key goes by the address alone. That is worth something only where the address is shown to be the sender's:
// by a connection, or by a server cookie that it has received there. A forged datagram has neither.
#pragma once

#include <optional>
#include <span>

#include "platform/base/ip_address.h"
#include "server/config/update_policy.h"
#include "zone/zone.h"

namespace samara::server {

// Requester is the sender of an UPDATE: its address, and the key that the message was verified with.
struct Requester {
  IpAddress address;
  std::optional<u16> key;
  dns::Name key_name;          // with a key
  bool address_shown = false;  // it is the sender's own
};

// It in a line for a person: "KEY at ADDRESS", or the address alone.
struct Sender {
  const Requester& requester;
  void write_text(TextWriter& out) const {
    if (requester.key.has_value()) {
      requester.key_name.write_text(out);
      out.put(" at ");
    }
    requester.address.write_text(out);
  }
};

enum class UpdateOperation : u8 { add, remove };

// True when it has keys, signatures or proofs.
bool is_signed(const zone::Zone& zone);
// True when a record makes the zone that it is added to a signed one, or is unusable in another.
bool makes_signed(dns::RrType type, Bytes rdata, bool at_apex);

class UpdateRights {
 public:
  // `everything`: given by `access.update`. The rules and the requester outlive this, which takes no memory of its own:
  // workers, who ask it too, have none to take.
  UpdateRights(std::span<const UpdateRule> rules, bool everything, const Requester& requester, const dns::Name& zone,
               bool zone_is_signed);

  // True when there is any right at all; if not, the second says whether there were some if the zone were not signed.
  bool any() const { return everything_ || some_rule_; }
  bool refused_as_signed() const { return !any() && refused_as_signed_; }
  // Those that the requester has if the zone is signed.
  UpdateRights in_signed_zone() const { return UpdateRights(rules_, everything_, requester_, zone_, true); }
  // Rules for which `exhausted` says so, by their place in the list, do not count.
  bool allows(const dns::Name& owner, dns::RrType type, UpdateOperation operation, std::span<const u8> exhausted = {}) const;
  // The most records that an RRset may get, where no rule says otherwise `usual`.
  u32 most_records_per_rrset(const dns::Name& owner, dns::RrType type, u32 usual) const;
  // The rules, by their place in the list; and of one, whether it is limited and gives this requester something, whether it
  // is about these records, and at or below which names they are.
  size_t rule_count() const { return rules_.size(); }
  bool is_limited_here(size_t rule) const { return rules_[rule].is_limited() && counts_here(rules_[rule]); }
  const UpdateRule& rule(size_t place) const { return rules_[place]; }
  bool is_about(size_t rule, const dns::Name& owner, dns::RrType type) const;
  std::span<const dns::Name> names_of(size_t rule) const;
  // True when it may touch something at the name, whatever the type.
  bool allows_some_type(const dns::Name& owner, UpdateOperation operation) const;
  // Lack names, among the rules for this requester and zone, the one that comes nearest to giving a change that is not allowed,
  // by its place in the list from 1, and what it does not give. Without a value there is no such rule.
  struct Lack {
    size_t rule;
    std::string_view what;  // "name", "operation" or "type"
  };
  std::optional<Lack> lack(const dns::Name& owner, UpdateOperation operation) const;

 private:
  bool is_for_requester(const UpdateRule& rule) const;
  bool counts_here(const UpdateRule& rule) const { return is_for_requester(rule) && (!zone_is_signed_ || rule.signed_zones); }
  bool is_at(const UpdateRule& rule, const dns::Name& owner) const;
  bool covers(const UpdateRule& rule, const dns::Name& owner, UpdateOperation operation) const;

  std::span<const UpdateRule> rules_;
  const Requester& requester_;
  dns::Name zone_;
  bool zone_is_signed_;
  bool everything_;
  bool some_rule_ = false;  // is for this requester and zone
  bool refused_as_signed_ = false;
};

}  // namespace samara::server
