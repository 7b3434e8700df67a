// What the loader makes of a worker that has been taken over and says what it likes (docs/threat-model.md).
#include <gtest/gtest.h>

#include "image_life.h"
#include "server/update_batch.h"
#include "update_text.h"

namespace samara::server {
namespace {

class TakenWorker : public testing::Test {
 protected:
  void SetUp() override {
    life_.configure("example.", 10);
    life_.config().keys.push_back({zone::name_of("host."), KeyAlgorithm::hmac_sha256, "0123456789abcdef"});
    UpdateRule rule;
    rule.key = u16{0};
    rule.match = UpdateNames::exact;
    rule.names = {zone::name_of("dyn.example.")};
    rule.types = {dns::RrType::A};
    rule.max_records = 1;
    life_.config().update_rules.push_back(rule);
    ASSERT_TRUE(life_.load()) << life_.log;
    batch_.emplace(life_.config(), life_.loader());
  }
  // The outcome of a message that the worker sends with a sender of its choice.
  std::string says(const Lines& lines, std::optional<u16> key, std::string_view zone = "example.") {
    UpdateText text;
    text.zone = zone;
    const std::vector<u8> message = text.message(lines);
    return relayed({.peer = *Endpoint::parse("192.0.2.1:1053"),
                    .address_shown = true,
                    .key = key,
                    .signed_at = 1'000,
                    .mac_start = ++macs_,
                    .message = message});
  }
  std::string relayed(const UpdateRelay& update) {
    batch_->on_update(0, update, {.now = {}, .wall = {1'000}});
    batch_->settle();
    if (batch_->is_changed()) {
      EXPECT_TRUE(life_.loader().next_set().has_value());
      batch_->on_published();
    }
    std::string outcome = "none";
    EXPECT_TRUE(batch_->send_all(1, [&](u32, Bytes message) {
      if (kind_of(message) == LoaderMessage::update_done) outcome = dns::rcode_name(read_update_done(message)->rcode);
      return true;
    }));
    return outcome;
  }

  zone::store::CrashingStorage storage_{u64{4} << 20};
  Life life_{storage_};
  std::optional<UpdateBatch> batch_;
  u64 macs_ = 0;
};

TEST_F(TakenWorker, changes_nothing_but_what_some_key_or_address_may) {
  EXPECT_EQ(says({"! dyn 60 IN A 192.0.2.1"}, 0), "NOERROR") << "what the key may, the worker may";
  const u32 serial = life_.serial();
  EXPECT_EQ(says({"! dyn 60 IN A 192.0.2.2"}, 0), "REFUSED") << "beyond the rule's limit";
  EXPECT_EQ(says({"! www 60 IN A 192.0.2.1"}, 0), "REFUSED") << "at another name";
  EXPECT_EQ(says({"! dyn 60 IN TXT a"}, 0), "REFUSED") << "of another type";
  EXPECT_EQ(says({"! dyn 0 ANY A"}, std::nullopt), "REFUSED") << "by an address that may nothing";
  EXPECT_EQ(says({"! dyn 0 ANY A"}, 9), "SERVFAIL") << "by a key that there is not";
  EXPECT_EQ(says({"! dyn 0 ANY A"}, 0, "elsewhere."), "NOTAUTH");
  const std::vector<u8> cut = UpdateText().message({"! dyn 0 ANY A"});
  EXPECT_EQ(
      relayed(
          {.peer = {}, .key = u16{0}, .signed_at = 1'000, .mac_start = ++macs_, .message = Bytes(cut).first(cut.size() - 1)}),
      "FORMERR");
  EXPECT_EQ(life_.serial(), serial);
}

TEST_F(TakenWorker, that_says_what_is_no_message_is_not_believed) {
  const std::vector<u8> message = UpdateText().message({"! dyn 60 IN A 192.0.2.1"});
  std::vector<u8> octets(update_relay_head + message.size());
  ByteWriter out(octets);
  write_update({.peer = {}, .key = u16{0}, .message = message}, out);
  ASSERT_TRUE(read_update(out.written()).has_value());
  for (size_t size = 0; size < update_relay_head; ++size)
    EXPECT_FALSE(read_update(Bytes(octets).first(size)).has_value()) << size;
}

}  // namespace
}  // namespace samara::server
