#include "dns-core/compose/composer.h"

#include <algorithm>
#include <bit>

#include "dns-core/rdata/rdata.h"

namespace samara::dns {
namespace {

// Eight octets with ASCII letters in lower case.
constexpr u64 lowered(u64 octets) {
  constexpr u64 each = 0x0101010101010101ULL;
  const u64 low = octets & (0x7f * each);
  const u64 from_a = low + (0x80 - 'A') * each;
  const u64 beyond_z = low + (0x7f - 'Z') * each;
  return octets | ((~octets & (from_a ^ beyond_z) & (0x80 * each)) >> 2);
}

// Octets that two names have in common from the end, ignoring case.
size_t common_tail(Bytes a, Bytes b) {
  const size_t shorter = std::min(a.size(), b.size());
  size_t common = 0;
  for (; shorter - common >= 8; common += 8) {
    const u64 x = load_le64(a, a.size() - common - 8);
    const u64 y = load_le64(b, b.size() - common - 8);
    if (x == y) continue;
    const u64 difference = lowered(x) ^ lowered(y);
    if (difference != 0) return common + static_cast<size_t>(std::countl_zero(difference)) / 8;
  }
  while (common < shorter && to_lower(a[a.size() - common - 1]) == to_lower(b[b.size() - common - 1])) ++common;
  return common;
}

constexpr u16 pointer_to(size_t offset) {
  return static_cast<u16>(0xc000 | offset);
}

}  // namespace

Composer::Composer(MutableBytes reply, size_t budget, size_t reserved, Bytes packet, const Query& query, u16 flags)
    : out_(reply), budget_(std::min(budget, reply.size())), question_size_(query.question_size()), flags_(flags) {
  // The header's id is the request's; its other fields are written by finish().
  out_.bytes(packet.first(header_size + question_size_));
  out_.set_limit(budget_ > reserved ? budget_ - reserved : 0);
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
  anchor.shared = 0;
  if (question_size_ == 0) return;
  const Bytes message = out_.written();
  SAMARA_UNINITIALIZED std::array<u16, max_labels + 1> starts;
  size_t count = 0;
  for (size_t at = header_size; message[at] != 0; at += size_t{1} + message[at]) starts[count++] = static_cast<u16>(at);
  while (count > 0 && anchor.labels < Anchor::max_labels) anchor.at[anchor.labels++] = starts[--count];
}

Composer::Written Composer::compressed_name(Bytes source) {
  if (anchor_count_ == 0) anchor_question();
  SAMARA_UNINITIALIZED std::array<u8, max_labels + 1> starts;
  size_t labels = 0;
  size_t end = 0;
  for (; source[end] != 0; end += size_t{1} + source[end]) starts[labels++] = static_cast<u8>(end);
  const Bytes wire = source.first(end + 1);

  // Labels shared with the question: octets that are equal from the end, as far as they are whole labels of both.
  const Anchor& question = anchors_[0];
  size_t with_question = 0;
  if (question_size_ != 0) {
    const Bytes name = out_.written().subspan(header_size, question_size_ - 4);
    const size_t common = common_tail(wire, name);
    for (; with_question < std::min<size_t>(question.labels, labels); ++with_question) {
      const size_t from_end = wire.size() - starts[labels - 1 - with_question];
      if (from_end > common || question.at[with_question] != header_size + name.size() - from_end) break;
    }
  }
  // Another anchor shares more only if it has just as many labels in common with the question.
  size_t shared = with_question;
  size_t best = 0;
  for (size_t i = 1; i < anchor_count_ && shared < labels; ++i) {
    const size_t index = (next_anchor_ - 1 + recent_anchors - i) % recent_anchors + 1;  // the last one written first
    const Anchor& anchor = anchors_[index];
    if (anchor.shared != with_question) continue;
    const size_t limit = std::min<size_t>(anchor.labels, labels);
    size_t same = with_question;
    while (same < limit) {
      const size_t start = starts[labels - 1 - same];
      if (!label_stands_at(anchor.at[same], wire.subspan(start, size_t{1} + wire[start]))) break;
      ++same;
    }
    if (same > shared) {
      shared = same;
      best = index;
    }
  }

  const size_t start = out_.size();
  if (shared == 0) {
    out_.bytes(wire);
  } else {
    if (shared != labels) out_.bytes(wire.first(starts[labels - shared]));
    out_.u16(pointer_to(anchors_[best].at[shared - 1]));
    if (shared == labels) return {anchors_[best].at[shared - 1], wire.size()};
  }
  if (out_.overflowed() || start > max_pointer - max_name_size) return {start, wire.size()};
  const Anchor& source_anchor = anchors_[best];
  SAMARA_UNINITIALIZED Anchor made;
  made.labels = static_cast<u8>(std::min(labels, Anchor::max_labels));
  made.shared = static_cast<u8>(with_question);
  for (size_t i = 0; i < made.labels; ++i) {
    made.at[i] = i < shared ? source_anchor.at[i] : static_cast<u16>(start + starts[labels - 1 - i]);
  }
  anchors_[next_anchor_] = made;
  anchor_count_ = std::max(anchor_count_, next_anchor_ + 1);
  next_anchor_ = next_anchor_ % recent_anchors + 1;
  return {start, wire.size()};
}

bool Composer::write_compressible(Bytes image) {
  const CompressibleNames names = compressible_names(static_cast<RrType>(load_be16(image)));
  const size_t length_at = out_.size() + 8;
  // TYPE to RDLENGTH (to be corrected) and what stands before the first name.
  size_t done = record_overhead + names.offset;
  out_.bytes(image.first(done));
  for (size_t i = 0; i < names.count; ++i) {
    const Written name = compressed_name(image.subspan(done));
    if (i == 0) last_target_ = name.at;
    done += name.size;
  }
  out_.bytes(image.subspan(done));
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
  before_opt_ = out_.mark();
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
