#include "platform/net/dhcp/dhcp_client.h"

#include <algorithm>

#include "platform/net/wire/address_kind.h"

namespace samara::net::dhcp {
namespace {

constexpr Duration first_wait = Duration::milliseconds(250);
constexpr Duration after_conflict = Duration::seconds(10);    // RFC 2131 section 3.1, 5
constexpr Duration least_retransmit = Duration::seconds(60);  // section 4.4.5
constexpr u8 most_doublings = 4;                              // 4, 8, 16, 32 and 64 seconds (section 4.1)
constexpr u8 requests = 4;                                    // without an answer; then everything begins anew (section 3.1, 5)
constexpr u8 reboot_requests = 2;                             // for the remembered address, or the one in use
constexpr u8 discovers_to_silence = 3;                        // when it is worth a word
constexpr u8 discovers_to_broadcast = 2;  // then answers are asked to be broadcast: some relays cannot do otherwise
constexpr u32 for_ever = 0xffffffff;
constexpr u32 least_lease = 10;    // seconds: a shorter one cannot be kept up without flooding the server
constexpr u32 least_renewal = 30;  // seconds between a request and the next renewal, or half of a lease below a minute

const IpAddress limited_broadcast = IpAddress::v4({255, 255, 255, 255});

// RFC 2132 section 3.3 gives the mask; a server that does not leaves the class.
u8 prefix_length_of(const Reply& reply) {
  const u8 first = reply.your_address.octets()[0];
  return reply.prefix_length.value_or(first < 128 ? 8 : first < 192 ? 16 : 24);
}

}  // namespace

Client::Client(const Config& config, Rng& rng)
    : mac_(config.mac),
      host_name_(config.host_name.begin(), config.host_name.end()),
      largest_message_(std::max<u16>(config.largest_message, 576)),
      remembered_(config.remembered),
      rng_(rng) {}

void Client::start(Instant now) {
  if (remembered_.has_value() && is_peer_unicast(*remembered_)) {
    state_ = State::init_reboot;
    lease_ = {};
    lease_.address = *remembered_;
    began_ = now;
    tries_ = 0;
    transaction_ = rng_.u32_value();
    deadline_ = now + jitter(first_wait);
    return;
  }
  begin(now, jitter(Duration::milliseconds(125)));
}

void Client::on_message(Instant now, Bytes message) {
  const Result<Reply, WireError> parsed = Reply::parse(message);
  if (!parsed.ok()) return;
  const Reply& reply = parsed.value();
  if (reply.transaction != transaction_ || reply.client_mac != mac_) return;
  switch (reply.type) {
    case MessageType::offer: return on_offer(now, reply);
    case MessageType::ack: return on_ack(now, reply);
    case MessageType::nak:
      // Not from a server that was not asked.
      if (state_ == State::requesting && reply.server != lease_.server) return;
      return on_nak(now);
    case MessageType::discover:
    case MessageType::request:
    case MessageType::decline:
    case MessageType::release:
    case MessageType::inform: return;
  }
}

void Client::on_address_free(Instant now) {
  if (state_ != State::checking) return;
  state_ = State::bound;
  naks_ = 0;
  told_unusable_ = false;
  remembered_ = lease_.address;
  deadline_ = std::max(now, renew_at_);
  tell(Event::Kind::bound);
}

void Client::on_conflict(Instant now) {
  if (state_ != State::checking && !in_use()) return;
  send(now, MessageType::decline);
  remembered_.reset();
  lose(now, after_conflict);
}

void Client::on_link_up(Instant now) {
  switch (state_) {
    case State::bound:
    case State::renewing:
    case State::rebinding:
    case State::confirming:
      state_ = State::confirming;
      tries_ = 0;
      began_ = now;
      transaction_ = rng_.u32_value();
      deadline_ = std::min(expires_at_, now + jitter(first_wait));
      return;
    case State::init_reboot:
    case State::rebooting:
    case State::selecting:
    case State::requesting: return start(now);
    case State::stopped:
    case State::init:  // it waits for its time, which a refusal may have set
    case State::checking: return;
  }
}

void Client::on_deadline(Instant now) {
  if (now < deadline_) return;
  switch (state_) {
    case State::stopped: deadline_ = Instant::never(); return;
    case State::init:
      state_ = State::selecting;
      tries_ = 0;
      began_ = now;
      return send_discover(now);
    case State::init_reboot: state_ = State::rebooting; return send_request(now);
    case State::selecting: return send_discover(now);
    case State::rebooting:
      if (tries_ < reboot_requests) return send_request(now);
      remembered_.reset();
      return begin(now, {});
    case State::requesting:
      if (tries_ < requests) return send_request(now);
      return begin(now, {});
    case State::checking:  // nobody said whether the address is free before it was over
      return lose(now, {});
    case State::bound:
      state_ = State::renewing;
      transaction_ = rng_.u32_value();
      began_ = now;
      [[fallthrough]];
    case State::renewing:
      if (now < rebind_at_) {
        send(now, MessageType::request);
        return arm_renewal(now, rebind_at_);
      }
      state_ = State::rebinding;
      [[fallthrough]];
    case State::rebinding:
      if (now < expires_at_) {
        send(now, MessageType::request);
        return arm_renewal(now, expires_at_);
      }
      return lose(now, {});
    case State::confirming:
      if (tries_ < reboot_requests && now < expires_at_) {
        send_request(now);
        deadline_ = std::min(deadline_, expires_at_);
        return;
      }
      state_ = State::bound;
      deadline_ = std::max(now, renew_at_);
      return;
  }
}

void Client::release(Instant now) {
  if (in_use()) {
    transaction_ = rng_.u32_value();
    send(now, MessageType::release);
    tell(Event::Kind::lost);
  }
  state_ = State::stopped;
  deadline_ = Instant::never();
}

std::optional<Outgoing> Client::poll_message() {
  for (std::optional<Outgoing>& message : messages_) {
    if (!message.has_value()) continue;
    const std::optional<Outgoing> out = message;
    message.reset();
    return out;
  }
  return std::nullopt;
}

std::optional<Event> Client::poll_event() {
  if (events_taken_ < event_count_) return events_[events_taken_++];
  event_count_ = events_taken_ = 0;
  return std::nullopt;
}

bool Client::in_use() const {
  return state_ == State::bound || state_ == State::renewing || state_ == State::rebinding || state_ == State::confirming;
}

// INIT.
void Client::begin(Instant now, Duration wait) {
  state_ = State::init;
  lease_ = {};
  transaction_ = rng_.u32_value();
  deadline_ = now + wait;
}

void Client::on_offer(Instant now, const Reply& reply) {
  if (state_ != State::selecting || !reply.server.has_value() || !is_peer_unicast(reply.your_address)) return;
  if (refuse(reply)) return;
  // Section 4.4.1 leaves the choice to us: the first, which is the nearest.
  lease_ = {};
  lease_.address = reply.your_address;
  lease_.server = *reply.server;
  state_ = State::requesting;
  tries_ = 0;
  send_request(now);
}

void Client::on_ack(Instant now, const Reply& reply) {
  const bool extends = state_ == State::renewing || state_ == State::rebinding || state_ == State::confirming;
  if (state_ != State::requesting && state_ != State::rebooting && !extends) return;
  if (state_ == State::requesting && reply.server.has_value() && reply.server != lease_.server) return;
  if (!reply.lease_seconds.has_value() || !is_peer_unicast(reply.your_address)) return;
  if (extends && reply.your_address != lease_.address) return lose(now, {});
  if (refuse(reply)) return;
  take_lease(reply);
  // Times count from when the request left. T1 < T2 < end (section 4.4.5); a server that says otherwise, or wants to be asked
  // all the time, is not listened to.
  const u32 seconds = *reply.lease_seconds;
  if (seconds == for_ever) {
    renew_at_ = rebind_at_ = expires_at_ = Instant::never();
  } else {
    const u32 whole = std::max(seconds, least_lease);
    const u32 usual_t1 = whole / 2;
    const u32 usual_t2 = static_cast<u32>(u64{whole} * 7 / 8);
    u32 t1 = reply.renewal_seconds.value_or(usual_t1);
    u32 t2 = reply.rebinding_seconds.value_or(usual_t2);
    if (t1 < std::min(least_renewal, usual_t1) || t1 >= t2 || t2 >= whole) {
      t1 = usual_t1;
      t2 = usual_t2;
    }
    renew_at_ = asked_at_ + Duration::seconds(t1);
    rebind_at_ = asked_at_ + Duration::seconds(t2);
    expires_at_ = asked_at_ + Duration::seconds(whole);
  }
  if (extends) {
    state_ = State::bound;
    deadline_ = std::max(now, renew_at_);
    tell(Event::Kind::renewed);
    return;
  }
  state_ = State::checking;
  deadline_ = expires_at_;
  tell(Event::Kind::check);
}

void Client::on_nak(Instant now) {
  if (state_ != State::requesting && state_ != State::rebooting && state_ != State::renewing && state_ != State::rebinding &&
      state_ != State::confirming) {
    return;
  }
  remembered_.reset();
  // A server that refuses for ever what it offers is not asked as fast as it answers.
  const Duration wait = naks_ == 0 ? Duration() : jitter(Duration::seconds(2) * (1 << std::min<u8>(naks_, 5)));
  if (naks_ < 255) ++naks_;
  lose(now, wait);
}

void Client::send_discover(Instant now) {
  send(now, MessageType::discover);
  back_off(now);
  if (tries_ == discovers_to_silence) tell(Event::Kind::silence);
}

void Client::send_request(Instant now) {
  send(now, MessageType::request);
  back_off(now);
}

// Table 5 of section 4.4.1 and section 4.3.6: what stands in which message.
void Client::send(Instant now, MessageType type) {
  Request request;
  request.transaction = transaction_;
  request.seconds = static_cast<u16>(std::clamp<i64>((now - began_).seconds(), 0, 0xffff));
  request.client_mac = mac_;
  request.type = type;
  request.largest_message = largest_message_;
  request.host_name = {host_name_.data(), host_name_.size()};
  Outgoing out;
  out.destination = limited_broadcast;
  if (type == MessageType::decline) {
    request.requested = lease_.address;
    request.server = lease_.server;
  } else if (type == MessageType::release) {
    request.server = lease_.server;
    request.client_address = out.source = lease_.address;
    out.destination = lease_.server;
  } else if (in_use() && state_ != State::confirming) {
    request.client_address = out.source = lease_.address;
    if (state_ == State::renewing) out.destination = lease_.server;
  } else {
    request.broadcast = tries_ >= discovers_to_broadcast;
    if (type == MessageType::request) {
      request.requested = lease_.address;
      if (state_ == State::requesting) request.server = lease_.server;
    }
  }
  if (type == MessageType::request) asked_at_ = now;
  out.size = write(request, out.octets);
  // A farewell goes before what follows it.
  const bool farewell = type == MessageType::decline || type == MessageType::release;
  messages_[farewell ? 0 : 1] = out;
}

// Section 4.1: 4 seconds, doubled up to 64, each give or take one.
void Client::back_off(Instant now) {
  const Duration base = Duration::seconds(4) * (1 << std::min(tries_, most_doublings));
  deadline_ = now + (base - Duration::seconds(1) + jitter(Duration::seconds(1)));
  if (tries_ < 255) ++tries_;
}

// Section 4.4.5: again after half of what is left, but not before a minute.
void Client::arm_renewal(Instant now, Instant until) {
  const Duration half = Duration::nanoseconds((until - now).nanoseconds() / 2);
  deadline_ = std::min(until, now + std::max(half, least_retransmit));
}

// The lease, or the hope for it, is gone.
void Client::lose(Instant now, Duration wait) {
  if (state_ == State::checking || in_use()) tell(Event::Kind::lost);
  begin(now, wait);
}

// True: no host can have the address, as its subnet is told (RFC 1122 section 3.2.1.3).
bool Client::refuse(const Reply& reply) {
  if (reply.usable_mask && is_host(reply.your_address, prefix_length_of(reply))) return false;
  if (!told_unusable_) tell(Event::Kind::unusable);
  told_unusable_ = true;
  return true;
}

void Client::take_lease(const Reply& reply) {
  Lease lease;
  lease.address = reply.your_address;
  lease.prefix_length = prefix_length_of(reply);
  lease.server = reply.server.value_or(lease_.server);
  lease.mtu = reply.mtu;
  lease.name_servers = reply.name_servers;
  if (reply.routes.count != 0) {
    lease.routes = reply.routes;
  } else {
    for (const IpAddress& router : reply.routers.all()) lease.routes.add({IpPrefix(), router});
  }
  lease_ = lease;
}

// Uniform between nothing and twice `around`.
Duration Client::jitter(Duration around) {
  const i64 microseconds = around.nanoseconds() / 1000;
  return Duration::microseconds(rng_.below(static_cast<u32>(2 * microseconds) + 1));
}

void Client::tell(Event::Kind kind) {
  if (event_count_ < events_.size()) events_[event_count_++] = {kind};
}

}  // namespace samara::net::dhcp
