#include "platform/net/tcp/rack.h"

namespace samara::net::tcp {
namespace {

constexpr Duration timestamp_tick = Duration::milliseconds(1);
constexpr i64 max_window_factor = 255;

}  // namespace

void Rack::on_ack_begins(Instant now, std::optional<Duration> echoed, bool duplicate, SeqNumber una, SeqNumber nxt) {
  now_ = now;
  echoed_ = echoed;
  highest_before_ = highest_;
  if (widened_until_ && !before(una, *widened_until_)) widened_until_.reset();
  if (!duplicate || widened_until_) return;
  widened_until_ = nxt;
  window_factor_ = std::min(window_factor_ + 1, max_window_factor);
  patience_ = patient_recoveries;
}

void Rack::on_delivered(const Piece& piece) {
  const Duration rtt = now_ - piece.sent;
  // Step 3: what had not been sent twice came after what follows it.
  if (!piece.again && before(piece.end, highest_before_)) reordering_ = true;
  highest_ = later(highest_, piece.end);
  if (piece.again) {
    // Step 2: this may acknowledge the first one.
    if (echoed_ && *echoed_ >= rtt + timestamp_tick) return;
    if (min_rtt_ && rtt < *min_rtt_) return;
  } else if (!min_rtt_ || rtt < *min_rtt_) {
    min_rtt_ = rtt;
  }
  if (any_ && (piece.sent < newest_ || (piece.sent == newest_ && !after(piece.end, newest_end_)))) return;
  any_ = true;
  newest_ = piece.sent;
  newest_end_ = piece.end;
  rtt_ = rtt;
}

}  // namespace samara::net::tcp
