#include "server/notify_agent.h"

#include <gtest/gtest.h>

#include "../zone/master_file_zone.h"
#include "dns-core/message/query.h"

namespace samara::server {
namespace {

using zone::name_of;

struct NoSettings final : ZoneSettings {
  ZoneOverrides none;
  const ZoneOverrides& of(const dns::Name&) const override { return none; }
};

// A server of two zones and a catalog, with one secondary that is told of all.
class NotifyAgentTest : public testing::Test {
 protected:
  NotifyAgentTest() {
    config_.notify.push_back({{*IpAddress::parse("192.0.2.9"), Port(53)}, std::nullopt});
    for (const char* text : {"a.", "b.", "catalog."}) {
      const dns::Name name = name_of(text);
      entries_.push_back({name, zones_.build("@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\n", name)});
    }
    set_.emplace(zone::build_zone_set(zones_.memory(), entries_).value());
    agent_.emplace(config_, settings_, keys_, seed_, std::vector{name_of("catalog.")});
  }
  // "MILLISECONDS ZONE" of each first try.
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    const Instant start = now_;
    std::vector<u8> room(1232);
    while (now_ - start < Duration::milliseconds(1'400)) {
      Endpoint peer;
      const size_t size = agent_->poll_datagram(now_, wall_, *set_, peer, room);
      if (size == 0) {
        now_ = std::max(now_, agent_->next_deadline());
        continue;
      }
      const Bytes message = Bytes(room).first(size);
      ByteReader name(dns::parse_query(message).name(message));
      lines.push_back(std::to_string((now_ - start).milliseconds()) + " " + zone::text_of(MUST(dns::Name::from_wire(name))));
    }
    return lines;
  }

  zone::TestZones zones_{"a."};
  std::vector<zone::ZoneSetEntry> entries_;
  std::optional<zone::ZoneSet> set_;
  ServiceConfig config_;
  NoSettings settings_;
  dns::TsigKeyring keys_;
  std::array<u8, crypto::Drbg::seed_size> seed_{};
  std::optional<NotifyAgent> agent_;
  Instant now_ = Instant::since_boot(Duration::seconds(100));
  UnixTime wall_{1'800'000'000};
};

TEST_F(NotifyAgentTest, TellsOfACatalogAtOnceAndOfWhatChangesWithItALittleLater) {
  for (const char* name : {"catalog.", "a."}) agent_->on_zone_changed(now_, *set_, name_of(name));
  EXPECT_EQ(told(), (std::vector<std::string>{"0 catalog.", "500 a."}));
}

TEST_F(NotifyAgentTest, TellsOfAZoneAloneAtOnce) {
  agent_->on_zone_changed(now_, *set_, name_of("a."));
  EXPECT_EQ(told(), std::vector<std::string>{"0 a."});
}

TEST_F(NotifyAgentTest, AtStartTellsOfCatalogsFirst) {
  agent_->on_start(now_, *set_);
  const auto lines = told();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "25 catalog.");
  EXPECT_EQ(lines[1].substr(0, 3), "525");
  EXPECT_EQ(lines[2].substr(0, 3), "550");
}

}  // namespace
}  // namespace samara::server
