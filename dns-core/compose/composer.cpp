#include "dns-core/compose/composer.h"

#include <algorithm>
#include <array>

#include "dns-core/rdata/rdata.h"
#include "dns-core/record_image.h"

namespace samara::dns {
namespace {

constexpr u16 pointer_to(size_t offset) {
  return static_cast<u16>(0xc000 | offset);
}

}  // namespace

Composer::Composer(MutableBytes reply, size_t budget, size_t reserved, Bytes packet, const Query& query, u16 flags)
    : out_(reply), budget_(std::min(budget, reply.size())), question_size_(query.question_size()), flags_(flags) {
  // The header's id is the request's; its other fields are written by finish().
  out_.bytes(packet.first(header_size + question_size_));
  out_.set_limit(budget_ > reserved ? budget_ - reserved : 0);
  anchors_[0] = {.at = header_size, .literal = query.has_question ? query.name_size : u8{0}, .tail = 0, .base = 0};
}

Composer::Written Composer::compressed_name(Bytes source, const OwnerTrail* trail) {
  const Bytes wire = source.first(wire_name_size(source));
  // Octets it shares with each name that stands in the message, the longest of them, and where those begin.
  SAMARA_UNINITIALIZED std::array<u8, max_anchors> shared_with;
  size_t shared = 0;
  size_t sharer = 0;
  size_t target = 0;
  for (size_t i = 0; i < anchor_count_; ++i) {
    const Anchor& anchor = anchors_[i];
    // What two names share further up than their tails only counts when they share those.
    shared_with[i] = 0;
    if (i != 0 && shared_with[anchor.base] != anchor.tail) continue;
    const Bytes literal = out_.written().subspan(anchor.at, anchor.literal);
    const size_t above = common_suffix_size(wire.first(wire.size() - anchor.tail), literal);
    const size_t all = anchor.tail + above;
    if (all == 1) continue;  // the root is shorter than a pointer to it
    shared_with[i] = static_cast<u8>(all);
    if (all <= shared) continue;
    shared = all;
    sharer = i;
    target = anchor.at + anchor.literal - above;
  }
  bool in_trail = false;
  if (const size_t apex = anchors_[0].literal; trail != nullptr && (shared_with[0] == apex || apex == 1)) {
    const size_t above = trail->common(wire.first(wire.size() - apex));
    if (above != 0 && apex + above > shared) {
      shared = apex + above;
      target = trail->place(above);
      in_trail = true;
    }
  }

  const size_t start = out_.size();
  const size_t literal = wire.size() - shared;
  if (literal != 0) out_.bytes(wire.first(literal));
  if (shared != 0) out_.u16(pointer_to(target));
  if (literal == 0) return {target, wire.size()};
  // What ends in an owner will not be met again when the owners have gone on.
  if (!in_trail && anchor_count_ < max_anchors && start <= max_pointer - max_name_size && !out_.overflowed()) {
    anchors_[anchor_count_++] = {.at = static_cast<u16>(start),
                                 .literal = static_cast<u8>(literal),
                                 .tail = static_cast<u8>(shared),
                                 .base = static_cast<u8>(sharer)};
  }
  return {start, wire.size()};
}

bool Composer::write_compressible(Bytes image, const OwnerTrail* trail) {
  const CompressibleNames names = compressible_names(static_cast<RrType>(load_be16(image)));
  const size_t length_at = out_.size() + 8;
  // TYPE to RDLENGTH (to be corrected) and what stands before the first name.
  size_t done = record_fixed_size + names.offset;
  out_.bytes(image.first(done));
  for (size_t i = 0; i < names.count; ++i) {
    const Written name = compressed_name(image.subspan(done), trail);
    if (i == 0) last_target_ = name.at;
    done += name.size;
  }
  out_.bytes(image.subspan(done));
  if (out_.overflowed()) return false;
  out_.patch_u16(length_at, static_cast<u16>(out_.size() - length_at - 2));
  return true;
}

bool Composer::rrset(Section section, const Owner& owner, Bytes images, size_t count, bool compressible, u32 ttl_limit,
                     size_t first) {
  const ByteWriter::Mark mark = out_.mark();
  const size_t anchors_before = anchor_count_;
  u16& counter = counts_[static_cast<size_t>(section)];
  size_t owner_at = owner.offset();
  Bytes rest = images;
  for (; first != 0; --first) rest = rest.subspan(ownerless_image_size(rest));
  for (size_t left = count; left != 0; --left) {
    if (rest.empty()) rest = images;
    const Bytes image = rest.first(ownerless_image_size(rest));
    rest = rest.subspan(image.size());
    if (owner_at == 0 || owner_at > max_pointer) {
      owner_at = compressed_name(owner.wire()).at;
    } else if (out_.written()[owner_at] == 0) {
      out_.u8(0);  // the root is shorter than a pointer to it
    } else {
      out_.u16(pointer_to(owner_at));
    }
    const size_t record_at = out_.size();
    if (compressible) {
      if (!write_compressible(image)) break;
    } else {
      out_.bytes(image);
      if (out_.overflowed()) break;
    }
    if (ttl_limit != Ttl::max && load_be32(image, 4) > ttl_limit) {
      store_be32(out_.written_mutable(), record_at + 4, ttl_limit);
    }
  }
  if (out_.overflowed()) [[unlikely]] {
    out_.rollback(mark);
    anchor_count_ = anchors_before;
    return false;
  }
  counter = static_cast<u16>(counter + count);
  return true;
}

bool Composer::record(Section section, OwnerTrail& owner, Bytes image, bool compressible) {
  const ByteWriter::Mark mark = out_.mark();
  const size_t anchors_before = anchor_count_;
  const Bytes labels = owner.labels();
  const size_t standing = owner.standing();
  if (labels.size() != standing) {
    out_.bytes(labels.first(labels.size() - standing));
    if (mark.size <= max_pointer - max_name_size) owner.written(mark.size);
  }
  if (standing == 0 && anchors_[0].literal == 1) {
    out_.u8(0);  // the root is shorter than a pointer to it
  } else {
    out_.u16(pointer_to(owner.place(standing)));
  }
  if (compressible) {
    write_compressible(image, &owner);
  } else {
    out_.bytes(image);
  }
  if (out_.overflowed()) [[unlikely]] {
    out_.rollback(mark);
    anchor_count_ = anchors_before;
    owner.rollback(standing);
    return false;
  }
  ++counts_[static_cast<size_t>(section)];
  return true;
}

bool Composer::prepared(Section section, size_t owner_at, const PreparedRecord& record) {
  const ByteWriter::Mark mark = out_.mark();
  out_.u16(pointer_to(owner_at));
  const size_t record_at = out_.size();
  out_.bytes(record.image);
  if (out_.overflowed()) [[unlikely]] {
    out_.rollback(mark);
    return false;
  }
  for (const NamePointer& pointer : record.pointers) {
    if (pointer.place != 0) out_.patch_u16(record_at + pointer.place, pointer_to(owner_at + pointer.suffix));
  }
  ++counts_[static_cast<size_t>(section)];
  return true;
}

void Composer::begin_opt(u16 udp_payload_size, Rcode rcode, bool dnssec_ok) {
  out_.set_limit(budget_);
  before_opt_ = out_.mark();
  // All but the options (RFC 6891 section 6.1.2). Written at once: nearly every answer has it.
  std::array<u8, 11> record{};
  store_be16(record, 1, code(RrType::OPT));
  store_be16(record, 3, udp_payload_size);
  record[5] = static_cast<u8>(code(rcode) >> 4);  // the upper eight bits (section 6.1.3)
  store_be16(record, 7, dnssec_ok ? 0x8000 : 0);
  out_.bytes(record);
  opt_at_ = out_.size() - 2;
}

void Composer::option(EdnsOption option, Bytes data) {
  const ByteWriter::Mark mark = out_.mark();
  out_.u16(code(option));
  out_.u16(static_cast<u16>(data.size()));
  out_.bytes(data);
  if (out_.overflowed() && !mark.overflowed) out_.rollback(mark);
}

void Composer::end_opt() {
  if (out_.overflowed()) return out_.rollback(before_opt_);  // a TSIG record can leave no room for it
  out_.patch_u16(opt_at_, static_cast<u16>(out_.size() - opt_at_ - 2));
  ++counts_[2];
}

size_t Composer::finish(Rcode rcode) {
  const MutableBytes message = out_.written_mutable();
  store_be16(message, 2, static_cast<u16>(flags_ | (code(rcode) & 15)));
  store_be64(message, 4, u64{question_size_ == 0 ? 0U : 1U} << 48 | u64{counts_[0]} << 32 | u64{counts_[1]} << 16 | counts_[2]);
  return message.size();
}

}  // namespace samara::dns
