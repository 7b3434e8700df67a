#include <algorithm>

#include "dns-core/rdata/soa.h"
#include "zone/check_targets.h"

namespace samara::zone {
namespace {

using dns::Name;
using dns::RrType;

bool is_hostname_octet(u8 c) {
  const u8 lower = dns::to_lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

// Letters, digits and inner hyphens (RFC 1123 section 2.1); a wildcard label in front is fine.
bool is_hostname(const Name& name) {
  Bytes wire = name.wire();
  if (name.is_wildcard()) wire = wire.subspan(2);
  while (wire[0] != 0) {
    const Bytes label = wire.subspan(1, wire[0]);
    if (label.front() == '-' || label.back() == '-' || !std::ranges::all_of(label, is_hostname_octet)) return false;
    wire = wire.subspan(1 + label.size());
  }
  return true;
}

bool has_address(const NodeView& node) {
  return node.find(RrType::A).has_value() || node.find(RrType::AAAA).has_value();
}

class DataCheck {
 public:
  explicit DataCheck(CheckContext& context) : context_(context), zone_(context.zone), apex_(zone_.apex()) {}

  void run() {
    check_apex();
    zone_.for_each_node([this](const NodeView& node) {
      const Name owner = zone_.owner(node);
      check_place(node, owner);
      check_wildcard(node, owner);
      if (node.has(node_delegation)) check_cut(node, owner);
      node.for_each_rrset([&](const RrsetView& set) { check_set(node, owner, set); });
    });
  }

 private:
  void check_apex() {
    const NodeView apex = zone_.apex_node();
    if (apex.find(RrType::DS).has_value()) context_.warn(apex_, RrType::DS, "DS belongs into the parent zone");
    const RecordView soa = zone_.soa().first();
    const auto [serial, refresh, retry, expire, minimum] = dns::SoaNumbers::of(soa.rdata());
    const auto warn = [this](const auto&... text) { context_.warn(apex_, RrType::SOA, text...); };
    // RFC 1912 section 2.2 and RFC 2308 section 5 for what is sensible.
    if (serial == dns::Serial(0)) warn("serial 0 is taken for \"not set\" by some software");
    if (refresh == 0) warn("refresh is 0: secondaries would ask all the time");
    if (retry == 0) warn("retry is 0: secondaries would ask all the time");
    if (retry > refresh) warn("retry ", retry, " is longer than refresh ", refresh);
    if (expire < refresh || expire - refresh < retry) {
      warn("expire ", expire, " is less than refresh and retry together: a secondary gives up after its first failure");
    }
    if (minimum > 86400) warn("minimum ", minimum, ": a name that does not exist is remembered for more than a day");
    const Name mailbox = name_at(soa.rdata().subspan(dns::wire_name_size(soa.rdata())));
    if (std::ranges::find(mailbox.wire(), u8{'@'}) != mailbox.wire().end()) {
      warn("the mailbox ", mailbox, " holds an @; a mailbox is written with a dot in its place");
    }
  }

  // Data below a cut or a DNAME, where nobody sees it.
  void check_place(const NodeView& node, const Name& owner) {
    if (!node.has(node_governed)) return;
    const Name governor = owner.suffix(apex_.label_count() + node.governing_depth());
    const auto above = zone_.find(governor);
    const bool dname = above.has_value() && above->has(node_dname);
    node.for_each_rrset([&](const RrsetView& set) {
      const RrType type = set.type();
      if (type == RrType::RRSIG) return;  // check_dnssec.cpp has its say about it
      if (type == RrType::NSEC3) return;  // its name is a hash and below the apex, whatever is there
      if (dname) {                        // RFC 6672 section 2.4
        context_.error(owner, type, "data below the DNAME at ", governor);
      } else if (type != RrType::A && type != RrType::AAAA) {
        context_.warn(owner, type, "hidden by the delegation at ", governor);
      }
    });
  }

  void check_wildcard(const NodeView& node, const Name& owner) {
    if (!owner.is_wildcard()) return;
    // RFC 4592 sections 4.2 and 4.4.
    if (node.find(RrType::NS).has_value())
      context_.warn(owner, RrType::NS, "NS at a wildcard does not delegate what it matches");
    if (node.find(RrType::DNAME).has_value()) context_.warn(owner, RrType::DNAME, "DNAME at a wildcard is not defined");
  }

  void check_cut(const NodeView& node, const Name& owner) {
    if (node.has(node_governed)) return;
    node.for_each_rrset([&](const RrsetView& set) {
      const RrType type = set.type();
      if (type == RrType::DNAME) context_.error(owner, type, "DNAME beside NS at a name that is not the apex");  // RFC 6672 2.3
      const bool expected =
          type == RrType::NS || type == RrType::DS || type == RrType::NSEC || type == RrType::DNAME || type == RrType::RRSIG;
      const bool glue = type == RrType::A || type == RrType::AAAA;
      if (!expected && !glue) context_.warn(owner, type, "hidden by the delegation at its own name");
    });
  }

  void check_set(const NodeView& node, const Name& owner, const RrsetView& set) {
    const RrType type = set.type();
    if (!fits_a_message(set)) context_.warn(owner, type, LargeSet{set.count()});
    if (node.has(node_governed)) return;
    if (type == RrType::DS && !node.has(node_delegation) && owner != apex_) {
      context_.warn(owner, type, "DS without a delegation");
    }
    if ((type == RrType::A || type == RrType::AAAA || type == RrType::MX) && !is_hostname(owner)) {
      context_.warn(owner, type, "not a host name: letters, digits and inner hyphens only");
    }
    if (type != RrType::NS && type != RrType::MX && type != RrType::SRV) return;
    set.for_each_record([&](RecordView record) {
      const auto where = dns::rdata_name(type, record.rdata(), 0);
      if (where.has_value()) check_target(owner, record, name_at(record.rdata().subspan(where->offset, where->size)));
    });
  }

  void check_target(const Name& owner, const RecordView& record, const Name& target) {
    const bool server = record.type() == RrType::NS;
    if (target.is_root() && !server) return;  // "no service" (RFC 7505, RFC 2782)
    const auto report = [&](Severity severity, const auto&... text) {
      context_.report(severity, owner, record, "target ", target, text...);
    };
    if (!is_hostname(target)) report(Severity::warning, " is not a host name");
    if (!target.is_at_or_below(apex_)) return;
    if (server && owner != apex_ && target.is_at_or_below(owner)) {
      const auto node = zone_.find(target);
      if (!node.has_value() || !has_address(*node)) {
        report(Severity::error, " is below this delegation and has no address here: missing glue");
      }
      return;
    }
    // RFC 2181 section 10.3: neither may be an alias. A mail or service host that is missing may be meant so for a while.
    const Severity severity = server ? Severity::error : Severity::warning;
    switch (look_at_target(zone_, target)) {
      case Target::host: break;
      case Target::alias: report(severity, " is an alias"); break;
      case Target::data: report(severity, " has no address in this zone"); break;
      case Target::missing: report(severity, " has no address in this zone", TargetHint(target, apex_)); break;
    }
  }

  CheckContext& context_;
  const Zone& zone_;
  Name apex_;
};

}  // namespace

void check_data(CheckContext& context) {
  DataCheck(context).run();
}

}  // namespace samara::zone
