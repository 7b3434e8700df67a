#include "tests/sim/primary_host.h"

namespace samara::sim {
namespace {

constexpr size_t region_size = size_t{2} << 20;
const Endpoint nobody{IpAddress::v4({192, 0, 2, 77}), Port(1053)};
const Endpoint server_at{IpAddress::v4({192, 0, 2, 53}), Port(53)};

std::string zone_text() {
  std::string text = "$TTL 300\n@ SOA ns host 1 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.53\nns AAAA 2001:db8::53\n";
  for (u32 i = 0; i < ExampleZone::names; ++i) {
    text += "n" + std::to_string(i) + " A";
    for (const char* dot = " "; const u8 octet : ExampleZone::address_of(i)) {
      text += dot + std::to_string(octet);
      dot = ".";
    }
    text += '\n';
  }
  const std::string padding(200, 'x');
  text += "small TXT \"small\"\n";
  for (int i = 0; i < 14; ++i) text += "big TXT \"" + std::to_string(i) + " " + padding + "\"\n";
  for (int i = 0; i < 56; ++i) text += "huge TXT \"" + std::to_string(i) + " " + padding + "\"\n";
  return text;
}

runtime::NetworkConfig network_of(const std::vector<runtime::NetworkAddress>& addresses) {
  runtime::NetworkConfig network;
  network.addresses = addresses;
  network.listen = {{IpAddress(), Port(53)}, {IpAddress::v6({}), Port(53)}};
  return network;
}

std::array<u8, crypto::Drbg::seed_size> seed_from(hal::sim::SeededRng& rng) {
  std::array<u8, crypto::Drbg::seed_size> seed{};
  rng.fill(seed);
  return seed;
}

}  // namespace

const ExampleZone& ExampleZone::instance() {
  static const ExampleZone zone;
  return zone;
}

ExampleZone::ExampleZone() : region_(region_size), text_(zone_text()), loader_(region_) {
  config_.zones.push_back({MUST(dns::Name::parse("example.", dns::Name())), {{"example.zone", text_}}});
  config_.limits.udp_payload_ipv4 = config_.limits.udp_payload_ipv6 = 4096;
  server::LoadReport report([](void*, Level, std::string_view) {}, nullptr);
  const auto set = loader_.load(config_, UnixTime{}, report);
  if (!set.has_value() || report.errors() != 0) panic("the example zone cannot be loaded");
  root_ = set->root();
}

PrimaryHost::PrimaryHost(const std::vector<runtime::NetworkAddress>& addresses, u64 seed)
    : rng_(seed),
      network_(network_of(addresses)),
      worker_(ExampleZone::instance().config(), server::ServerCookies::Secret{1}, seed_from(rng_),
              ExampleZone::instance().region(), streams),
      loop_(network_, streams, hal::WorkerApplicationRef(worker_), rng_) {
  loop_.on_publication(Instant(), 1, static_cast<u64>(ExampleZone::instance().root()));
}

Oracle::Oracle()
    : worker_(ExampleZone::instance().config(), server::ServerCookies::Secret{1}, std::array<u8, crypto::Drbg::seed_size>{},
              ExampleZone::instance().region(), 1) {
  worker_.use_zones(ExampleZone::instance().root(), 1);
}

std::vector<u8> Oracle::by_udp(Bytes query) {
  std::vector<u8> reply(runtime::min_reply_room);
  reply.resize(worker_.on_datagram(Instant(), {.peer = nobody, .local = server_at, .payload = query, .reply = reply}));
  return reply;
}

std::vector<u8> Oracle::by_tcp(Bytes query) {
  constexpr runtime::StreamId id = 0;
  const Instant now;
  std::vector<u8> framed{static_cast<u8>(query.size() >> 8), static_cast<u8>(query.size())};
  framed.insert(framed.end(), query.begin(), query.end());
  if (!worker_.on_stream_open(now, id, nobody, server_at)) panic("the oracle takes no stream");
  std::vector<u8> answer;
  for (Bytes rest = framed; !rest.empty();) {
    const MutableBytes space = worker_.stream_input_space(id);
    const size_t count = std::min(rest.size(), space.size());
    std::ranges::copy(rest.first(count), space.begin());
    worker_.on_stream_input(now, id, count);
    rest = rest.subspan(count);
  }
  for (Bytes output = worker_.stream_output(id); !output.empty(); output = worker_.stream_output(id)) {
    answer.insert(answer.end(), output.begin(), output.end());
    worker_.on_stream_output_sent(now, id, output.size());
  }
  worker_.on_stream_end(now, id);
  worker_.on_stream_closed(now, id);
  answer.erase(answer.begin(), answer.begin() + 2);
  return answer;
}

}  // namespace samara::sim
