// The last step of every segment: header and checksum into the slot, and how the packet is to travel.
#pragma once

#include "platform/base/frame.h"
#include "platform/net/ip_packet.h"
#include "platform/net/tcp/flow.h"
#include "platform/net/tcp/segment.h"

namespace samara::net::tcp {

// The `payload` octets behind the header are in place already. RFC 9293 section 3.1: the checksum covers a pseudo header.
void finish_segment(FrameSlot& slot, const Flow& flow, const SegmentHeader& header, size_t payload, bool checksum_offload);

inline OutgoingPacket outgoing(const Flow& flow, u8 hop_limit, u8 traffic_class, bool dont_fragment) {
  OutgoingPacket packet;
  packet.source = flow.local.address;
  packet.destination = flow.peer.address;
  packet.protocol = Protocol::tcp;
  packet.hop_limit = hop_limit;
  packet.dont_fragment = dont_fragment;
  packet.traffic_class = traffic_class;
  return packet;
}

}  // namespace samara::net::tcp
