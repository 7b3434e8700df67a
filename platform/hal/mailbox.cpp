#include "platform/hal/mailbox.h"

#include <algorithm>

#include "platform/base/byte_order.h"
#include "platform/base/panic.h"

namespace samara::hal {

static_assert(std::atomic<u64>::is_always_lock_free, "lanes are shared between processes");

namespace {

[[noreturn]] void damaged() {
  panic("a lane of messages between a worker and the loader is damaged");
}

}  // namespace

Mailbox::Mailbox(Lane in, Lane out, MutableBytes scratch) : in_(in), out_(out), scratch_(scratch) {
  if (in.ring.size() < min_ring || out.ring.size() < min_ring || scratch.size() < runtime::max_message) {
    panic("a mailbox has too little memory");
  }
}

bool Mailbox::look() {
  seen_ = in_.indices->written.load(std::memory_order_acquire);
  if (seen_ - taken_ > in_.ring.size()) damaged();
  return seen_ != taken_;
}

std::optional<Bytes> Mailbox::receive() {
  const u64 filled = seen_ - taken_;
  if (filled == 0) return std::nullopt;
  if (filled < message_header) damaged();
  std::array<u8, message_header> header{};
  copy_out(taken_, header);
  const size_t length = load_be32(header);
  if (length == 0 || length > runtime::max_message || length > filled - message_header) damaged();
  const MutableBytes message = scratch_.first(length);
  copy_out(taken_ + message_header, message);
  taken_ += message_header + length;
  // In one order with the sender's "I wait, is there really no room?": one of us sees what the other did.
  in_.indices->read.store(taken_, std::memory_order_seq_cst);
  return message;
}

MutableBytes Mailbox::room() {
  return has_room() ? scratch_.first(runtime::max_message) : MutableBytes();
}

bool Mailbox::send(Bytes message) {
  if (!has_room()) return false;
  put(message);
  return true;
}

bool Mailbox::fits(const Lane& lane, u64 written, u64 read) const {
  const u64 filled = written - read;
  if (filled > lane.ring.size()) damaged();
  return lane.ring.size() - filled >= min_ring;
}

bool Mailbox::has_room() {
  LaneIndices& shared = *out_.indices;
  if (fits(out_, put_, shared.read.load(std::memory_order_acquire))) return true;
  shared.sender_waits.store(1, std::memory_order_seq_cst);
  if (fits(out_, put_, shared.read.load(std::memory_order_seq_cst))) return true;
  refused_ = true;
  return false;
}

void Mailbox::put(Bytes message) {
  if (message.empty() || message.size() > runtime::max_message) panic("a message of a length that none may have");
  std::array<u8, message_header> header{};
  store_be32(header, 0, static_cast<u32>(message.size()));
  copy_in(put_, header);
  copy_in(put_ + message_header, message);
  put_ += message_header + message.size();
  out_.indices->written.store(put_, std::memory_order_release);
  sent_ = true;
}

bool Mailbox::take_room_again() {
  // A receiver that answers an older wait may have taken this one back with it: without room we say again that we wait.
  if (!refused_ || !has_room()) return false;
  refused_ = false;
  return true;
}

bool Mailbox::take_wake() {
  bool wake = std::exchange(sent_, false);
  LaneIndices& shared = *in_.indices;
  if (shared.sender_waits.load(std::memory_order_seq_cst) != 0) {
    const u64 written = shared.written.load(std::memory_order_acquire);
    if (fits(in_, written, taken_)) {
      shared.sender_waits.store(0, std::memory_order_seq_cst);
      wake = true;
    }
  }
  return wake;
}

void Mailbox::copy_in(u64 at, Bytes octets) {
  const MutableBytes place = out_.ring.subspan(static_cast<size_t>(at % out_.ring.size()));
  const size_t before_end = std::min(place.size(), octets.size());
  std::ranges::copy(octets.first(before_end), place.begin());
  std::ranges::copy(octets.subspan(before_end), out_.ring.begin());
}

void Mailbox::copy_out(u64 at, MutableBytes octets) const {
  const MutableBytes place = in_.ring.subspan(static_cast<size_t>(at % in_.ring.size()));
  const size_t before_end = std::min(place.size(), octets.size());
  std::ranges::copy(place.first(before_end), octets.begin());
  std::ranges::copy(in_.ring.first(octets.size() - before_end), octets.subspan(before_end).begin());
}

}  // namespace samara::hal
