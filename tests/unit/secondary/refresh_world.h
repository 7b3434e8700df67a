// Primaries and time for the refresh table: what it sends is answered or not, as the test says; the clock jumps from deadline
// to deadline.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "messages.h"
#include "secondary/refresh.h"

namespace samara::secondary {

class SeededRng final : public Rng {
 public:
  explicit SeededRng(u64 seed) : state_(seed) {}
  void fill(MutableBytes out) override {
    for (u8& octet : out) {
      state_ = state_ * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
      octet = static_cast<u8>(state_ >> 33);
    }
  }

 private:
  u64 state_;
};

// A primary as the table sees it.
struct FakePrimary {
  bool alive = true;
  bool udp = true;          // or nothing gets through by it
  bool tcp = true;          // or no connection can be made
  bool transfers = true;    // or fails them
  bool differences = true;  // or fails IXFR with this:
  TransferResult ixfr_failure = {.error = TransferError::refused, .rcode = dns::Rcode::NOTIMP};
  bool has_edns = true;
  bool authoritative = true;
  dns::SoaNumbers soa{.serial = dns::Serial(1), .refresh = 3600, .retry = 600, .expire = 86'400};
  std::optional<u32> expire_option = {};
  u16 rcode = 0;
  u32 queries = 0;
};

struct World {
  SeededRng rng{1};
  Primaries primaries;
  RefreshLimits limits;
  std::optional<RefreshTable> table;
  std::map<std::string, FakePrimary> servers;
  Instant now;
  i64 start = 0;
  std::vector<i64> sent;  // seconds at which packets went
  Lines log;              // of what happened, with seconds since the start of the world
  std::map<u32, std::deque<i64>> sent_by_zone;
  size_t most_in_a_minute = 0;       // of one zone
  std::vector<StartTransfer> going;  // transfers, with hold_transfers
  bool hold_transfers = false;
  u32 transfers = 0;

  explicit World(RefreshLimits l = {}) : limits(l), table(std::in_place, primaries, limits, rng) {}

  static Endpoint endpoint(std::string_view text) { return *Endpoint::parse(std::string(text) + ":53"); }
  Primaries::Group group(std::initializer_list<const char*> addresses) {
    std::vector<Primary> list;
    for (const char* address : addresses) {
      list.push_back({endpoint(address)});
      servers[address];
    }
    return *primaries.add_group(list);
  }
  ZoneId add(std::string_view name, Primaries::Group group, std::optional<HeldVersion> held = std::nullopt) {
    const auto id = table->add_zone(now, name_of(name), group, held);
    EXPECT_TRUE(id.has_value());
    act();
    return *id;
  }
  HeldVersion held(u32 serial, i64 expires_in = 86'400) const {
    return {.soa = {.serial = dns::Serial(serial), .refresh = 3600, .retry = 600, .expire = 86'400},
            .expires_in = Duration::seconds(expires_in)};
  }

  static Octets answer(const FakePrimary& server, Bytes query_octets) {
    const dns::Query query = dns::parse_query(query_octets);
    const Octets name(query.name(query_octets).begin(), query.name(query_octets).end());
    Octets memory(2'000);
    ByteWriter out(memory);
    const bool puzzled = query.edns.has_value() && !server.has_edns;
    const u16 rcode = puzzled ? 1 : server.rcode;
    out.u16(query.id.value());
    out.u16(static_cast<u16>(dns::flag_qr | (server.authoritative ? dns::flag_aa : 0) | rcode));
    out.u16(1);
    out.u16(rcode == 0 ? 1 : 0);
    out.u16(0);
    out.u16(server.expire_option.has_value() && !puzzled ? 1 : 0);
    out.bytes(name);
    out.u16(6);
    out.u16(1);
    if (rcode == 0) {
      out.bytes(Octets{0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0});
      for (const u32 n : {server.soa.serial.value(), server.soa.refresh, server.soa.retry, server.soa.expire, 60U}) out.u32(n);
    }
    if (server.expire_option.has_value() && !puzzled) {
      out.bytes(Octets{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 8, 0, 9, 0, 4});
      out.u32(*server.expire_option);
    }
    memory.resize(out.size());
    return memory;
  }

  std::string stamp() const { return std::to_string(now.since_boot().seconds()) + " "; }

  void finish(const StartTransfer& start) {
    FakePrimary& server = servers[text_of(start.primary.endpoint.address)];
    TransferResult result;
    const bool differences = start.request.kind == TransferKind::differences;
    if (!server.alive || !server.tcp) {
      result.error = TransferError::not_connected;
    } else if (start.request.kind == TransferKind::soa) {
      Fed stream(start.request);
      stream.feed(framed(answer(server, stream.request())));
      EXPECT_EQ(stream.transfer.state(), TransferIn::State::answered);
      result = {.outcome = TransferResult::Outcome::answered, .reply = stream.transfer.soa_reply()};
    } else if (differences && !server.differences) {
      result = server.ixfr_failure;
    } else if (!server.transfers) {
      result.error = TransferError::not_installed;
    } else {
      result = {.outcome = TransferResult::Outcome::installed, .soa = server.soa, .expire = server.expire_option};
    }
    table->on_transfer_done(now, start, result);
  }

  // All that the table wants to do now.
  void act() {
    for (bool more = true; more;) {
      more = false;
      Octets room(max_soa_query);
      Endpoint peer;
      while (const size_t size = table->poll_datagram(now, Fed::wall, peer, room)) {
        more = true;
        const std::string address = text_of(peer.address);
        FakePrimary& server = servers[address];
        ++server.queries;
        sent.push_back(now.since_boot().seconds());
        const Bytes query = Bytes(room).first(size);
        count(query);
        if (server.alive && server.udp) table->on_datagram(now, Fed::wall, peer, answer(server, query));
      }
      while (const auto start = table->poll_transfer(now)) {
        more = true;
        const TransferKind kind = start->request.kind;
        transfers += kind == TransferKind::soa ? 0 : 1;
        const char* word = kind == TransferKind::soa ? "soa " : kind == TransferKind::differences ? "ixfr " : "axfr ";
        log.push_back(stamp() + word + text_of(start->request.zone) + " " + text_of(start->primary.endpoint.address));
        if (hold_transfers) {
          going.push_back(*start);
        } else {
          finish(*start);
        }
      }
      while (const auto event = table->poll_event(now)) {
        more = true;
        log.push_back(stamp() + (event->kind == RefreshEvent::Kind::expired ? "expired" : "refreshed"));
      }
    }
  }
  void count(Bytes query_octets) {
    const dns::Query query = dns::parse_query(query_octets);
    ByteReader at(query.name(query_octets));
    const u32 zone = table->find(MUST(dns::Name::from_wire(at)))->index;
    std::deque<i64>& times = sent_by_zone[zone];
    times.push_back(now.since_boot().milliseconds());
    while (times.front() <= times.back() - 60'000) times.pop_front();
    most_in_a_minute = std::max(most_in_a_minute, times.size());
  }
  // The clock goes on from deadline to deadline.
  void run_until(i64 second) {
    const Instant end = Instant::since_boot(Duration::seconds(second));
    while (table->next_deadline() <= end) {
      now = std::max(now, table->next_deadline());
      table->on_deadline(now);
      act();
    }
    now = end;
  }
  void run_for(i64 seconds) { run_until(now.since_boot().seconds() + seconds); }
  void notify(ZoneId id, const char* from, std::optional<u32> serial = std::nullopt) {
    table->on_notify(now, id, *IpAddress::parse(from), serial.has_value() ? std::optional(dns::Serial(*serial)) : std::nullopt);
    act();
  }
};

}  // namespace samara::secondary
