// Hostile ICMPv6 against the parsers and the machines behind them, wired as the stack wires them, with time going by. The input
// is a row of packets: how long after the last one, who sends it to whom, and the octets of the message. Whatever comes, what
// we send is well formed, what was read is written and read the same, no machine asks to be called again at once, and no table
// outgrows its bound.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "platform/base/byte_reader.h"
#include "platform/net/ipv6/address_configuration.h"
#include "platform/net/ipv6/listener_messages.h"
#include "platform/net/ipv6/multicast_listener.h"
#include "platform/net/ipv6/neighbor_discovery.h"
#include "platform/net/ipv6/router_discovery.h"

using namespace samara;
using namespace samara::net;
using namespace samara::net::ipv6;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

class CountingRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = static_cast<u8>((state_ = state_ * 1103515245 + 12345) >> 16);
  }

 private:
  u32 state_ = 1;
};

constexpr MacAddress mac = {{2, 0, 0, 0, 0, 9}};
constexpr std::array<u8, 16> secret = {1, 2, 3};
constexpr std::array<u8, 8> router_alert = {58, 0, 5, 2, 0, 0, 1, 0};

// What a packet came as, so that what we write can be read back.
struct Envelope {
  IpAddress source;
  IpAddress destination;
  u8 hop_limit = 255;
};

IpPacket packet_of(const Envelope& envelope, std::vector<u8>& message, std::vector<u8>& quotable, bool checksum_known) {
  quotable.assign(40, 0);
  quotable[6] = 0;
  quotable.insert(quotable.end(), router_alert.begin(), router_alert.end());
  quotable.insert(quotable.end(), message.begin(), message.end());
  IpPacket packet;
  packet.source = envelope.source;
  packet.destination = envelope.destination;
  packet.protocol = Protocol::icmpv6;
  packet.hop_limit = envelope.hop_limit;
  packet.unicast = !is_multicast(envelope.destination);
  packet.checksum_known = checksum_known;
  packet.payload = message;
  packet.quotable = quotable;
  return packet;
}

class Host {
 public:
  Host() {
    addresses_.start(now_);
    require(addresses_.add_configured(now_, *IpAddress::parse_v6("2001:db8::53"), 64));
    routers_.start(now_);
    require(listener_.join(now_, all_nodes));
    drain();
  }

  void pass(Duration time) {
    const Instant end = now_ + time;
    for (u32 steps = 0; deadline() <= end; ++steps) {
      require(steps < 100'000);
      now_ = std::max(now_, deadline());
      addresses_.on_deadline(now_);
      routers_.on_deadline(now_);
      listener_.on_deadline(now_);
      drain();
      require(deadline() > now_);
    }
    now_ = end;
  }

  void receive(u8 from, u8 to, std::vector<u8> message) {
    Envelope envelope{party(from), party(to), (from & 0x80) != 0 ? u8{1} : u8{255}};
    std::vector<u8> quotable;
    const IpPacket packet = packet_of(envelope, message, quotable, (to & 0x80) == 0);
    if (const auto parsed = parse_neighbor_discovery(packet); parsed.ok()) {
      std::visit([&](const auto& value) { take(packet, value); }, parsed.value());
    }
    if (const auto query = parse_listener_query(packet); query.ok()) {
      listener_.on_query(now_, query.value());
      reread(query.value(), packet);
    }
    if (const auto group = parse_listener_report_v1(packet); group.ok()) listener_.on_report_v1(group.value());
    if (const auto report = parse_listener_report(packet); report.ok()) reread(report.value(), packet);
    if (const auto error = parse_error(packet); error.ok()) static_cast<void>(delivery_error(error.value().head));
    if (const auto echo = parse_echo(packet); echo.ok())
      check(write_echo(MessageType::echo_reply, echo.value(), packet.destination, packet.source, out_));
    if (may_answer_with_error(packet, {MessageType::destination_unreachable, 4}))
      check(write_error({MessageType::destination_unreachable, 4}, 0, packet, packet.destination, out_));
    drain();
  }

 private:
  // Of a few, so that messages meet the state that earlier ones left.
  IpAddress party(u8 which) const {
    IpAddress own = link_local_prefix;
    IpAddress last = own;
    addresses_.for_each_address([&](const LocalAddress& local) {
      if (local.origin == LocalAddress::Origin::link_local) own = local.address;
      last = local.address;
    });
    switch (which & 0x0f) {
      case 0: return unspecified;
      case 1: return all_nodes;
      case 2: return own;
      case 3: return last;
      case 4: return solicited_node_group(own);
      case 5: return solicited_node_group(last);
      case 6: return *IpAddress::parse_v6("2001:db8::1");
      default: return IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<u8>(which & 0x7f)});
    }
  }

  void take(const IpPacket&, const RouterSolicitation&) {}
  void take(const IpPacket& packet, const RouterAdvertisement& message) {
    routers_.on_advertisement(now_, packet.source, message);
    for (const PrefixInformation& prefix : message.prefixes) addresses_.on_prefix(now_, packet.source, prefix);
    addresses_.set_retransmit_timer(routers_.retransmit_timer());
    reread(message, packet);
  }
  void take(const IpPacket& packet, const NeighborSolicitation& message) {
    if (const auto answer = addresses_.answer(packet.source, message)) check(write(*answer, out_));
    // A nonce of ours, as if the link sent it back.
    NeighborSolicitation heard = message;
    if (heard.nonce.has_value() && (*heard.nonce)[0] == 0x7f) heard.nonce = last_nonce_;
    addresses_.on_solicitation(now_, packet.source, heard);
    reread(message, packet);
  }
  void take(const IpPacket& packet, const NeighborAdvertisement& message) {
    addresses_.on_advertisement(now_, message);
    routers_.on_reachability(now_, message.target, message.solicited);
    reread(message, packet);
  }

  template <class Message>
  void reread(const Message& message, const IpPacket& packet) {
    compare(message, write(message, packet.source, packet.destination, out_));
  }
  template <class Message>
  void compare(const Message& message, const std::optional<WrittenMessage>& written) {
    require(written.has_value());
    std::vector<u8> octets(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(written->size)), quotable;
    const Envelope envelope{written->packet.source, written->packet.destination, written->packet.hop_limit};
    const auto again = parse_neighbor_discovery(packet_of(envelope, octets, quotable, false));
    require(again.ok() && std::holds_alternative<Message>(again.value()) && std::get<Message>(again.value()) == message);
  }
  void reread(const ListenerQuery& query, const IpPacket& packet) {
    const auto written = write(query, packet.source, packet.destination, out_);
    require(written.has_value());
    std::vector<u8> octets(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(written->size)), quotable;
    const auto again = parse_listener_query(packet_of({packet.source, packet.destination, 1}, octets, quotable, false));
    require(again.ok() && again.value() == query);
  }
  void reread(const ListenerReport& report, const IpPacket& packet) {
    const auto written = write(report, packet.source, out_);
    require(written.has_value());
    std::vector<u8> octets(out_.begin() + 8, out_.begin() + static_cast<std::ptrdiff_t>(written->size)), quotable;
    const auto again = parse_listener_report(packet_of({packet.source, all_mldv2_routers, 1}, octets, quotable, false));
    require(again.ok() && again.value() == report);
  }
  void check(const std::optional<WrittenMessage>& written) {
    require(written.has_value() && written->size <= out_.size());
    require(!written->packet.destination.is_v4());
  }

  Instant deadline() const {
    return std::min({addresses_.next_deadline(), routers_.next_deadline(), listener_.next_deadline()});
  }

  void drain() {
    u32 outputs = 0;
    while (const auto output = addresses_.poll()) {
      require(++outputs < 1000);
      if (const auto* join = std::get_if<JoinGroup>(&*output)) require(listener_.join(now_, join->group, join->report_delay));
      if (const auto* left = std::get_if<LeaveGroup>(&*output)) listener_.leave(now_, left->group);
      if (const auto* sent = std::get_if<SendNeighborSolicitation>(&*output)) {
        last_nonce_ = sent->message.nonce;
        check(write(*sent, out_));
        compare(sent->message, write(*sent, out_));
        require(listener_.listens_to(sent->destination));
      }
    }
    size_t count = 0;
    addresses_.for_each_address([&](const LocalAddress& local) {
      ++count;
      require(is_unicast(local.address));
    });
    require(count <= 1 + AddressConfiguration::max_configured + AddressConfiguration::max_advertised);
    routers_.on_link_local(addresses_.link_local());
    listener_.on_link_local(now_, addresses_.link_local());
    while (const auto sent = routers_.poll_solicitation(now_)) {
      require(++outputs < 1000);
      compare(sent->message, write(*sent, out_));
    }
    while (const auto sent = listener_.poll(now_)) {
      require(++outputs < 1000);
      const auto written = write(*sent, out_);
      check(written);
      require(written->size <= min_ipv6_mtu - header_size && written->packet.hop_limit == 1);
    }
  }

  CountingRng rng_;
  Instant now_ = Instant::since_boot(Duration::seconds(1));
  AddressConfiguration addresses_{{mac, secret, {}, 1}, rng_};
  RouterDiscovery routers_{mac, 1500, rng_};
  MulticastListener listener_{rng_};
  std::optional<Nonce> last_nonce_;
  std::vector<u8> out_ = std::vector<u8>(70'000);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Host host;
  ByteReader input(Bytes(data, size));
  while (input.remaining() >= 6) {
    const u16 time = MUST(input.u16());
    const u8 from = MUST(input.u8());
    const u8 to = MUST(input.u8());
    const u16 wanted = MUST(input.u16());
    const size_t length = std::min<size_t>(wanted, input.remaining());
    // Milliseconds, or with the high bit minutes.
    host.pass((time & 0x8000) != 0 ? Duration::seconds(60 * (time & 0x7fff)) : Duration::milliseconds(time));
    const Bytes message = MUST(input.bytes(length));
    host.receive(from, to, {message.begin(), message.end()});
  }
  host.pass(Duration::seconds(60));
  return 0;
}
