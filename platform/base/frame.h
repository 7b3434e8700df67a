// Frames as they pass between a network card and the stack. A frame that came in is a view with what the card found out about
// its checksum. A frame that goes out is built from the inside out in a FrameSlot, memory that the card sends from: the
// payload is written first, each protocol then puts its header in front, and nothing is copied.
//
//   FrameSlot slot = …                          from hal::Link::take_slot()
//   const size_t size = answer(slot.payload_room());
//   slot.set_payload(size);
//   udp:      slot.prepend(8)    ipv4: slot.prepend(20)    ethernet: slot.prepend(14)
//   link.transmit(slot);
#pragma once

#include "platform/base/panic.h"
#include "platform/base/types.h"

namespace samara {

// What is known of the transport checksum (TCP, UDP) of a frame that came in.
enum class FrameChecksum : u8 {
  unchecked,  // compute it
  good,       // the card has
  partial,    // the frame never was on a wire: only the pseudo header was summed, and the data are as the sender has them
};

struct ReceivedFrame {
  MutableBytes octets;  // from the Ethernet header on, without frame check sequence
  FrameChecksum checksum = FrameChecksum::unchecked;
};

// Asks the card to sum the octets from `start` (an offset into the frame) to its end and to store the complement at
// `start + offset`, where the pseudo header's sum stands already.
struct ChecksumRequest {
  u16 start = 0;  // 0: nothing is asked
  u16 offset = 0;
};

class FrameSlot {
 public:
  // Room in front of the payload: Ethernet 14, IPv6 40 with a fragment header of 8, rounded up.
  static constexpr size_t headroom = 64;

  // `room` holds more than `headroom` octets, belongs to the card and lives until the slot is transmitted or dropped.
  explicit FrameSlot(MutableBytes room) : room_(room), end_(headroom) {
    if (room.size() <= headroom) panic("a frame slot without room");
  }

  MutableBytes payload_room() { return room_.subspan(headroom); }
  // The payload is the first `size` octets of payload_room(). Headers put in front before are forgotten.
  void set_payload(size_t size) {
    begin_ = headroom;
    end_ = headroom + room_.subspan(headroom).first(size).size();
    checksum_ = {};
  }
  // `size` more octets in front of what there is; a panic when the headroom is used up.
  MutableBytes prepend(size_t size) {
    if (size > begin_) panic("a frame's headers are longer than its headroom");
    begin_ -= size;
    return room_.subspan(begin_, size);
  }
  // All that is in the slot, headers first.
  MutableBytes octets() { return room_.subspan(begin_, end_ - begin_); }
  Bytes octets() const { return room_.subspan(begin_, end_ - begin_); }
  size_t size() const { return end_ - begin_; }
  // Where octets() begins in the room the slot was made of.
  size_t begin() const { return begin_; }
  MutableBytes room() const { return room_; }

  // Says that the checksum of what is in the slot now (a transport header and its data) is for the card to finish; the sum of
  // the pseudo header stands at `offset`.
  void request_checksum(u16 offset) {
    checksum_from_end_ = static_cast<u16>(end_ - begin_);
    checksum_ = {1, offset};
  }
  // As the card wants it: counted from the frame's first octet. Asked for after the last prepend().
  ChecksumRequest checksum_request() const {
    if (checksum_.start == 0) return {};
    return {static_cast<u16>(end_ - begin_ - checksum_from_end_), checksum_.offset};
  }

 private:
  MutableBytes room_;
  size_t begin_ = headroom;
  size_t end_;
  ChecksumRequest checksum_;
  u16 checksum_from_end_ = 0;
};

}  // namespace samara
