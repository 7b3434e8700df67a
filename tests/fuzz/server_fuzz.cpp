// A whole worker of the primary: the first octet says how the rest reaches it, as a datagram or by TCP, in pieces or at once.
// Whatever comes in, what goes out is well formed, belongs to the request, and keeps its limits; a transfer has its SOA at both
// ends.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "dns-core/rdata/rdata.h"
#include "server/primary_worker.h"
#include "server/zone_loader.h"

using namespace samara;

namespace {

constexpr std::string_view plain_zone = R"($TTL 300
@ SOA ns host 1 2 3 4 5
@ NS ns
@ MX 10 ns
ns A 192.0.2.1
a.b.c A 192.0.2.2
* TXT "wildcard"
alias CNAME ns
loop CNAME loop
out CNAME www.signed.
d DNAME alias
dd DNAME d
cut NS ns.cut
cut DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.cut A 192.0.2.3
ns.cut AAAA 2001:db8::3
svc HTTPS 0 ns
_s._tcp SRV 0 0 1 ns
)";

// Signed in form only: what the answers need are the records, not what is in them.
constexpr std::string_view signed_zone = R"($TTL 300
@ SOA ns host 7 2 3 4 5
@ NS ns
@ RRSIG SOA 13 1 300 20370101000000 20260101000000 1 @ AAAA
@ NSEC *.w SOA NS RRSIG NSEC
@ RRSIG NSEC 13 1 300 20370101000000 20260101000000 1 @ AAAA
*.w CNAME x
*.w RRSIG CNAME 13 2 300 20370101000000 20260101000000 1 @ AAAA
*.w NSEC cut CNAME RRSIG NSEC
cut NS ns.cut
cut NSEC www NS NSEC
ns.cut A 192.0.2.1
www A 192.0.2.1
www RRSIG A 13 2 300 20370101000000 20260101000000 1 @ AAAA
www NSEC @ A RRSIG NSEC
)";

constexpr std::string_view hashed_zone = R"($TTL 300
@ SOA ns host 9 2 3 4 5
@ NS ns
@ NSEC3PARAM 1 0 2 aabb
*.w A 192.0.2.1
cut NS ns
0000000000000000000000000000000a NSEC3 1 1 2 aabb g000000000000000000000000000000a NS SOA
g000000000000000000000000000000a NSEC3 1 1 2 aabb 0000000000000000000000000000000a A
g000000000000000000000000000000a RRSIG NSEC3 13 2 300 20370101000000 20260101000000 1 @ AAAA
)";

void require(bool good) {
  if (!good) std::abort();
}

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

constexpr u32 streams = 4;

struct Server {
  Server() : region(size_t{4} << 20), loader(region) {
    for (const auto& [apex, text] :
         {std::pair{"plain.", plain_zone}, std::pair{"signed.", signed_zone}, std::pair{"hashed.", hashed_zone}}) {
      config.zones.push_back({name_of(apex), {{"zone", text}}});
    }
    config.zones.push_back({name_of("broken."), {{"zone", "no zone"}}});
    config.identity = {.server_id = "here", .version = "1", .nsid = "node"};
    config.keys.push_back({name_of("key."), server::KeyAlgorithm::hmac_sha256, "0123456789abcdef"});
    config.limits.tcp_clients_per_prefix = streams;
    config.access.transfer = {server::AccessRule{}};
    LoadReport report([](void*, Level, std::string_view) {}, nullptr);
    const auto set = loader.load(config, UnixTime{}, report);
    require(set.has_value() && loader.zones_served() == 3);
    worker.emplace(config, server::ServerCookies::Secret{1}, std::array<u8, crypto::Drbg::seed_size>{}, region, streams);
    worker->use_zones(set->root(), 1);
    zones = set;
  }
  using LoadReport = server::LoadReport;
  std::vector<u8> region;
  server::PrimaryConfig config;
  server::ZoneLoader loader;
  std::optional<server::PrimaryWorker> worker;
  std::optional<zone::ZoneSet> zones;
};

// Header, counts, names and data must all hold together. How many SOA records it has.
u32 check_response(Bytes response, Bytes request, size_t limit) {
  require(response.size() >= dns::header_size && response.size() <= limit && request.size() >= dns::header_size);
  require(load_be16(response) == load_be16(request));
  const u16 flags = load_be16(response, 2);
  require((flags & dns::flag_qr) != 0 && (flags & (dns::flag_ra | dns::flag_ad | dns::flag_cd)) == 0);
  // The opcode is the request's, and so is RD in the answer to a query; it means nothing elsewhere.
  const u16 asked = load_be16(request, 2);
  require((flags & (0x7800 | dns::flag_rd)) == ((asked & 0x7800) == 0 ? asked & dns::flag_rd : asked & 0x7800));
  ByteReader at(response);
  require(at.skip(4).ok());
  const u16 questions = MUST(at.u16());
  u32 records = MUST(at.u16());
  records += MUST(at.u16());
  records += MUST(at.u16());
  require(questions <= 1);
  if (questions == 1) {
    require(dns::Name::from_message(at).ok() && at.skip(4).ok());
    require(std::ranges::equal(response.subspan(12, at.position() - 12), request.subspan(12, at.position() - 12)));
  }
  bool opt = false;
  u32 soas = 0;
  static std::vector<u8> stored(65'535);
  for (; records > 0; --records) {
    require(dns::Name::from_message(at).ok());
    const auto type = static_cast<dns::RrType>(MUST(at.u16()));
    require(at.skip(6).ok());
    const u16 length = MUST(at.u16());
    if (type == dns::RrType::SOA) ++soas;
    if (type == dns::RrType::OPT) {
      require(!opt && at.skip(length).ok());
      opt = true;
      continue;
    }
    ByteWriter rdata(stored);
    require(dns::rdata_from_message(type, at, length, rdata).ok());
  }
  require(at.at_end());
  return soas;
}

// How many SOA records the messages of the answer to a request have, where it is a transfer.
u32 soas_of_transfer(const Server& server, Bytes request) {
  const dns::Query query = dns::parse_query(request);
  if (!server::asks_for_transfer(query)) return 0;
  const auto plan = server::plan_transfer(*server.zones, server::Transport::tcp, request, query);
  if (!plan.zone.has_value()) return 0;
  return plan.content == server::TransferPlan::Content::whole ? 2 : 1;
}

void run_datagram(server::PrimaryWorker& worker, Bytes packet) {
  const Endpoint peer{IpAddress::v4({192, 0, 2, 1}), Port(1053)};
  const Endpoint local{IpAddress::v4({192, 0, 2, 53}), Port(53)};
  std::array<u8, runtime::min_reply_room> reply{};
  reply.fill(0xee);
  const size_t size = worker.on_datagram(Instant(), {.peer = peer, .local = local, .payload = packet, .reply = reply});
  if (size != 0) check_response(Bytes(reply).first(size), packet, 1232);
}

// The input is what the client sends, lengths included; answers come in the order of the requests that have one.
void run_stream(Server& server, Bytes sent, size_t at_once) {
  server::PrimaryWorker& worker = *server.worker;
  const Endpoint peer{IpAddress::v4({192, 0, 2, 1}), Port(1053)};
  const Instant now;
  constexpr runtime::StreamId id = 0;
  require(worker.on_stream_open(now, id, peer, peer));
  std::vector<u8> received;
  const auto receive = [&] {
    for (Bytes output = worker.stream_output(id); !output.empty(); output = worker.stream_output(id)) {
      const size_t count = std::min(output.size(), at_once * 3);
      received.insert(received.end(), output.begin(), output.begin() + static_cast<std::ptrdiff_t>(count));
      worker.on_stream_output_sent(now, id, count);
    }
  };
  for (Bytes rest = sent; !rest.empty();) {
    const MutableBytes space = worker.stream_input_space(id);
    const size_t count = std::min({rest.size(), space.size(), at_once});
    require(count != 0);
    std::ranges::copy(rest.first(count), space.begin());
    worker.on_stream_input(now, id, count);
    rest = rest.subspan(count);
    receive();
  }
  worker.on_stream_end(now, id);
  receive();
  require(worker.stream_finished(id) && worker.oldest_generation() == 1 && !worker.poll_stream_abort().has_value());
  worker.on_stream_closed(now, id);

  ByteReader answers(received);
  for (ByteReader requests(sent); !requests.at_end();) {
    const auto length = requests.u16();
    if (!length.ok()) break;
    const auto request = requests.bytes(length.value());
    if (!request.ok()) break;
    if (dns::parse_query(request.value()).verdict == dns::QueryVerdict::ignore) continue;
    // An error, of TSIG perhaps, is all there is of it.
    const u32 wanted = soas_of_transfer(server, request.value());
    for (u32 soas = 0;;) {
      const Bytes answer = MUST(answers.bytes(MUST(answers.u16())));
      soas += check_response(answer, request.value(), 65'535);
      if (soas >= wanted || (answer[3] & 15) != 0) break;
    }
  }
  require(answers.at_end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  static Server server;
  if (size < 1) return 0;
  const Bytes input(data, size);
  server.worker->on_turn(Instant(), UnixTime{1'800'000'000});
  if (input[0] % 4 != 3) {
    run_datagram(*server.worker, input.subspan(1));
  } else {
    run_stream(server, input.subspan(1), size_t{1} + input[0] / 4);
  }
  return 0;
}
