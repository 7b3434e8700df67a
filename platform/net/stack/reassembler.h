// Reassembler: datagrams out of their fragments, for both families (RFC 791 section 3.2, RFC 815, RFC 8200 section 4.5).
//
// What is refused, and why: overlapping fragments, with the whole datagram, also in IPv4 (RFC 5722: nobody sends them but to
// get past a filter); more than 65,535 octets (the "ping of death"); pieces that are not multiples of 8 octets; first fragments
// too short to hold a transport header (RFC 1858, RFC 7112). An exact duplicate of a fragment is only dropped.
//
// Bounds: the octets that wait stand in blocks of a fixed pool; the number of datagrams, of fragments of one, and of datagrams
// of one source are limited, and nothing waits longer than its timeout. Where there is no room, the oldest datagram of the
// source goes, then the oldest of all.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/plain_vector.h"
#include "platform/base/time.h"
#include "platform/net/ip_packet.h"

namespace samara::net {

constexpr Duration ipv4_reassembly_time = Duration::seconds(30);  // RFC 1122 section 3.3.2 would allow 60 to 120
constexpr Duration ipv6_reassembly_time = Duration::seconds(60);  // RFC 8200 section 4.5
constexpr size_t max_fragments = 128;                             // 65,535 octets at an MTU of 576 are 119
constexpr size_t max_fragment_quote = 128;  // octets of a first fragment that are kept for "time exceeded"

struct Fragment {
  IpAddress source;
  IpAddress destination;
  Protocol protocol = Protocol::none;  // IPv4: part of what identifies the datagram. IPv6: of the first fragment
  u32 identification = 0;
  u32 offset = 0;
  bool more = false;
  bool congestion_experienced = false;
  bool unicast = true;
  u8 hop_limit = 0;
  Bytes payload;
  Bytes packet;  // from the IP header on
};

class Reassembler {
 public:
  enum class Verdict : u8 {
    waits,
    complete,
    duplicate,
    overlap,
    too_long,
    malformed,
    first_too_short,
    no_room,
  };
  // A datagram that is complete; `payload` lives until the next input.
  struct Datagram {
    IpAddress source;
    IpAddress destination;
    Protocol protocol = Protocol::none;
    bool congestion_experienced = false;
    bool unicast = true;
    u8 hop_limit = 0;
    MutableBytes payload;
  };
  // A datagram whose first fragment came, but not all of it in time.
  struct Expired {
    IpAddress source;
    IpAddress destination;
    bool unicast = true;
    Protocol protocol = Protocol::none;
    u8 first_octet = 0;  // of what `protocol` carries
    std::array<u8, max_fragment_quote> quote{};
    u8 quote_size = 0;
  };

  explicit Reassembler(u32 octets);

  // ---- Getters
  Instant next_deadline() const { return next_deadline_; }
  u32 blocks_in_use() const { return static_cast<u32>(blocks_.size() - free_blocks_.size()); }
  u32 datagrams() const { return used_; }
  // After Verdict::complete.
  const Datagram& completed() const { return completed_; }
  u64 evicted() const { return evicted_; }
  u64 timed_out() const { return timed_out_; }

  // ---- Inputs
  Verdict on_fragment(Instant now, const Fragment& fragment);
  void on_deadline(Instant now);

  // ---- Outputs
  std::optional<Expired> poll_expired();

 private:
  static constexpr size_t max_datagram = 65535;
  static constexpr size_t block_size = 1536;  // most fragments, whole
  static constexpr u16 none = 0xffff;
  static constexpr u32 unknown_total = 0xffffffff;
  struct Piece {
    u16 offset;
    u16 size;
    u16 block;
  };
  struct Pending {
    bool used = false;
    bool refused = false;  // overlapped: what still comes of it is dropped
    Fragment first;        // the first that came, which identifies it; its spans are not used
    u32 total = unknown_total;
    u32 received = 0;
    Instant deadline;
    u64 age = 0;
    u32 piece_count = 0;
    Expired expired;
    // By offset; not set where none are.
    std::array<Piece, max_fragments> pieces;
  };
  // Memory that no fragment has needed yet is not touched.
  struct Block {
    std::array<u8, block_size> octets;
    u16 next;
  };

  Pending* find(const Fragment& fragment);
  Pending* make(Instant now, const Fragment& fragment);
  Verdict store(Pending& pending, const Fragment& fragment, size_t position);
  void assemble(Pending& pending);
  bool same_octets(const Piece& piece, Bytes octets) const;
  Verdict refuse(Pending& pending, Verdict verdict);
  void drop_pieces(Pending& pending);
  void drop(Pending& pending);
  bool evict(const Pending* keep);

  std::vector<Pending> pending_;  // those that were ever in use
  PlainVector<Block> blocks_;
  std::vector<u16> free_blocks_;
  std::unique_ptr<std::array<u8, max_datagram>> assembled_;
  std::vector<u32> expired_;  // of pending_, to be told
  Datagram completed_;
  u32 used_ = 0;
  u64 next_age_ = 0;
  u64 evicted_ = 0;
  u64 timed_out_ = 0;
  Instant next_deadline_ = Instant::never();
};

}  // namespace samara::net
