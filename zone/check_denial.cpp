#include <algorithm>
#include <array>
#include <vector>

#include "platform/codec/base32hex.h"
#include "platform/crypto/hash.h"
#include "zone/check_context.h"

namespace samara::zone {
namespace {

using dns::Name;
using dns::RrType;

constexpr u8 hash_sha1 = 1;
constexpr u8 opt_out_flag = 1;
// Above RFC 9276's 0 more work makes no zone safer; this bounds ours.
constexpr u16 max_iterations = 150;

using Hash = std::array<u8, 20>;

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

// The fields NSEC3 and NSEC3PARAM share (RFC 5155 sections 3.2 and 4.2).
struct Nsec3Fields {
  explicit Nsec3Fields(Bytes rdata)
      : algorithm(rdata[0]), flags(rdata[1]), iterations(load_be16(rdata, 2)), salt(rdata.subspan(5, rdata[4])) {}
  u8 algorithm;
  u8 flags;
  u16 iterations;
  Bytes salt;  // a reader's view
  bool same_chain(const Nsec3Fields& other) const {
    return algorithm == other.algorithm && iterations == other.iterations && std::ranges::equal(salt, other.salt);
  }
};

// RFC 5155 section 5.
Hash hash_name(const Name& name, const Nsec3Fields& parameters) {
  crypto::Hash sha1(crypto::HashAlgorithm::sha1);
  sha1.update(name.lowercased().wire());
  sha1.update(parameters.salt);
  crypto::Digest digest = sha1.finish();
  for (u16 i = 0; i < parameters.iterations; ++i) {
    sha1.update(digest.bytes());
    sha1.update(parameters.salt);
    digest = sha1.finish();
  }
  Hash hash;
  std::ranges::copy(digest.bytes(), hash.begin());
  return hash;
}

struct HashText {
  const Hash& hash;
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
    Hash hash;
    Ref node;
    bool optional;  // may be left out of an opt-out chain
  };
  struct Link {
    Hash hash;
    Hash next;
    Ref node;
    RecordView record;
    bool opt_out;
    Bytes bitmap() const { return record.rdata().subspan(6 + record.rdata()[4] + sizeof(Hash)); }
  };

  void check_nsec3(const RrsetView& parameter_set) {
    std::optional<Nsec3Fields> parameters;
    parameter_set.for_each_record([&](RecordView record) {
      const Nsec3Fields fields(record.rdata());
      if (fields.algorithm == hash_sha1 && fields.flags == 0 && !parameters.has_value()) parameters = fields;
    });
    if (!parameters.has_value()) {
      context_.error(apex_, RrType::NSEC3PARAM, "no record with hash algorithm 1 and flags 0");  // RFC 5155 section 4.1.2
      return;
    }
    // RFC 9276 section 3.1
    if (parameters->iterations != 0)
      context_.warn(apex_, RrType::NSEC3PARAM, parameters->iterations, " iterations; 0 is right");
    if (!parameters->salt.empty()) context_.warn(apex_, RrType::NSEC3PARAM, "has a salt; none is right");
    if (parameters->iterations > max_iterations) {
      context_.error(apex_, RrType::NSEC3PARAM, "more than ", max_iterations, " iterations: resolvers will not follow");
      return;
    }
    read_links(*parameters);
    if (links_.empty()) {
      context_.error(apex_, RrType::NSEC3PARAM, "no NSEC3 record belongs to it");
      return;
    }
    check_chain();
    hash_names(*parameters);
    compare();
  }

  void read_links(const Nsec3Fields& parameters) {
    zone_.for_each_nsec3([&](const NodeView& node) {
      const auto set = node.find(RrType::NSEC3);
      if (!set.has_value()) return;
      const Name owner = zone_.owner(node);
      set->for_each_record([&](RecordView record) {
        const Nsec3Fields fields(record.rdata());
        if (!fields.same_chain(parameters)) return;
        const Bytes next = record.rdata().subspan(6 + fields.salt.size(), record.rdata()[5 + fields.salt.size()]);
        Link link{{}, {}, node.ref(), record, (fields.flags & opt_out_flag) != 0};
        if (next.size() != link.next.size() || !read_hash(owner, link.hash)) {
          context_.error(owner, RrType::NSEC3, "its hash is not one of SHA-1");
          return;
        }
        std::ranges::copy(next, link.next.begin());
        links_.push_back(link);
      });
    });
  }

  // The hash an NSEC3 record's owner name stands for.
  static bool read_hash(const Name& owner, Hash& hash) {
    const Bytes label = owner.wire().subspan(1, owner.wire()[0]);
    if (label.size() != codec::base32hex_size(hash.size())) return false;
    std::array<char, codec::base32hex_size(sizeof(Hash))> text;
    std::ranges::transform(label, text.begin(), [](u8 c) { return static_cast<char>(c); });
    ByteWriter out(hash);
    return codec::decode_base32hex(std::string_view(text.data(), text.size()), out).ok();
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

  void hash_names(const Nsec3Fields& parameters) {
    zone_.for_each_name([&](const NodeView& node) {
      if (node.has(node_governed)) return;
      const bool insecure_cut = node.has(node_delegation) && !node.has(node_secure_delegation);
      names_.push_back({hash_name(zone_.owner(node), parameters), node.ref(), insecure_cut || node.empty()});
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
      } else if (!std::ranges::equal(links_[link].bitmap(), expected_bitmap(zone_.node(names_[name].node), false))) {
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
