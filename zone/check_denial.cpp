#include <algorithm>
#include <array>
#include <vector>

#include "dns-core/dnssec/nsec3.h"
#include "platform/codec/base32hex.h"
#include "zone/check_context.h"

namespace samara::zone {
namespace {

using dns::Name;
using dns::RrType;

// A bitmap of types, ascending and without repetition (RFC 4034 section 4.1.2).
void write_bitmap(std::span<const RrType> types, ByteWriter& out) {
  for (size_t i = 0; i < types.size();) {
    const u8 window = static_cast<u8>(dns::code(types[i]) >> 8);
    std::array<u8, 32> bits{};
    size_t used = 0;
    for (; i < types.size() && dns::code(types[i]) >> 8 == window; ++i) {
      const u8 low = static_cast<u8>(dns::code(types[i]));
      bits[low / 8] = static_cast<u8>(bits[low / 8] | 0x80 >> (low % 8));
      used = size_t{1} + low / 8;
    }
    out.u8(window);
    out.u8(static_cast<u8>(used));
    out.bytes(Bytes(bits).first(used));
  }
}

struct HashText {
  const dns::Nsec3Hash& hash;
  void write_text(TextWriter& out) const { codec::encode_base32hex(hash, out); }
};

class DenialCheck {
 public:
  explicit DenialCheck(CheckContext& context) : context_(context), zone_(context.zone), apex_(zone_.apex()) {}

  void run() {
    const auto parameters = zone_.apex_node().find(RrType::NSEC3PARAM);
    if (parameters.has_value()) {
      check_nsec3(*parameters);
    } else if (zone_.has_nsec3()) {
      context_.error(apex_, RrType::NSEC3PARAM, "the zone has NSEC3 records but no NSEC3PARAM: nobody serves them");
    } else if (zone_.has_nsec()) {
      check_nsec();
    } else if (zone_.apex_node().find(RrType::DNSKEY).has_value() && zone_.apex_node().has(node_has_signatures)) {
      context_.error(apex_, RrType::NSEC, "the zone is signed but has neither NSEC nor NSEC3 records");
    }
  }

 private:
  // The types a denial record of this name lists (RFC 4035 section 2.3, RFC 5155 section 7.1).
  Bytes expected_bitmap(const NodeView& node, bool nsec) {
    types_.clear();
    const bool cut = node.has(node_delegation);
    bool signatures = nsec;
    node.for_each_rrset([&](const RrsetView& set) {
      const RrType type = set.type();
      if (type == RrType::NSEC3 || type == RrType::RRSIG) return;
      if (cut && type != RrType::NS && type != RrType::DS && type != RrType::NSEC) return;
      types_.push_back(type);
      signatures = signatures || set.has_signatures();
    });
    if (signatures) types_.push_back(RrType::RRSIG);
    std::ranges::sort(types_);
    ByteWriter out(bitmap_);
    write_bitmap(types_, out);
    return out.written();
  }

  // Every authoritative name and cut with data has an NSEC that leads to the next, and the last leads to the apex.
  void check_nsec() {
    bool first = true;
    Name last;
    Name last_next;
    const auto check_link = [&](const Name& name) {
      if (last_next != name) context_.error(last, RrType::NSEC, "leads to ", last_next, " instead of ", name);
    };
    zone_.for_each_name([&](const NodeView& node) {
      if (node.empty()) return;
      const Name owner = zone_.owner(node);
      const auto set = node.find(RrType::NSEC);
      if (node.has(node_governed)) {
        if (set.has_value()) context_.error(owner, RrType::NSEC, "at a name that is not authoritative");
        return;
      }
      if (!set.has_value()) {
        context_.error(owner, RrType::NSEC, "missing: the name can be denied");
        return;
      }
      if (set->count() != 1) context_.error(owner, RrType::NSEC, "more than one at a name");
      if (!first) check_link(owner);
      const Bytes rdata = set->first().rdata();
      last = owner;
      last_next = name_at(rdata);
      first = false;
      const Bytes bitmap = rdata.subspan(last_next.size());
      if (!std::ranges::equal(bitmap, expected_bitmap(node, true))) {
        context_.error(owner, RrType::NSEC, "its list of types is not what is there");
      }
    });
    if (!first) check_link(apex_);
  }

  struct Denied {  // a name that a chain denies nothing about
    dns::Nsec3Hash hash;
    Ref node;
    bool optional;  // may be left out of an opt-out chain
  };
  struct Link {
    dns::Nsec3Hash hash;
    dns::Nsec3Hash next;
    Ref node;
    bool opt_out;
    Bytes types;  // in the zone
  };

  void check_nsec3(const RrsetView& parameter_set) {
    std::optional<dns::Nsec3ParameterView> parameters;
    // The chain that is served; or one that could be, to say what is wrong with it.
    if (const auto served = zone_.nsec3_parameters()) {
      parameters = MUST(dns::Nsec3ParameterView::parse(served->rdata()));
    }
    parameter_set.for_each_record([&](RecordView record) {
      const auto one = dns::Nsec3ParameterView::parse(record.rdata());
      if (!one.ok() || parameters.has_value()) return;
      if (one.value().algorithm == dns::Nsec3ParameterView::sha1 && one.value().flags == 0) parameters = one.value();
    });
    const auto at_apex = [this](Severity severity, const auto&... text) {
      context_.report(severity, apex_, RrType::NSEC3PARAM, text...);
    };
    if (!parameters.has_value()) {  // RFC 5155 section 4.1.2
      return at_apex(Severity::error, "no record with hash algorithm 1 and flags 0");
    }
    if (parameters->iterations > dns::max_validated_nsec3_iterations) {
      return at_apex(Severity::error, "resolvers do not follow more than ", dns::max_validated_nsec3_iterations, " iterations");
    }
    // RFC 9276 section 3.1
    if (parameters->iterations != 0) at_apex(Severity::warning, "should have 0 iterations instead of ", parameters->iterations);
    if (!parameters->salt.empty()) at_apex(Severity::warning, "should have no salt");
    read_links(*parameters);
    if (links_.empty()) return at_apex(Severity::error, "no NSEC3 record belongs to it");
    parameter_set.for_each_record([&](RecordView record) {
      const auto other = dns::Nsec3ParameterView::parse(record.rdata());
      // RFC 5155 section 4.1.2: a server may choose any of them.
      if (other.ok() && other.value().flags == 0 && !has_records_of(other.value())) {
        at_apex(Severity::error, "there is one that no NSEC3 record belongs to");
      }
    });
    check_chain();
    hash_names(*parameters);
    compare();
  }

  void read_links(const dns::Nsec3ParameterView& parameters) {
    zone_.for_each_nsec3([&](const NodeView& node) {
      const auto set = node.find(RrType::NSEC3);
      if (!set.has_value()) return;
      const Name owner = zone_.owner(node);
      set->for_each_record([&](RecordView record) {
        const auto nsec3 = dns::Nsec3View::parse(record.rdata());
        if (!nsec3.ok() || !dns::same_chain(nsec3.value().parameters, parameters)) return;
        const auto hash = dns::nsec3_owner_hash(owner);
        const auto next = dns::nsec3_next_hash(nsec3.value());
        if (!hash.has_value() || !next.has_value()) {
          context_.error(owner, RrType::NSEC3, "its hash is not one of SHA-1");
          return;
        }
        links_.push_back({*hash, *next, node.ref(), nsec3.value().is_opt_out(), nsec3.value().types});
      });
    });
  }

  bool has_records_of(const dns::Nsec3ParameterView& parameters) const {
    bool found = false;
    zone_.for_each_nsec3([&](const NodeView& node) {
      const auto set = node.find(RrType::NSEC3);
      if (found || !set.has_value()) return;
      set->for_each_record([&](RecordView record) {
        const auto nsec3 = dns::Nsec3View::parse(record.rdata());
        found = found || (nsec3.ok() && dns::same_chain(nsec3.value().parameters, parameters));
      });
    });
    return found;
  }

  void check_chain() {
    for (size_t i = 0; i < links_.size(); ++i) {
      const Link& link = links_[i];
      const Link& next = links_[(i + 1) % links_.size()];
      if (link.next != next.hash) {
        context_.error(zone_.owner(zone_.node(link.node)), RrType::NSEC3, "leads to ", HashText{link.next}, " instead of ",
                       HashText{next.hash});
      }
    }
  }

  void hash_names(const dns::Nsec3ParameterView& parameters) {
    zone_.for_each_name([&](const NodeView& node) {
      if (node.has(node_governed)) return;
      const bool insecure_cut = node.has(node_delegation) && !node.has(node_secure_delegation);
      const auto hash = dns::nsec3_hash(zone_.owner(node), parameters, dns::max_validated_nsec3_iterations);
      names_.push_back({MUST(hash), node.ref(), insecure_cut || node.empty()});
    });
    std::ranges::sort(names_, {}, &Denied::hash);
  }

  void compare() {
    size_t link = 0;
    size_t name = 0;
    while (link < links_.size() || name < names_.size()) {
      const bool link_first = name == names_.size() || (link < links_.size() && links_[link].hash < names_[name].hash);
      const bool name_first = link == links_.size() || (name < names_.size() && names_[name].hash < links_[link].hash);
      if (link_first) {
        context_.error(zone_.owner(zone_.node(links_[link].node)), RrType::NSEC3, "no name of the zone has this hash");
      } else if (name_first) {
        // RFC 5155 section 7.1: the record that covers it must have the opt-out flag.
        const Link& covering = links_[(link + links_.size() - 1) % links_.size()];
        if (!names_[name].optional || !covering.opt_out) {
          context_.error(zone_.owner(zone_.node(names_[name].node)), RrType::NSEC3, "missing: the name can be denied (hash ",
                         HashText{names_[name].hash}, ")");
        }
      } else if (!std::ranges::equal(links_[link].types, expected_bitmap(zone_.node(names_[name].node), false))) {
        context_.error(zone_.owner(zone_.node(names_[name].node)), RrType::NSEC3, "its list of types is not what is there");
      }
      if (!name_first) ++link;
      if (!link_first) ++name;
    }
  }

  CheckContext& context_;
  const Zone& zone_;
  Name apex_;
  std::vector<RrType> types_;
  std::array<u8, 256 * 34> bitmap_;
  std::vector<Link> links_;  // in the order of their hashes
  std::vector<Denied> names_;
};

}  // namespace

void check_denial(CheckContext& context) {
  DenialCheck(context).run();
}

}  // namespace samara::zone
