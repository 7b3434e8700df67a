// What a worker refuses leaves a line in the log.
#include "worker_update_fixture.h"

namespace samara::server {
namespace {

std::vector<std::string> log_lines;

class WorkerRefusal : public WorkerUpdate {
 protected:
  void SetUp() override {
    log_lines.clear();
    set_log_sink([](Level, std::string_view line) { log_lines.emplace_back(line); });
  }
  void TearDown() override { set_log_sink(nullptr); }
};

TEST_F(WorkerRefusal, IsLoggedForWhoHasNoRight) {
  config_.access.transfer = {AccessRule{IpPrefix::parse("192.0.2.0/24"), std::nullopt}};
  begin();
  EXPECT_EQ(update({"! x 60 IN A 192.0.2.1"}), "REFUSED");
  EXPECT_EQ(log_lines, Lines{"zone example.: update of 192.0.2.1 refused: this client may not update this zone"});
  log_lines.clear();
  ask("example. AXFR", "198.51.100.7");
  EXPECT_EQ(log_lines, Lines{"zone example.: AXFR of 198.51.100.7 refused: this client may not transfer the zone"});
}

TEST_F(WorkerRefusal, IsLoggedAndToldWithTheRecordAndTheRule) {
  UpdateRule rule;
  rule.types = {dns::RrType::A};
  config_.update_rules = {rule};
  begin();
  EXPECT_EQ(update({"! www.dyn 60 IN TXT x"}), "REFUSED");
  EXPECT_EQ(log_lines,
            Lines{"zone example.: update of 192.0.2.1 refused: no right to add TXT (rule 1 of update-policy gives no "
                  "such type) at www.dyn.example."});
  Octets message = text.message({"! www.dyn 60 IN TXT y"});
  const Octets opt{0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};
  message.insert(message.end(), opt.begin(), opt.end());
  message[11] = 1;
  EXPECT_TRUE(datagram(message).empty());
  pump();
  const Octets answer = late_datagram();
  EXPECT_EQ(rcode_of(answer), "REFUSED");
  EXPECT_NE(std::string(answer.begin(), answer.end())
                .find("no right to add TXT (rule 1 of update-policy gives no such type) at www.dyn.example."),
            std::string::npos);
}

}  // namespace
}  // namespace samara::server
