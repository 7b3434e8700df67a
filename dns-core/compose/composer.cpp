#include "dns-core/compose/composer.h"

#include <algorithm>

#include "dns-core/rdata/rdata.h"

namespace samara::dns {
namespace {

constexpr u16 pointer_to(size_t offset) { return static_cast<u16>(0xc000 | offset); }

}  // namespace

Composer::Composer(MutableBytes reply, size_t budget, size_t reserved, Bytes packet, const Query& query, u16 flags)
    : out_(reply), budget_(std::min(budget, reply.size())), question_size_(query.question_size()), flags_(flags) {
  // The header's id is the request's; its other fields are written by finish().
  out_.bytes(packet.first(header_size + question_size_));
  out_.set_limit(budget_ > reserved ? budget_ - reserved : 0);
}

void Composer::clear_records() {
  out_.rollback({header_size + question_size_, false});
  counts_ = {};
  anchor_count_ = 0;
  next_anchor_ = 1;
}

bool Composer::label_stands_at(size_t offset, Bytes label) const {
  // Their lengths first: a longer label could reach past what is written.
  if (out_.written()[offset] != label[0]) return false;
  const Bytes there = out_.written().subspan(offset, label.size());
  for (size_t i = 1; i < label.size(); ++i) {
    if (there[i] != label[i] && to_lower(there[i]) != to_lower(label[i])) return false;
  }
  return true;
}

void Composer::anchor_question() {
  anchor_count_ = 1;
  Anchor& anchor = anchors_[0];
  anchor.labels = 0;
  if (question_size_ == 0) return;
  const Bytes message = out_.written();
  SAMARA_UNINITIALIZED std::array<u16, max_labels + 1> starts;
  size_t count = 0;
  for (size_t at = header_size; message[at] != 0; at += size_t{1} + message[at]) starts[count++] = static_cast<u16>(at);
  while (count > 0 && anchor.labels < Anchor::max_labels) anchor.at[anchor.labels++] = starts[--count];
}

size_t Composer::compressed_name(Bytes wire) {
  if (anchor_count_ == 0) anchor_question();
  SAMARA_UNINITIALIZED std::array<u8, max_labels + 1> starts;
  size_t labels = 0;
  for (size_t at = 0; wire[at] != 0; at += size_t{1} + wire[at]) starts[labels++] = static_cast<u8>(at);

  // The anchor that shares most labels, counted from the root.
  size_t shared = 0;
  size_t best = 0;
  for (size_t i = 0; i < anchor_count_; ++i) {
    // The question first, then the last one written and on to older ones.
    const size_t index = i == 0 ? 0 : (next_anchor_ - 1 + recent_anchors - i) % recent_anchors + 1;
    const Anchor& anchor = anchors_[index];
    const size_t limit = std::min<size_t>(anchor.labels, labels);
    size_t same = 0;
    while (same < limit) {
      const size_t start = starts[labels - 1 - same];
      if (!label_stands_at(anchor.at[same], wire.subspan(start, size_t{1} + wire[start]))) break;
      ++same;
    }
    if (same > shared) {
      shared = same;
      best = index;
    }
    if (shared == labels || (i != 0 && shared + 1 == labels)) break;  // hardly anything is left to gain
  }

  const size_t start = out_.size();
  const size_t literal = shared == labels ? 0 : (shared == 0 ? wire.size() - 1 : starts[labels - shared]);
  out_.bytes(wire.first(shared == labels ? 0 : literal));
  if (shared == 0) {
    out_.u8(0);
  } else {
    out_.u16(pointer_to(anchors_[best].at[shared - 1]));
  }
  if (shared == labels) return labels == 0 ? start : anchors_[best].at[shared - 1];
  if (out_.overflowed() || start > max_pointer - max_name_size) return start;
  SAMARA_UNINITIALIZED Anchor made;
  made.labels = static_cast<u8>(std::min(labels, Anchor::max_labels));
  for (size_t i = 0; i < made.labels; ++i) {
    made.at[i] = i < shared ? anchors_[best].at[i] : static_cast<u16>(start + starts[labels - 1 - i]);
  }
  anchors_[next_anchor_] = made;
  anchor_count_ = std::max(anchor_count_, next_anchor_ + 1);
  next_anchor_ = next_anchor_ % recent_anchors + 1;
  return start;
}

bool Composer::write_compressible(Bytes image) {
  const RrType type = static_cast<RrType>(load_be16(image));
  const Bytes rdata = image.subspan(record_overhead);
  out_.bytes(image.first(8));
  const size_t length_at = out_.size();
  out_.u16(0);
  size_t done = 0;
  for (size_t i = 0;; ++i) {
    const auto name = rdata_name(type, rdata, i);
    if (!name.has_value()) break;
    out_.bytes(rdata.subspan(done, name->offset - done));
    const size_t at = compressed_name(rdata.subspan(name->offset, name->size));
    if (i == 0) last_target_ = at;
    done = size_t{name->offset} + name->size;
  }
  out_.bytes(rdata.subspan(done));
  if (out_.overflowed()) return false;
  out_.patch_u16(length_at, static_cast<u16>(out_.size() - length_at - 2));
  return true;
}

bool Composer::rrset(Section section, Owner owner, Bytes images, size_t count, bool compressible, u32 ttl_limit) {
  const ByteWriter::Mark mark = out_.mark();
  u16& counter = counts_[static_cast<size_t>(section)];
  size_t owner_at = owner.offset();
  for (Bytes rest = images; !rest.empty();) {
    const Bytes image = rest.first(record_overhead + load_be16(rest, 8));
    rest = rest.subspan(image.size());
    if (owner_at == 0 || owner_at > max_pointer) {
      owner_at = compressed_name(owner.wire());
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
    // Anchors in what was taken back are gone; the question's is made again when it is needed.
    anchor_count_ = 0;
    next_anchor_ = 1;
    return false;
  }
  counter = static_cast<u16>(counter + count);
  return true;
}

void Composer::begin_opt(u16 udp_payload_size, Rcode rcode, bool dnssec_ok) {
  out_.set_limit(budget_);
  out_.u8(0);
  out_.u16(code(RrType::OPT));
  out_.u16(udp_payload_size);
  out_.u8(static_cast<u8>(code(rcode) >> 4));  // the upper eight bits (RFC 6891 section 6.1.3)
  out_.u8(0);
  out_.u16(dnssec_ok ? 0x8000 : 0);
  opt_at_ = out_.size();
  out_.u16(0);
}

void Composer::option(EdnsOption option, Bytes data) {
  const ByteWriter::Mark mark = out_.mark();
  out_.u16(code(option));
  out_.u16(static_cast<u16>(data.size()));
  out_.bytes(data);
  if (out_.overflowed() && !mark.overflowed) out_.rollback(mark);
}

void Composer::end_opt() {
  if (out_.overflowed()) return;
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
