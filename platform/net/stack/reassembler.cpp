#include "platform/net/stack/reassembler.h"

#include <algorithm>

namespace samara::net {
namespace {

constexpr u32 max_datagrams = 64;
constexpr u32 max_datagrams_per_source = 16;

// The least a first fragment must hold of the transport header, so that ports and flags are in one place (RFC 1858).
size_t least_first(Protocol protocol) {
  return protocol == Protocol::tcp ? 20 : protocol == Protocol::none ? 0 : 8;
}

bool is_same_datagram(const Fragment& a, const Fragment& b) {
  return a.identification == b.identification && a.source == b.source && a.destination == b.destination &&
         (!a.source.is_v4() || a.protocol == b.protocol);
}

}  // namespace

Reassembler::Reassembler(u32 octets) {
  pending_.reserve(max_datagrams);
  const size_t blocks = std::clamp<size_t>(octets / block_size, 2 * max_datagram / block_size, none);
  blocks_.resize(blocks);
  free_blocks_.reserve(blocks);
  for (size_t i = blocks; i-- > 0;) free_blocks_.push_back(static_cast<u16>(i));
  assembled_ = std::make_unique_for_overwrite<std::array<u8, max_datagram>>();
  expired_.reserve(max_datagrams);
}

Reassembler::Verdict Reassembler::on_fragment(Instant now, const Fragment& fragment) {
  const u32 size = static_cast<u32>(fragment.payload.size());
  const u32 end = fragment.offset + size;
  Pending* pending = find(fragment);
  if (size == 0 || (fragment.more && size % 8 != 0)) return Verdict::malformed;
  if (end > max_datagram) return pending == nullptr ? Verdict::too_long : refuse(*pending, Verdict::too_long);
  if (fragment.offset == 0 && size < least_first(fragment.protocol)) return Verdict::first_too_short;
  if (pending == nullptr) pending = make(now, fragment);
  if (pending == nullptr) return Verdict::no_room;
  if (pending->refused) return Verdict::overlap;

  // Where it belongs, and whether it agrees with what is there and with what the last fragment said of the whole length.
  const auto pieces = std::span(pending->pieces).first(pending->piece_count);
  const auto after = std::ranges::find_if(pieces, [&](const Piece& p) { return p.offset >= fragment.offset; });
  const size_t position = static_cast<size_t>(after - pieces.begin());
  if (after != pieces.end() && after->offset == fragment.offset && after->size == size) {
    const bool is_last = end == pending->total;
    if (is_last != fragment.more && same_octets(*after, fragment.payload)) return Verdict::duplicate;
    return refuse(*pending, Verdict::overlap);
  }
  if (after != pieces.end() && after->offset < end) return refuse(*pending, Verdict::overlap);
  if (position > 0) {
    const Piece& before = pieces[position - 1];
    if (u32{before.offset} + before.size > fragment.offset) return refuse(*pending, Verdict::overlap);
  }
  if (!fragment.more) {
    if (pending->total != unknown_total || after != pieces.end()) return refuse(*pending, Verdict::overlap);
  } else if (pending->total != unknown_total && end > pending->total) {
    return refuse(*pending, Verdict::overlap);
  }
  if (pending->piece_count == max_fragments) return refuse(*pending, Verdict::no_room);
  return store(*pending, fragment, position);
}

Reassembler::Verdict Reassembler::store(Pending& pending, const Fragment& fragment, size_t position) {
  const size_t blocks = (fragment.payload.size() + block_size - 1) / block_size;
  while (free_blocks_.size() < blocks) {
    if (!evict(&pending)) return refuse(pending, Verdict::no_room);
  }
  Piece piece{static_cast<u16>(fragment.offset), static_cast<u16>(fragment.payload.size()), none};
  for (Bytes rest = fragment.payload; !rest.empty();) {
    // From the end, so that the chain comes out in order.
    const size_t size = rest.size() % block_size == 0 ? block_size : rest.size() % block_size;
    const u16 index = free_blocks_.back();
    free_blocks_.pop_back();
    std::ranges::copy(rest.last(size), blocks_[index].octets.begin());
    blocks_[index].next = piece.block;
    piece.block = index;
    rest = rest.first(rest.size() - size);
  }
  const auto room = std::span(pending.pieces).first(pending.piece_count + 1);
  std::shift_right(room.begin() + static_cast<std::ptrdiff_t>(position), room.end(), 1);
  room[position] = piece;
  ++pending.piece_count;
  pending.received += piece.size;
  pending.first.congestion_experienced |= fragment.congestion_experienced;  // RFC 3168 section 5.3
  pending.first.unicast &= fragment.unicast;
  if (!fragment.more) pending.total = fragment.offset + piece.size;
  if (fragment.offset == 0) {
    // RFC 8200 section 4.5: the next header that counts is the first fragment's.
    pending.first.protocol = fragment.protocol;
    pending.first.hop_limit = fragment.hop_limit;
    const Bytes quote = fragment.packet.first(std::min(fragment.packet.size(), max_fragment_quote));
    std::ranges::copy(quote, pending.expired.quote.begin());
    pending.expired.quote_size = static_cast<u8>(quote.size());
    pending.expired.protocol = fragment.protocol;
    pending.expired.first_octet = fragment.payload[0];
  }
  if (pending.received != pending.total) return Verdict::waits;
  assemble(pending);
  drop(pending);
  return Verdict::complete;
}

void Reassembler::on_deadline(Instant now) {
  if (now < next_deadline_) return;
  next_deadline_ = Instant::never();
  for (u32 i = 0; i < pending_.size(); ++i) {
    Pending& pending = pending_[i];
    if (!pending.used) continue;
    if (now < pending.deadline) {
      next_deadline_ = std::min(next_deadline_, pending.deadline);
      continue;
    }
    ++timed_out_;
    const bool tell = pending.expired.quote_size != 0 && !pending.refused && expired_.size() < max_datagrams;
    pending.expired.source = pending.first.source;
    pending.expired.destination = pending.first.destination;
    pending.expired.unicast = pending.first.unicast;
    drop(pending);
    if (tell) expired_.push_back(i);
  }
}

std::optional<Reassembler::Expired> Reassembler::poll_expired() {
  if (expired_.empty()) return std::nullopt;
  const u32 index = expired_.back();
  expired_.pop_back();
  return pending_[index].expired;
}

Reassembler::Pending* Reassembler::find(const Fragment& fragment) {
  if (used_ == 0) return nullptr;
  for (Pending& p : pending_) {
    if (p.used && is_same_datagram(p.first, fragment)) return &p;
  }
  return nullptr;
}

Reassembler::Pending* Reassembler::make(Instant now, const Fragment& fragment) {
  u32 of_source = 0;
  Pending* oldest_of_source = nullptr;
  for (Pending& p : pending_) {
    if (!p.used || p.first.source != fragment.source) continue;
    ++of_source;
    if (oldest_of_source == nullptr || p.age < oldest_of_source->age) oldest_of_source = &p;
  }
  if (of_source >= max_datagrams_per_source) {
    drop(*oldest_of_source);
    ++evicted_;
  } else if (used_ == max_datagrams) {
    evict(nullptr);
  }
  auto fresh = std::ranges::find(pending_, false, &Pending::used);
  if (fresh == pending_.end()) {
    if (pending_.size() == max_datagrams) return nullptr;
    pending_.emplace_back();
    fresh = std::prev(pending_.end());
  }
  std::erase(expired_, static_cast<u32>(fresh - pending_.begin()));
  fresh->used = true;
  fresh->refused = false;
  fresh->first = fragment;
  fresh->first.payload = {};
  fresh->first.packet = {};
  fresh->total = unknown_total;
  fresh->received = 0;
  fresh->piece_count = 0;
  fresh->expired.quote_size = 0;
  fresh->age = next_age_++;
  fresh->deadline = now + (fragment.source.is_v4() ? ipv4_reassembly_time : ipv6_reassembly_time);
  next_deadline_ = std::min(next_deadline_, fresh->deadline);
  ++used_;
  return &*fresh;
}

void Reassembler::assemble(Pending& pending) {
  const MutableBytes whole = MutableBytes(*assembled_).first(pending.total);
  for (const Piece& piece : std::span(pending.pieces).first(pending.piece_count)) {
    MutableBytes to = whole.subspan(piece.offset, piece.size);
    for (u16 block = piece.block; block != none; block = blocks_[block].next) {
      const size_t size = std::min(to.size(), block_size);
      std::ranges::copy(Bytes(blocks_[block].octets).first(size), to.begin());
      to = to.subspan(size);
    }
  }
  const Fragment& first = pending.first;
  completed_ = {first.source,  first.destination, first.protocol, first.congestion_experienced,
                first.unicast, first.hop_limit,   whole};
}

bool Reassembler::same_octets(const Piece& piece, Bytes octets) const {
  for (u16 block = piece.block; block != none; block = blocks_[block].next) {
    const size_t size = std::min(octets.size(), block_size);
    if (!std::ranges::equal(Bytes(blocks_[block].octets).first(size), octets.first(size))) return false;
    octets = octets.subspan(size);
  }
  return true;
}

// RFC 5722: the fragments that are still to come are dropped as well, so the entry stays until its time is over.
Reassembler::Verdict Reassembler::refuse(Pending& pending, Verdict verdict) {
  drop_pieces(pending);
  pending.refused = true;
  return verdict;
}

void Reassembler::drop_pieces(Pending& pending) {
  for (const Piece& piece : std::span(pending.pieces).first(pending.piece_count)) {
    for (u16 block = piece.block; block != none; block = blocks_[block].next) free_blocks_.push_back(block);
  }
  pending.piece_count = 0;
}

void Reassembler::drop(Pending& pending) {
  drop_pieces(pending);
  pending.used = false;
  --used_;
}

// Gives up the oldest datagram but `keep`; false: there is none.
bool Reassembler::evict(const Pending* keep) {
  Pending* oldest = nullptr;
  for (Pending& p : pending_) {
    if (!p.used || &p == keep) continue;
    if (oldest == nullptr || p.age < oldest->age) oldest = &p;
  }
  if (oldest == nullptr) return false;
  drop(*oldest);
  ++evicted_;
  return true;
}

}  // namespace samara::net
