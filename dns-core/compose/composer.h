// Composer: writes a response into memory it is given, from RRsets that are already in wire format (RFC 1035 section 4.1).
// Names are compressed against the question and the first names written (section 4.1.4), within a size budget; an RRset that
// does not fit is taken back whole, so a truncated message ends at an RRset's edge. It never allocates.
//
// Order of calls: the constructor writes header and question; rrset(), prepared() and record() in the order answer, authority,
// additional; then begin_opt(), option() and end_opt() for the OPT record if there is one; finish() once.
#pragma once

#include <array>

#include "dns-core/compose/owner_trail.h"
#include "dns-core/compose/prepared_record.h"
#include "dns-core/message/query.h"
#include "platform/base/byte_writer.h"

namespace samara::dns {

enum class Section : u8 { answer, authority, additional };

// An owner name: its wire form, which must live until the call returns, and where it stands in the message already, if it does
// (too far behind for a pointer, it is written again).
class Owner {
 public:
  static constexpr Owner at(size_t offset, Bytes wire) { return Owner(static_cast<u16>(offset), wire); }
  static constexpr Owner name(Bytes wire) { return Owner(0, wire); }
  constexpr u16 offset() const { return offset_; }
  constexpr Bytes wire() const { return wire_; }

 private:
  constexpr Owner(u16 offset, Bytes wire) : offset_(offset), wire_(wire) {}
  u16 offset_;
  Bytes wire_;  // an argument on its way to the writer
};

class Composer {
 public:
  // `reply` is at least header_size and the question long. At most `budget` octets will be used, of which `reserved` are kept
  // for the OPT record. `flags` holds QR, opcode, AA, RD as they will be sent; the low four bits (RCODE) are set by finish().
  Composer(MutableBytes reply, size_t budget, size_t reserved, Bytes packet, const Query& query, u16 flags);
  Composer(const Composer&) = delete;
  Composer& operator=(const Composer&) = delete;

  // Adds `count` records: `images` holds each as TYPE CLASS TTL RDLENGTH RDATA, uncompressed. With `compressible`, names in the
  // rdata are compressed (only for the types of RFC 3597 section 4). With `ttl_limit`, no TTL is greater. False, and nothing
  // added, when they do not fit. The records begin with number `first` (below `count`) and go round.
  bool rrset(Section section, const Owner& owner, Bytes images, size_t count, bool compressible, u32 ttl_limit = Ttl::max,
             size_t first = 0);
  // Adds a record whose owner stands in the question's name at `owner_at` and is not the root. False when it does not fit.
  bool prepared(Section section, size_t owner_at, const PreparedRecord& record);
  // Adds one record of a transfer: `image` as in rrset(), its owner at or below the question's name. False, and nothing added,
  // when it does not fit.
  bool record(Section section, OwnerTrail& owner, Bytes image, bool compressible);
  // Where the first name in the rdata of the last record added stands (the target of a CNAME); only right after a compressible
  // set.
  size_t last_target() const { return last_target_; }

  void set_flags(u16 flags) { flags_ |= flags; }
  void clear_flags(u16 flags) { flags_ &= static_cast<u16>(~flags); }
  size_t size() const { return out_.size(); }
  bool empty() const { return counts_[0] + counts_[1] + counts_[2] == 0; }
  u16 count(Section section) const { return counts_[static_cast<size_t>(section)]; }
  // The OPT record (RFC 6891 section 6.1.2) in the space reserved: begin, option() for each, end. An option that does not fit
  // is left out.
  void begin_opt(u16 udp_payload_size, Rcode rcode, bool dnssec_ok);
  void option(EdnsOption option, Bytes data);
  void end_opt();
  // Writes counts, flags and RCODE; returns the message's size.
  size_t finish(Rcode rcode);

 private:
  // A name in the message: `literal` octets at `at`; then, where a pointer stands, the last `tail` octets of the anchor `base`.
  struct Anchor {
    u16 at;
    u8 literal;
    u8 tail;
    u8 base;
  };
  // A name that was written: where it stands (itself, or what it is a pointer to), and its octets in the source.
  struct Written {
    size_t at;
    size_t size;
  };
  // The question's name and the first few written: in nearly all messages one of them shares the longest suffix.
  static constexpr size_t max_anchors = 9;
  static constexpr size_t max_pointer = 0x3fff;  // 14 bits (RFC 1035 section 4.1.4)

  // Writes the name that `source` starts with, compressed; against the owner's labels too where there is a trail of them.
  Written compressed_name(Bytes source, const OwnerTrail* trail = nullptr);
  bool write_compressible(Bytes image, const OwnerTrail* trail = nullptr);

  ByteWriter out_;
  size_t budget_;
  size_t question_size_;
  u16 flags_;
  std::array<u16, 3> counts_{};
  size_t last_target_ = 0;
  size_t opt_at_ = 0;  // its RDLENGTH
  ByteWriter::Mark before_opt_{};
  std::array<Anchor, max_anchors> anchors_;  // [0] is the question's name
  size_t anchor_count_ = 1;
};

}  // namespace samara::dns
