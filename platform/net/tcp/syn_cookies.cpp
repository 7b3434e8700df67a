#include "platform/net/tcp/syn_cookies.h"

namespace samara::net::tcp {
namespace {

// Common path MTUs less 40 or 60: the smallest IPv4 and IPv6 segments, tunnels, PPPoE, Ethernet, jumbo frames.
constexpr std::array<u16, 8> mss_table{536, 1220, 1360, 1400, 1440, 1452, 1460, 8940};

constexpr u32 carried_mask = 0x3f;
constexpr u8 no_window_scale = 15;
constexpr u8 sack_bit = 0x10;
constexpr u8 nothing_carried = 0xff;

u32 mss_index_of(u16 mss) {
  u32 index = 0;
  while (index + 1 < mss_table.size() && mss_table[index + 1] <= mss) ++index;
  return index;
}

u32 period_of(Instant now, i64 seconds) {
  return static_cast<u32>(now.since_boot().seconds() / seconds);
}

}  // namespace

u32 SynCookies::hash(const Flow& flow, SeqNumber peer_isn, u32 period, u32 mss_index, u8 carried) const {
  std::array<u8, 10> more{};
  store_be32(more, 0, peer_isn.value());
  store_be32(more, 4, period);
  more[8] = static_cast<u8>(mss_index);
  more[9] = carried;
  return static_cast<u32>(hash_.of(flow, more)) & 0xffffff;
}

SynCookies::Cookie SynCookies::make(Instant now, const Flow& flow, const Segment& syn, u32 clock, u16 default_mss) {
  const SegmentOptions& offered = syn.header.options;
  const u16 mss = offered.mss.value_or(default_mss);
  const u32 index = mss_index_of(mss);
  Cookie cookie;
  cookie.agreed.mss = std::min(mss, mss_table[index]);
  u8 carried = nothing_carried;
  if (offered.timestamps) {
    carried = offered.window_scale.value_or(no_window_scale);
    if (offered.sack_permitted) carried |= sack_bit;
    // Never ahead of the clock: later segments must not look old.
    cookie.timestamp = (clock & ~carried_mask) | carried;
    if (static_cast<i32>(cookie.timestamp - clock) > 0) cookie.timestamp -= carried_mask + 1;
    cookie.agreed.timestamps = true;
    cookie.agreed.window_scale = offered.window_scale;
    cookie.agreed.sack_permitted = offered.sack_permitted;
  }
  const u32 period = period_of(now, period_seconds);
  cookie.seq = SeqNumber(((period & 0x1f) << 27) | (index << 24) | hash(flow, syn.header.seq, period, index, carried));
  valid_until_ = now + Duration::seconds(period_seconds * periods);
  return cookie;
}

std::optional<SynCookies::Agreed> SynCookies::check(Instant now, const Flow& flow, const Segment& ack) const {
  if (now >= valid_until_) return std::nullopt;
  const u32 cookie = (ack.header.ack - 1).value();
  const u32 current = period_of(now, period_seconds);
  const u32 age = (current - (cookie >> 27)) & 0x1f;
  if (age >= periods || age > current) return std::nullopt;
  const u32 index = (cookie >> 24) & 7;
  const auto& timestamps = ack.header.options.timestamps;
  const u8 carried = timestamps ? static_cast<u8>(timestamps->echo & carried_mask) : nothing_carried;
  if ((cookie & 0xffffff) != hash(flow, ack.header.seq - 1, current - age, index, carried)) return std::nullopt;
  Agreed agreed;
  agreed.mss = mss_table[index];
  if (timestamps) {
    agreed.timestamps = true;
    const u8 scale = carried & 0x0f;
    if (scale <= max_window_scale) agreed.window_scale = scale;
    agreed.sack_permitted = (carried & sack_bit) != 0;
  }
  return agreed;
}

}  // namespace samara::net::tcp
