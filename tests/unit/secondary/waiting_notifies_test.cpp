// NOTIFYs that come to a worker which asks no primaries and wait for the loader to pass them on.
#include "../zone/master_file_zone.h"
#include "../zone/store/crashing_storage.h"
#include "secondary/secondary_worker.h"
#include "secondary/zone_keeper.h"

namespace samara::secondary {
namespace {

using zone::name_of;

std::vector<u8> notify_of(const dns::Name& zone) {
  std::vector<u8> memory(400);
  ByteWriter out(memory);
  for (const u16 word : {u16{77}, u16{4 << 11}, u16{1}, u16{0}, u16{0}, u16{0}}) out.u16(word);
  out.bytes(zone.wire());
  out.u16(6);
  out.u16(1);
  memory.resize(out.size());
  return memory;
}

TEST(SecondaryWorkerNotify, keeps_one_for_each_zone_and_no_more_than_256_for_worker_0) {
  constexpr size_t zones = 300;
  zone::TestRegion region{size_t{64} << 20};
  server::SecondaryConfig config;
  std::vector<dns::Name> names;
  for (size_t i = 0; i < zones; ++i) {
    names.push_back(name_of("z" + std::to_string(i) + "."));
    config.zones.push_back({.name = names.back(), .primaries = {{*Endpoint::parse("192.0.2.1:53"), std::nullopt}}});
  }
  zone::store::SeededRng rng{1};
  ZoneKeeper keeper(config, region.bytes(), nullptr, rng);
  const Instant now = Instant::since_boot(Duration::seconds(100));
  const UnixTime wall{1'800'000'000};
  keeper.start({.now = now, .wall = wall});
  const auto set = keeper.next_set();
  ASSERT_TRUE(set.has_value());
  keeper.published(1);
  const std::array<u8, crypto::Drbg::seed_size> seed{};
  SecondaryWorker worker(config, {1, 2}, seed, region.bytes(), 8, 0);
  worker.use_zones(set->root(), 1);
  ASSERT_TRUE(keeper.send_all(1, [&](u32, Bytes message) {
    worker.on_message(now, message);
    return true;
  }));
  worker.on_turn(now, wall);
  std::vector<u8> room(runtime::max_message);
  while (worker.poll_message(room) != 0) {
  }

  std::vector<u8> reply(runtime::min_reply_room);
  const auto told_by = [&](const char* sender, const dns::Name& zone) {
    const size_t size = worker.on_datagram(now, {.peer = *Endpoint::parse(sender),
                                                 .local = *Endpoint::parse("192.0.2.53:53"),
                                                 .payload = notify_of(zone),
                                                 .reply = reply});
    EXPECT_GE(size, dns::header_size);
    return static_cast<dns::Rcode>(reply[3] & 15);
  };
  for (int repeated = 0; repeated < 3; ++repeated) {
    for (const dns::Name& zone : names) {
      EXPECT_EQ(told_by("203.0.113.9:53", zone), dns::Rcode::REFUSED) << "a stranger fills nothing";
      EXPECT_EQ(told_by("192.0.2.1:53", zone), dns::Rcode::NOERROR);
    }
  }
  size_t waiting = 0;
  for (size_t size = worker.poll_message(room); size != 0; size = worker.poll_message(room)) {
    const auto message = read_message(Bytes(room).first(size));
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(message.value().zone, names[waiting]) << "in the order in which they came";
    ++waiting;
  }
  EXPECT_EQ(waiting, max_waiting_notifies);
  EXPECT_EQ(told_by("192.0.2.1:53", names.back()), dns::Rcode::NOERROR);
  EXPECT_NE(worker.poll_message(room), 0U) << "there is room again";
}

}  // namespace
}  // namespace samara::secondary
