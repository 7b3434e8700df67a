#include "dns-core/compose/composer.h"

#include <algorithm>

#include "dns-core/rdata/rdata.h"

namespace samara::dns {
namespace {

// The labels of a name and the hash of the suffix that starts at each.
struct Suffixes {
  std::array<u8, max_labels> starts;
  std::array<u32, max_labels> hashes;
  size_t count = 0;

  explicit Suffixes(Bytes wire) {  // NOLINT: arrays are written before they are read
    for (size_t at = 0; wire[at] != 0; at += size_t{1} + wire[at]) starts[count++] = static_cast<u8>(at);
    u32 hash = 0x811c9dc5U;
    size_t end = wire.size() - 1;
    for (size_t i = count; i-- > 0;) {
      for (const u8 octet : wire.subspan(starts[i], end - starts[i])) hash = (hash ^ to_lower(octet)) * 0x01000193U;
      hashes[i] = hash;
      end = starts[i];
    }
  }
};

constexpr u16 pointer_to(size_t offset) { return static_cast<u16>(0xc000 | offset); }

}  // namespace

Composer::Composer(MutableBytes reply, size_t budget, size_t reserved, Bytes packet, const Query& query, u16 flags)
    : out_(reply), budget_(std::min(budget, reply.size())), question_size_(query.question_size()), flags_(flags) {
  out_.u16(query.id.value());
  out_.zeros(10);
  out_.bytes(packet.subspan(header_size, question_size_));
  out_.set_limit(budget_ > reserved ? budget_ - reserved : 0);
}

void Composer::clear_records() {
  out_.rollback({header_size + question_size_, false});
  counts_ = {};
  forget_from(out_.size());
}

bool Composer::stands_at(size_t offset, Bytes suffix) const {
  const Bytes message = out_.written();
  // What was written by us needs no bound but the suffix's own end.
  for (size_t at = 0;;) {
    while ((message[offset] & 0xc0) == 0xc0) offset = load_be16(message, offset) & max_pointer;
    const size_t length = message[offset];
    if (length != suffix[at]) return false;
    if (length == 0) return true;
    const Bytes a = message.subspan(offset + 1, length);
    const Bytes b = suffix.subspan(at + 1, length);
    for (size_t i = 0; i < length; ++i) {
      if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    offset += length + 1;
    at += length + 1;
  }
}

void Composer::remember(u32 hash, size_t offset) {
  if (offset > max_pointer) return;
  for (size_t i = 0; i < 4; ++i) {
    u16& slot = known_[(hash + i) % slots];
    if (slot != 0) continue;
    slot = static_cast<u16>(offset);
    return;
  }
}

// What was taken back is no longer there to point at.
void Composer::forget_from(size_t offset) {
  if (!question_known_) return;
  for (u16& slot : known_) {
    if (slot >= offset) slot = 0;
  }
}

void Composer::remember_question() {
  question_known_ = true;
  known_.fill(0);
  if (question_size_ == 0) return;
  const Suffixes suffixes(out_.written().subspan(header_size, question_size_ - 4));
  for (size_t i = 0; i < suffixes.count; ++i) remember(suffixes.hashes[i], header_size + suffixes.starts[i]);
}

size_t Composer::compressed_name(Bytes wire) {
  if (!question_known_) remember_question();
  const Suffixes suffixes(wire);
  const size_t start = out_.size();
  for (size_t i = 0; i < suffixes.count; ++i) {
    for (size_t probe = 0; probe < 4; ++probe) {
      const u16 known = known_[(suffixes.hashes[i] + probe) % slots];
      if (known == 0) break;
      if (!stands_at(known, wire.subspan(suffixes.starts[i]))) continue;
      out_.bytes(wire.first(suffixes.starts[i]));
      out_.u16(pointer_to(known));
      if (!out_.overflowed()) {
        for (size_t j = 0; j < i; ++j) remember(suffixes.hashes[j], start + suffixes.starts[j]);
      }
      return i == 0 ? known : start;
    }
  }
  out_.bytes(wire);
  if (!out_.overflowed()) {
    for (size_t j = 0; j < suffixes.count; ++j) remember(suffixes.hashes[j], start + suffixes.starts[j]);
  }
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
    forget_from(mark.size);
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
  store_be16(message, 4, question_size_ == 0 ? 0 : 1);
  store_be16(message, 6, counts_[0]);
  store_be16(message, 8, counts_[1]);
  store_be16(message, 10, counts_[2]);
  return message.size();
}

}  // namespace samara::dns
