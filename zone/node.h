// What a zone stores: nodes and RRsets, and the views that read them.
//
//   node   word 0    flags (8 bits) | governing depth (7) | RRset count (17), from the low end
//          then      RRset references (a word each), RRset types (16 bits each, ascending), size of the labels (8 bits), by how
//                    much the key is longer than they are (8 bits), labels of the owner below the apex in lower case, key
//                    symbols of the same
//   RRset  word 0    records (16 bits) | flags (16)
//          word 1    octets of all records
//          [word 2]  reference of the RRSIGs that cover it, with flag `has_signatures`
//          then      each record as it stands in a message after its owner: TYPE CLASS TTL RDLENGTH RDATA, uncompressed
//
// RRSIG records are kept with the set they cover (RFC 4035 section 3.1.1 sends them together). Records are in canonical order.
#pragma once

#include <optional>

#include "dns-core/message/header.h"
#include "dns-core/name.h"
#include "dns-core/record_image.h"
#include "dns-core/types.h"
#include "zone/key.h"
#include "zone/memory.h"

namespace samara::zone {

// Node flags.
constexpr u8 node_delegation = 0x01;         // a zone cut is here: NS, not the apex
constexpr u8 node_dname = 0x02;              // DNAME is here
constexpr u8 node_governed = 0x04;           // below a zone cut or DNAME: not authoritative data (glue, or occluded)
constexpr u8 node_has_wildcard = 0x08;       // the name `*` right below exists
constexpr u8 node_secure_delegation = 0x10;  // DS beside the cut
constexpr u8 node_has_signatures = 0x20;     // at least one RRset has RRSIGs

// RRset flags.
constexpr u16 rrset_has_signatures = 0x0001;
constexpr u16 rrset_compressible = 0x0002;  // its rdata holds names a composer may compress
constexpr u16 rrset_additional = 0x0004;    // its rdata names hosts whose addresses belong into the additional section

// More than all types that are registered or ever will be in RFC 6895's ranges for data; an owner with so many is made to hurt.
constexpr size_t max_rrsets_per_node = 4096;
constexpr size_t max_records_per_rrset = 65535;
// What stands around the only record of a message: header, question, and the longest TSIG record there is (RFC 8945
// section 4.2: owner, fixed part, the longest name of an algorithm, 16 octets of numbers, the longest MAC, six octets of other
// data).
constexpr size_t message_frame_octets =
    dns::header_size + (dns::max_name_size + 4) + (dns::max_name_size + dns::record_fixed_size + 26 + 16 + 64 + 6);
// The most that a record takes with its owner, uncompressed: a transfer must be able to send it in a message of its own.
constexpr size_t max_record_octets = dns::max_message_size - message_frame_octets;
constexpr bool fits_a_transfer(const dns::Name& owner, Bytes rdata) {
  return owner.size() + dns::record_fixed_size + rdata.size() <= max_record_octets;
}

// One stored record: what follows the owner name in a message.
class RecordView {
 public:
  explicit RecordView(Bytes image) : image_(image) {}
  dns::RrType type() const { return static_cast<dns::RrType>(load_be16(image_)); }
  dns::Ttl ttl() const { return dns::Ttl(load_be32(image_, 4)); }
  Bytes rdata() const { return image_.subspan(dns::record_fixed_size); }
  Bytes image() const { return image_; }

 private:
  Bytes image_;  // a reader's view into zone memory
};

class RrsetView {
 public:
  RrsetView(MemoryView memory, Ref ref) : memory_(memory), ref_(ref), head_(memory.word(ref)) {}
  size_t count() const { return head_ & 0xffff; }
  u16 flags() const { return static_cast<u16>(head_ >> 16); }
  bool has_signatures() const { return (flags() & rrset_has_signatures) != 0; }
  // All records' images, one after the other.
  Bytes images() const { return memory_.octets(ref_, has_signatures() ? 12 : 8, memory_.word(ref_ + 1)); }
  dns::RrType type() const { return first().type(); }
  dns::Ttl ttl() const { return first().ttl(); }
  RecordView first() const { return RecordView(record_at(images())); }
  // The RRSIGs that cover it; only with has_signatures().
  RrsetView signatures() const { return RrsetView(memory_, memory_.word(ref_ + 2)); }
  // Calls f(RecordView) for each record.
  template <class F>
  void for_each_record(F&& f) const {
    for (Bytes rest = images(); !rest.empty();) {
      const Bytes one = record_at(rest);
      f(RecordView(one));
      rest = rest.subspan(one.size());
    }
  }
  Ref ref() const { return ref_; }

 private:
  static Bytes record_at(Bytes images) { return images.first(dns::ownerless_image_size(images)); }

  MemoryView memory_;
  Ref ref_;
  u32 head_;
};

class NodeView {
 public:
  NodeView(MemoryView memory, Ref ref) : memory_(memory), ref_(ref), head_(memory.word(ref)) {}
  u8 flags() const { return static_cast<u8>(head_); }
  bool has(u8 flag) const { return (head_ & flag) != 0; }
  // With node_governed: labels below the apex of the cut or DNAME that governs it.
  size_t governing_depth() const { return (head_ >> 8) & 0x7f; }
  size_t rrset_count() const { return head_ >> 15; }
  bool empty() const { return rrset_count() == 0; }  // an empty non-terminal (RFC 4592 section 2.2.2)
  // The owner below the apex: its labels in wire form, lower case, without the root's; and the same as symbols (key.h).
  Bytes labels() const { return memory_.octets(ref_, 6 + 6 * rrset_count(), labels_size()); }
  Bytes key() const { return memory_.octets(ref_, 6 + 6 * rrset_count() + labels_size(), key_size()); }
  dns::RrType rrset_type(size_t index) const {
    const Bytes b = memory_.octets(ref_, 4 + 4 * rrset_count() + 2 * index, 2);
    return static_cast<dns::RrType>(b[0] | b[1] << 8);
  }
  RrsetView rrset(size_t index) const { return RrsetView(memory_, reference(index)); }
  // The set of `type`; RRSIG is not a type here (signatures belong to the set they cover).
  std::optional<RrsetView> find(dns::RrType type) const {
    const size_t count = rrset_count();
    const Bytes types = memory_.octets(ref_, 4 + 4 * count, 2 * count);
    if (count > few_rrsets) [[unlikely]]
      return find_among_many(type);
    const u8 low = static_cast<u8>(dns::code(type));
    const u8 high = static_cast<u8>(dns::code(type) >> 8);
    for (size_t i = 0; i < count; ++i) {
      if (types[2 * i] == low && types[2 * i + 1] == high) return rrset(i);
    }
    return std::nullopt;
  }
  template <class F>
  void for_each_rrset(F&& f) const {
    for (size_t i = 0; i < rrset_count(); ++i) f(rrset(i));
  }
  // The reference stored at `index`; for what is not a zone's node (zone_set.h) it names something else than an RRset.
  Ref reference(size_t index) const { return memory_.word(ref_ + 1 + static_cast<Ref>(index)); }
  Ref ref() const { return ref_; }
  // Octets it takes.
  size_t size() const { return 6 + 6 * rrset_count() + labels_size() + key_size(); }

 private:
  // Up to so many are looked at one by one.
  static constexpr size_t few_rrsets = 16;

  size_t labels_size() const { return memory_.octets(ref_, 4 + 6 * rrset_count(), 1)[0]; }
  size_t key_size() const { return labels_size() + memory_.octets(ref_, 5 + 6 * rrset_count(), 1)[0]; }
  // find() by halving the ascending types.
  [[gnu::cold]] std::optional<RrsetView> find_among_many(dns::RrType type) const;

  MemoryView memory_;
  Ref ref_;
  u32 head_;
};

// A set at an owner: a type that its node lists, and where it is.
struct WrittenSet {
  Ref ref;
  u16 type;
};

// Writes a node; the types of `sets` are ascending. Returns 0 when the extent is full.
Ref write_node(ExtentWriter& out, u8 flags, size_t governing_depth, Bytes labels, Bytes key, std::span<const WrittenSet> sets);
// Changes what a node that nobody has seen yet says of its place; `node_governed` comes with its depth.
void set_node_flags(ExtentWriter& out, Ref node, u8 flags, size_t governing_depth);

}  // namespace samara::zone
