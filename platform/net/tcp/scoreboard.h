// Scoreboard: what became of each octet between SND.UNA and SND.NXT, and when it was sent last (RFC 8985 section 5.1). Kept as
// ranges that were sent together and fared alike, in order and without gaps between them.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "platform/net/tcp/rack.h"
#include "platform/net/tcp/segment.h"
#include "platform/net/tcp/seq_number.h"

namespace samara::net::tcp {

class Scoreboard {
 public:
  // Reports of the peer that may stand apart; more are not remembered, and what they tell of is then sent again for nothing.
  static constexpr size_t max_reports = 64;
  // Enough for those and a piece in front of each. Where times of sending need more than there are, they become the later one
  // of neighbours: losses are found later, never wrongly.
  static constexpr size_t max_ranges = 2 * max_reports + 32;

  void reset(SeqNumber una);

  // ---- Getters
  // Octets thought to be in the network: not reported, not lost (RFC 6675 section 2, "pipe").
  u32 under_way() const { return octets(Fate::under_way); }
  u32 reported() const { return octets(Fate::delivered); }
  u32 lost() const { return octets(Fate::lost); }
  // RFC 5681 section 3.2 in octets, RFC 6675 section 4: three segments, or as much as more than two.
  bool many_reported(u32 mss) const;
  struct Gap {
    SeqNumber begin;
    SeqNumber end;
  };
  std::optional<Gap> first_lost() const;
  std::optional<Gap> last_under_way() const;
  // The peer reported the octet it still waits for.
  bool begins_reported() const { return first_ != last_ && ranges_[first_].fate == Fate::delivered; }

  // ---- Inputs
  void on_sent(Instant now, SeqNumber begin, SeqNumber end);
  // SND.UNA moves on to `una`; `rack` hears what arrived by it. How many octets that is.
  u32 on_advance(SeqNumber una, Rack& rack);
  // What the peer reports beyond gaps. Blocks outside (una, nxt] are not believed.
  u32 on_sack(std::span<const SackBlock> blocks, Rack& rack);

  // ---- Commands
  // What is lost by the clock (RFC 8985 section 6.2 step 5); when to look again.
  struct Verdict {
    bool lost = false;
    Instant again_at = Instant::never();
  };
  Verdict find_lost(Instant now, const Rack& rack, Duration window);
  void mark_lost(SeqNumber begin, SeqNumber end);
  void mark_all_lost() { mark_lost(una_, nxt_); }
  void forget_reports();

 private:
  enum class Fate : u8 { under_way, lost, delivered };
  struct Range {
    Instant sent;
    SeqNumber begin;  // ends where the next one begins
    Fate fate = Fate::under_way;
    bool again = false;
  };

  u32 octets(Fate fate) const { return octets_[static_cast<size_t>(fate)]; }
  SeqNumber end_of(size_t index) const { return index + 1 < last_ ? ranges_[index + 1].begin : nxt_; }
  u32 size_of(size_t index) const { return octets_between(ranges_[index].begin, end_of(index)); }
  size_t index_of(SeqNumber at) const;
  void set_fate(size_t index, Fate fate);
  void insert(size_t index, const Range& range);
  size_t split(SeqNumber at);
  void make_room();
  void unite(bool by_fate_only);
  u32 deliver(SeqNumber begin, SeqNumber end, Rack& rack);
  size_t reports() const;

  SeqNumber una_;
  SeqNumber nxt_;
  std::array<u32, 3> octets_{};  // by Fate
  std::array<Range, max_ranges> ranges_{};
  size_t first_ = 0;  // those in use: first_ to last_
  size_t last_ = 0;
};

}  // namespace samara::net::tcp
