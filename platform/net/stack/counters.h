// StackCounters: what went through a host's network layer, and everything that was dropped, by reason. TCP counts for itself.
#pragma once

#include "platform/base/types.h"

namespace samara::net {

struct StackCounters {
  // ---- Frames in
  u64 frames_in = 0;
  u64 short_frames = 0;    // shorter than an Ethernet header
  u64 length_frames = 0;   // IEEE 802.3 with a length
  u64 foreign_frames = 0;  // to another host's link-layer address, or from a group address
  u64 unknown_types = 0;   // neither ARP nor IP, or a protocol that is switched off
  // ---- ARP
  u64 arp_in = 0;
  u64 arp_malformed = 0;
  u64 arp_out = 0;
  u64 arp_conflicts = 0;
  // ---- IP in
  u64 ipv4_in = 0;
  u64 ipv6_in = 0;
  u64 ip_truncated = 0;
  u64 ip_malformed = 0;  // version, lengths, reserved bits, options, source routes
  u64 ip_bad_checksum = 0;
  u64 ip_martian = 0;        // a source that no other host can have
  u64 ip_not_ours = 0;       // for another host; we do not forward
  u64 ip_not_unicast = 0;    // broadcast or multicast to a protocol that takes none
  u64 ip_bad_extension = 0;  // IPv6 extension headers or options we do not accept
  u64 unknown_protocols = 0;
  // ---- Fragments
  u64 fragments_in = 0;
  u64 reassembled = 0;
  u64 fragments_duplicate = 0;
  u64 fragments_overlapping = 0;  // and all that came of such datagrams afterwards
  u64 fragments_malformed = 0;
  u64 fragments_too_long = 0;
  u64 fragments_too_short = 0;
  u64 fragments_no_room = 0;
  u64 reassembly_evicted = 0;
  u64 reassembly_timed_out = 0;
  // ---- ICMP and ICMPv6
  u64 icmp_in = 0;
  u64 icmp_malformed = 0;
  u64 icmp_ignored = 0;   // redirects, source quench, timestamps, …
  u64 icmp_not_ours = 0;  // an error about a packet we did not send
  u64 echo_answered = 0;
  u64 discovery_malformed = 0;  // neighbour discovery and MLD
  u64 errors_in = 0;            // errors about packets of ours
  u64 errors_out = 0;
  u64 errors_limited = 0;  // not sent: too many, or about something no error is sent for
  // ---- UDP
  u64 udp_in = 0;
  u64 udp_out = 0;
  u64 udp_malformed = 0;
  u64 udp_bad_checksum = 0;
  u64 udp_no_port = 0;
  // ---- IP out
  u64 frames_out = 0;
  u64 fragments_out = 0;
  u64 out_no_route = 0;
  u64 out_no_neighbor = 0;  // nobody answered, or too many packets wait for an answer
  u64 out_no_memory = 0;    // no buffer to keep it in
  u64 out_too_long = 0;     // longer than the path carries and not to be fragmented
};

}  // namespace samara::net
