#include "platform/net/stack/conflict_detector.h"

namespace samara::net {
namespace {

// RFC 5227 section 1.1.
constexpr u8 announcements = 2;
constexpr Duration announce_interval = Duration::seconds(2);
constexpr Duration defend_interval = Duration::seconds(10);

}  // namespace

void ConflictDetector::on_arp(Instant now, const ArpMessage& message) {
  if (message.sender_mac == mac_ || phase_ == Phase::idle) return;
  const bool uses = message.sender == address_;
  if (phase_ == Phase::probing) {
    // RFC 5227 section 2.1.1: somebody has it, or somebody else is about to take it.
    const bool probes =
        message.operation == ArpMessage::Operation::request && message.sender.is_unspecified() && message.target == address_;
    if (uses || probes) {
      stop();
      add(Action::lost);
    }
    return;
  }
  if (!uses) return;
  if (!defended_at_.has_value() || now - *defended_at_ >= defend_interval) {
    defended_at_ = now;
    add(Action::send_announcement);
    if (policy_ == Policy::hold) add(Action::conflicted);
    return;
  }
  if (policy_ == Policy::hold) return;
  stop();
  add(Action::lost);
}

void ConflictDetector::on_deadline(Instant now, Rng& rng) {
  if (now < deadline_) return;
  if (phase_ == Phase::probing) {
    if (sent_ == timing_.probes) {
      add(Action::won);
      announce(now);
      return;
    }
    add(Action::send_probe);
    ++sent_;
    deadline_ =
        now + (sent_ == timing_.probes ? timing_.after_probes : between(timing_.shortest_pause, timing_.longest_pause, rng));
    return;
  }
  add(Action::send_announcement);
  deadline_ = ++sent_ < announcements ? now + announce_interval : Instant::never();
}

void ConflictDetector::probe(Instant now, Rng& rng, const Timing& timing) {
  timing_ = timing;
  phase_ = Phase::probing;
  sent_ = 0;
  deadline_ = now + between({}, timing.longest_wait, rng);
}

void ConflictDetector::announce(Instant now) {
  phase_ = Phase::ours;
  defended_at_.reset();
  add(Action::send_announcement);
  sent_ = 1;
  deadline_ = now + announce_interval;
}

void ConflictDetector::stop() {
  phase_ = Phase::idle;
  deadline_ = Instant::never();
}

std::optional<ConflictDetector::Action> ConflictDetector::poll_action() {
  if (taken_ == waiting_count_) {
    taken_ = waiting_count_ = 0;
    return std::nullopt;
  }
  return waiting_[taken_++ % waiting_.size()];
}

Duration ConflictDetector::between(Duration low, Duration high, Rng& rng) {
  const u32 span = static_cast<u32>((high - low).nanoseconds() / 1000) + 1;
  return low + Duration::microseconds(rng.below(span));
}

}  // namespace samara::net
