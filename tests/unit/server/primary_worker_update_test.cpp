// Updates through a worker and its loader, and what is sent of them.
#include "worker_update_fixture.h"

namespace samara::server {
namespace {

TEST_F(WorkerUpdate, IsAnsweredWhenItIsServed) {
  admit_all();
  begin();
  EXPECT_TRUE(datagram(text.message({"! new 60 IN A 192.0.2.9"})).empty());
  EXPECT_TRUE(late_datagram().empty());
  EXPECT_EQ(pump(), 1U);
  const Octets answer = late_datagram();
  EXPECT_EQ(rcode_of(answer), "NOERROR");
  EXPECT_EQ(load_be16(answer), text.id);
  EXPECT_EQ(sent_to_, endpoint("192.0.2.1"));
  EXPECT_EQ(sent_from_, (Endpoint{*IpAddress::parse("192.0.2.53"), Port(53)}));
  EXPECT_NE(ask("new.example. A").find("answer new.example. 60 A 192.0.2.9"), std::string::npos);
  EXPECT_TRUE(late_datagram().empty());
}

TEST_F(WorkerUpdate, StrangersAreRefusedAtTheDoor) {
  config_.access.update.push_back({IpPrefix::parse("192.0.2.0/24"), std::nullopt});
  begin();
  EXPECT_EQ(rcode_of(datagram(text.message({"? www 0 NONE A"}), "198.51.100.1")), "REFUSED");
  EXPECT_EQ(pump(), 0U);
  EXPECT_EQ(update_by_tcp({"? www 0 NONE A"}), "YXRRSET");
}

// Anybody can send one datagram from anywhere.
TEST_F(WorkerUpdate, an_address_alone_counts_only_where_it_is_shown) {
  config_.access.update.push_back({IpPrefix::parse("192.0.2.0/24"), std::nullopt});
  UpdateRule& rule = config_.update_rules.emplace_back();
  rule.from = IpPrefix::parse("198.51.100.1");
  begin();
  for (const char* from : {"192.0.2.1", "198.51.100.1"}) {
    const Octets answer = datagram(text.message({"! forged 60 IN A 192.0.2.9"}), from);
    ASSERT_EQ(rcode_of(answer), "REFUSED") << "it is not done, so nobody is to take it for done";
    EXPECT_NE(load_be16(answer, 2) & dns::flag_tc, 0) << "it may come by TCP";
    EXPECT_EQ(pump(), 0U);
    EXPECT_EQ(update_by_tcp({std::string("! x") + from + " 60 IN A 192.0.2.9"}, from), "NOERROR");
  }
  EXPECT_EQ(load_be16(datagram(text.message({"! x 60 IN A 192.0.2.9"}), "203.0.113.1"), 2) & dns::flag_tc, 0)
      << "TCP is of no use to strangers";
}

TEST_F(WorkerUpdate, a_good_cookie_shows_the_address) {
  config_.access.update.push_back({IpPrefix::parse("192.0.2.0/24"), std::nullopt});
  begin();
  // OPT with a cookie of the client's part, and then with all of it.
  const auto with_cookie = [&](const Octets& cookie) {
    Octets packet = text.message({"! new 60 IN A 192.0.2.9"});
    store_be16(packet, 10, 1);
    const Octets opt{
        0, 0, 41, 4, 208, 0, 0, 0, 0, 0, static_cast<u8>(cookie.size() + 4), 0, 10, 0, static_cast<u8>(cookie.size())};
    packet.insert(packet.end(), opt.begin(), opt.end());
    packet.insert(packet.end(), cookie.begin(), cookie.end());
    return packet;
  };
  Octets cookie{1, 2, 3, 4, 5, 6, 7, 8};
  const Octets first = datagram(with_cookie(cookie));
  const auto read = dns::read_response(first);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().rcode, dns::Rcode::BADCOOKIE);
  EXPECT_EQ(pump(), 0U);
  cookie.assign(first.end() - 24, first.end());
  EXPECT_TRUE(datagram(with_cookie(cookie)).empty());
  EXPECT_EQ(rcode_of_late(), "NOERROR");
}

// RFC 7873 section 5.2.3 is about queries: few who send NOTIFY or UPDATE know of cookies, and TC with NOERROR tells them
// "done".
TEST_F(WorkerUpdate, cookies_are_required_of_queries_alone) {
  config_.cookies.required = true;
  config_.access.notify.push_back({IpPrefix::parse("192.0.2.0/24"), std::nullopt});
  admit_all();
  begin();
  EXPECT_EQ(ask("example. SOA opcode=4"), "NOERROR opt=1232\n") << "and not TC";
  EXPECT_EQ(update({"! new 60 IN A 192.0.2.9"}), "NOERROR");
  EXPECT_EQ(ask("www.example. A").substr(0, 10), "NOERROR tc");
}

// A client without `acl: query` could ask any record by prerequisites.
TEST_F(WorkerUpdate, who_may_not_ask_may_not_probe) {
  config_.access.query = {{IpPrefix::parse("198.51.100.0/24"), std::nullopt}};
  admit_all();
  begin();
  EXPECT_EQ(update({"? www 0 ANY A", "! x 60 IN A 192.0.2.9"}), "REFUSED");
  EXPECT_EQ(update({"? www 0 NONE A"}), "REFUSED");
  EXPECT_EQ(update({"! x 60 IN A 192.0.2.9"}), "NOERROR");
  EXPECT_EQ(update({"? www 0 NONE A"}, "198.51.100.7"), "YXRRSET");
}

TEST_F(WorkerUpdate, catalogs_that_the_server_makes_are_not_updated) {
  config_.catalogs.push_back({.name = name_of("catalog."), .members = {}, .groups = {}});
  admit_all();
  UpdateRule& rule = config_.update_rules.emplace_back();
  rule.types = {dns::RrType::ANY};
  begin();
  text.zone = "catalog.";
  EXPECT_EQ(update({"! evil.zones 60 IN PTR evil.test."}), "REFUSED");
  EXPECT_EQ(update({"! version 0 ANY TXT"}), "REFUSED");
}

TEST_F(WorkerUpdate, AReloadBringsWhatAZoneHasOfItsOwn) {
  config_.listen.push_back(endpoint("192.0.2.53"));
  begin();
  EXPECT_EQ(update_by_tcp({"! a 60 IN A 192.0.2.9"}), "REFUSED");
  std::vector<ZoneSource> zones = config_.zones;
  // More of it than one message holds.
  zones[0].overrides.update.emplace();
  for (int i = 0; i < 1000; ++i) zones[0].overrides.update->push_back({IpPrefix::parse("198.51.100.0/24"), std::nullopt});
  zones[0].overrides.update->push_back({IpPrefix::parse("192.0.2.1"), std::nullopt});
  reload(zones);
  EXPECT_EQ(update_by_tcp({"! a 60 IN A 192.0.2.9"}), "NOERROR");
  EXPECT_EQ(update_by_tcp({"! b 60 IN A 192.0.2.9"}, "192.0.2.2"), "REFUSED");
  zones[0].overrides.update->clear();
  zones[0].overrides.update->push_back({IpPrefix::parse("192.0.2.2"), std::nullopt});
  reload(zones);
  EXPECT_EQ(update_by_tcp({"! c 60 IN A 192.0.2.9"}), "REFUSED");
  EXPECT_EQ(update_by_tcp({"! c 60 IN A 192.0.2.9"}, "192.0.2.2"), "NOERROR");
  // None of its own any more.
  zones[0].overrides = {};
  reload(zones);
  EXPECT_EQ(update_by_tcp({"! d 60 IN A 192.0.2.9"}, "192.0.2.2"), "REFUSED");
}

TEST_F(WorkerUpdate, AnswersDoNotGoWithTheSettingsOfAReloadButWhenTheyAreServed) {
  config_.listen.push_back(endpoint("192.0.2.53"));
  admit_all();
  begin();
  EXPECT_TRUE(datagram(text.message({"! new 60 IN A 192.0.2.9"})).empty());
  Octets room(runtime::max_message);
  const size_t size = worker_->poll_message(room);
  batch_->on_update(0, *read_update(Bytes(room).first(size)), {.now = now_, .wall = {epoch_ + 1}});
  const auto blob = blob_of_settings(config_, config_.zones, config_.catalogs, write_primary_config);
  batch_->use_settings(*settings_.take(*blob), *blob);
  std::vector<LoaderMessage> sent;
  const auto send = [&](u32, Bytes message) {
    sent.push_back(*kind_of(message));
    return true;
  };
  EXPECT_TRUE(batch_->send_settings(1, send));
  EXPECT_EQ(sent, (std::vector{LoaderMessage::zone_settings}));
  EXPECT_TRUE(batch_->send_all(1, send));
  EXPECT_EQ(sent.at(1), LoaderMessage::update_done);
}

TEST_F(WorkerUpdate, AReloadBringsWhoMayTransferAZone) {
  config_.listen.push_back(endpoint("192.0.2.53"));
  config_.access.transfer = {AccessRule{}};
  begin();
  EXPECT_EQ(ask_by_tcp("example. AXFR").substr(0, 7), "NOERROR");
  std::vector<ZoneSource> zones = config_.zones;
  zones[0].overrides.transfer.emplace();
  reload(zones);
  EXPECT_EQ(ask_by_tcp("example. AXFR").substr(0, 7), "REFUSED");
}

TEST_F(WorkerUpdate, OtherZonesAreNotauth) {
  admit_all();
  begin();
  text.zone = "sub.example.";
  EXPECT_EQ(update({}), "NOTAUTH");
  text.zone = "example.";
  text.zone_class = "CH";
  EXPECT_EQ(update({}), "NOTAUTH");
  text.zone_class = "IN";
  text.zone_type = "NS";
  EXPECT_EQ(update({}), "FORMERR");
}

TEST_F(WorkerUpdate, ADatagramThatComesAgainIsAppliedOnce) {
  admit_all();
  begin();
  const Octets packet = text.message({"? once 0 NONE ANY", "! once 60 IN A 192.0.2.9"});
  EXPECT_TRUE(datagram(packet).empty());
  EXPECT_TRUE(datagram(packet).empty());
  EXPECT_EQ(pump(), 1U);
  EXPECT_EQ(rcode_of(late_datagram()), "NOERROR");
  EXPECT_TRUE(late_datagram().empty());
  // Its answer was lost.
  EXPECT_EQ(rcode_of(datagram(packet)), "NOERROR");
  EXPECT_EQ(pump(), 0U);
  // From somewhere else, or much later, it is another update.
  EXPECT_TRUE(datagram(packet, "192.0.2.2").empty());
  EXPECT_EQ(pump(), 1U);
  EXPECT_EQ(rcode_of(late_datagram()), "YXDOMAIN");
  at(Duration::seconds(100));
  EXPECT_TRUE(datagram(packet).empty());
  EXPECT_EQ(pump(), 1U);
}

TEST_F(WorkerUpdate, SeveralArePublishedTogether) {
  admit_all();
  begin();
  for (int i = 0; i < 5; ++i) {
    text.id = static_cast<u16>(i);
    EXPECT_TRUE(datagram(text.message({"! n" + std::to_string(i) + " 60 IN A 192.0.2.9"})).empty());
  }
  const u64 before = generation_;
  EXPECT_EQ(pump(), 5U);
  EXPECT_EQ(generation_, before + 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(load_be16(late_datagram()), i);
  EXPECT_NE(ask("example. SOA").find(" 12 "), std::string::npos);
}

TEST_F(WorkerUpdate, TooManyThatWaitGetServfail) {
  admit_all();
  begin();
  for (size_t i = 0; i < max_pending_updates; ++i) {
    text.id = static_cast<u16>(i);
    const std::string client = "192.0.2." + std::to_string(10 + i / max_pending_of_client);
    ASSERT_TRUE(datagram(text.message({"! x 60 IN A 192.0.2.9"}), client).empty()) << i;
  }
  text.id = 9999;
  EXPECT_EQ(rcode_of(datagram(text.message({"! x 60 IN A 192.0.2.9"}))), "SERVFAIL");
  EXPECT_EQ(pump(), max_pending_updates);
  // Those answered make room.
  while (!late_datagram().empty()) continue;
  EXPECT_TRUE(datagram(text.message({"! x 60 IN A 192.0.2.9"})).empty());
}

TEST_F(WorkerUpdate, OneClientThatSendsWithoutEndLeavesRoomForTheUpdatesOfOthers) {
  admit_all();
  begin();
  size_t taken = 0;
  for (size_t i = 0; i < 2 * max_pending_updates; ++i) {
    text.id = static_cast<u16>(i);
    if (datagram(text.message({"! x 60 IN A 192.0.2.9"}), "192.0.2.66").empty()) ++taken;
  }
  EXPECT_EQ(taken, max_pending_of_client);
  EXPECT_TRUE(datagram(text.message({"! y 60 IN A 192.0.2.9"}), "192.0.2.1").empty());
  EXPECT_EQ(pump(), max_pending_of_client + 1);
  // What is decided counts no more.
  EXPECT_TRUE(datagram(text.message({"! z 60 IN A 192.0.2.9"}), "192.0.2.66").empty());
}

TEST_F(WorkerUpdate, ByTcpTheSessionWaitsAndKeepsTheOrder) {
  admit_all();
  begin();
  constexpr runtime::StreamId id = 2;
  ASSERT_TRUE(worker_->on_stream_open(now_, id, endpoint("192.0.2.1"), endpoint("192.0.2.53")));
  Octets both = framed(text.message({"! new 60 IN A 192.0.2.9"}));
  const Octets query = query_of("new.example. A").packet;
  const Octets second = framed(query);
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(send(id, both), both.size());
  EXPECT_TRUE(receive(id).empty());
  EXPECT_FALSE(worker_->stream_finished(id));
  EXPECT_EQ(pump(), 1U);
  const Octets answers = receive(id);
  const size_t first = load_be16(answers);
  EXPECT_EQ(rcode_of(Bytes(answers).subspan(2, first)), "NOERROR");
  EXPECT_NE(text_of_response(Bytes(answers).subspan(first + 4), query).find("192.0.2.9"), std::string::npos);
  worker_->on_stream_closed(now_, id);
}

// A client that may transfer and does not read.
class UpdateBesideATransfer : public WorkerUpdate {
 protected:
  static constexpr runtime::StreamId slow = 4;

  void begin_beside(int records) {
    big_ = "@ 300 SOA ns host 1 2 3 4 5\n@ 300 NS ns\n";
    for (int i = 0; i < records; ++i)
      big_ += "n" + std::to_string(i) + " 300 TXT " + std::string(60, 'x') + std::to_string(i) + "\n";
    config_.zones.push_back({name_of("big."), {{"big", big_}}});
    config_.access.transfer.push_back({});
    admit_all();
    begin();
    ASSERT_TRUE(worker_->on_stream_open(now_, slow, endpoint("192.0.2.7"), endpoint("192.0.2.53")));
    send(slow, framed(query_of("big. AXFR").packet));
    ASSERT_FALSE(worker_->stream_output(slow).empty());
  }
  std::string change(const std::string& zone, u32 number) {
    text.zone = zone;
    text.id = static_cast<u16>(number);
    const std::string owner = "x" + std::to_string(number % 7);
    return update({"! " + owner + " 0 ANY A", "! " + owner + " 60 IN A 192.0.2." + std::to_string(number % 200)});
  }

  std::string big_;
};

TEST_F(UpdateBesideATransfer, of_another_zone_finds_room_however_slow_the_transfer_is) {
  begin_beside(1500);
  for (u32 i = 0; i < 3000; ++i) ASSERT_EQ(change("example.", i), "NOERROR") << i;
  EXPECT_FALSE(worker_->poll_stream_abort().has_value()) << "nor is it ended for that";
  EXPECT_FALSE(receive(slow).empty());
}

TEST_F(WorkerUpdate, AConnectionThatIsGoneGetsNothing) {
  admit_all();
  begin();
  constexpr runtime::StreamId id = 2;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(worker_->on_stream_open(now_, id, endpoint("192.0.2.1"), endpoint("192.0.2.53")));
    send(id, framed(text.message({"! n" + std::to_string(i) + " 60 IN A 192.0.2.9"})));
    worker_->on_stream_closed(now_, id);
  }
  ASSERT_TRUE(worker_->on_stream_open(now_, id, endpoint("192.0.2.1"), endpoint("192.0.2.53")));
  EXPECT_EQ(pump(), 2U);
  EXPECT_TRUE(receive(id).empty());
  EXPECT_NE(ask("n1.example. A").find("192.0.2.9"), std::string::npos);
}

TEST_F(WorkerUpdate, SignedUpdatesHaveSignedAnswersAndTheirKeysRights) {
  config_.keys.push_back({name_of("host.example."), KeyAlgorithm::hmac_sha256, "0123456789abcdef"});
  UpdateRule& rule = config_.update_rules.emplace_back();
  rule.key = u16{0};
  rule.match = UpdateNames::self;
  begin();
  const dns::TsigKey key{.name = name_of("host.example."),
                         .algorithm = dns::TsigAlgorithm::hmac_sha256,
                         .secret = crypto::SecretBytes(octets_of("30313233343536373839616263646566"))};
  const auto exchange = [&](const Lines& lines) {
    ++text.id;
    Octets packet = text.message(lines);
    const size_t size = packet.size();
    packet.resize(size + 512);
    ByteWriter out(packet, size);
    dns::TsigClient client(key);
    client.sign_request(out, UnixTime{epoch_ + 1});
    packet.resize(out.size());
    EXPECT_TRUE(datagram(packet).empty());
    EXPECT_EQ(pump(), 1U);
    const Octets answer = late_datagram();
    const auto read = dns::read_response(answer);
    EXPECT_TRUE(read.ok() && read.value().tsig_at.has_value());
    if (read.ok()) EXPECT_TRUE(client.on_response(answer, read.value().tsig_at, UnixTime{epoch_ + 1}).ok());
    return rcode_of(answer);
  };
  EXPECT_EQ(exchange({"! host 60 IN A 192.0.2.9"}), "NOERROR");
  EXPECT_EQ(exchange({"! www 60 IN A 192.0.2.9"}), "REFUSED");
  EXPECT_EQ(update({"! host 60 IN A 192.0.2.9"}), "REFUSED");  // unsigned
}

// RFC 8945 section 5.2.3: whoever has heard it could have it applied again, from anywhere.
TEST_F(WorkerUpdate, a_signed_update_is_taken_once) {
  config_.keys.push_back({name_of("host.example."), KeyAlgorithm::hmac_sha256, "0123456789abcdef"});
  UpdateRule& rule = config_.update_rules.emplace_back();
  rule.key = u16{0};
  begin();
  const dns::TsigKey key{.name = name_of("host.example."),
                         .algorithm = dns::TsigAlgorithm::hmac_sha256,
                         .secret = crypto::SecretBytes(octets_of("30313233343536373839616263646566"))};
  const Octets add = signed_message({"! host 60 IN A 192.0.2.9"}, key, epoch_ + 1);
  EXPECT_TRUE(datagram(add).empty());
  EXPECT_EQ(rcode_of_late(), "NOERROR");
  EXPECT_TRUE(datagram(signed_message({"! host 0 ANY A"}, key, epoch_ + 1)).empty());
  EXPECT_EQ(rcode_of_late(), "NOERROR");
  EXPECT_TRUE(datagram(add, "198.51.100.1").empty());
  EXPECT_EQ(rcode_of_late(), "REFUSED");
  Octets renamed = add;
  renamed[0] ^= 0x55;  // the id is not signed, only the original one
  EXPECT_TRUE(datagram(renamed).empty());
  EXPECT_EQ(rcode_of_late(), "REFUSED");
  EXPECT_EQ(ask("host.example. A").substr(0, 8), "NXDOMAIN");
  EXPECT_TRUE(datagram(signed_message({"! host 60 IN A 192.0.2.9"}, key, epoch_ + 1)).empty());
  EXPECT_EQ(rcode_of_late(), "NOERROR") << "another one with the same time and content";
}

TEST_F(WorkerUpdate, ZonesMayHaveAListOfTheirOwn) {
  config_.zones[0].overrides.update = AccessList{AccessRule{IpPrefix::parse("198.51.100.0/24"), std::nullopt}};
  admit_all();
  begin();
  EXPECT_EQ(update({"! x 60 IN A 192.0.2.9"}), "REFUSED");
  EXPECT_EQ(update_by_tcp({"! x 60 IN A 192.0.2.9"}, "198.51.100.1"), "NOERROR");
}

TEST_F(WorkerUpdate, NotifyOfAPrimaryIsRefusedOrAcknowledged) {
  config_.access.notify.push_back({IpPrefix::parse("192.0.2.0/24"), std::nullopt});
  begin();
  EXPECT_EQ(ask("example. SOA opcode=4").substr(0, 7), "NOERROR");
  EXPECT_EQ(ask("example. SOA opcode=4", "198.51.100.1").substr(0, 7), "REFUSED");
  EXPECT_EQ(ask("other. SOA opcode=4").substr(0, 7), "NOTAUTH");
  EXPECT_EQ(ask("example. CDS opcode=4").substr(0, 6), "NOTIMP");
}

// ---- reload ---------------------------------------------------------------------------------------------------------

class ReloadAfterUpdate : public WorkerUpdate {
 protected:
  ReloadAfterUpdate() {
    admit_all();
    begin();
    EXPECT_EQ(update({"! new 60 IN A 192.0.2.9"}), "NOERROR");  // serial 8
  }
  std::string reload(std::string_view serial) {
    file_ = std::string(zone_text);
    file_.replace(file_.find(" 7 "), 3, " " + std::string(serial) + " ");
    config_.zones[0].files[0].text = file_;
    lines_.clear();
    LoadReport report(
        [](void* lines, Level level, std::string_view line) {
          *static_cast<std::string*>(lines) += std::string(level_name(level)) + " " + std::string(line) + "\n";
        },
        &lines_);
    const auto set = loader_.load(config_, UnixTime{}, report);
    EXPECT_TRUE(set.has_value());
    loader_.published(++generation_);
    worker_->use_zones(set->root(), generation_);
    return ask("new.example. A").find("192.0.2.9") != std::string::npos ? "kept" : "replaced";
  }
  std::string file_;
  std::string lines_;
};

TEST_F(ReloadAfterUpdate, TheFileAsItWasKeepsTheUpdates) {
  EXPECT_EQ(reload("7"), "kept");
  EXPECT_NE(lines_.find("keeps its updates (serial 8)"), std::string::npos) << lines_;
  EXPECT_EQ(lines_.find("error"), std::string::npos);
  EXPECT_TRUE(loader_.take_changed().empty());
}

TEST_F(ReloadAfterUpdate, AFileThatIsNotNewerIsAnErrorThatSaysWhatToDo) {
  EXPECT_EQ(reload("8"), "kept");
  EXPECT_NE(lines_.find("error zone example.: not loaded: serial 8 of the file is not above serial 8"), std::string::npos)
      << lines_;
  EXPECT_EQ(reload("6"), "kept");
}

TEST_F(ReloadAfterUpdate, ANewerFileReplacesTheZone) {
  EXPECT_EQ(reload("9"), "replaced");
  EXPECT_EQ(loader_.take_changed().size(), 1U);
  // From here on it is the file's again.
  EXPECT_EQ(reload("8"), "replaced");
}

// ---- NOTIFY ---------------------------------------------------------------------------------------------------------

TEST_F(WorkerUpdate, TheAgentTellsOfStartAndOfChanges) {
  admit_all();
  config_.notify.push_back({*Endpoint::parse("198.51.100.9:53"), std::nullopt});
  begin();
  // The agent is a worker made as one.
  const auto set = loader_.next_set();
  worker_.emplace(config_, ServerCookies::Secret{1}, std::array<u8, crypto::Drbg::seed_size>{1}, region_, streams, true);
  worker_->use_zones(set->root(), ++generation_);
  at(Duration::seconds(1));
  EXPECT_LE(worker_->next_deadline(), now_);
  const auto notify = [&](Duration when) {
    at(when);
    const Octets message = late_datagram();
    EXPECT_EQ(sent_to_, *Endpoint::parse("198.51.100.9:53"));
    EXPECT_FALSE(sent_from_.has_value());
    EXPECT_GE(message.size(), 20U);
    if (message.size() < 20) return u32{0};
    Octets answer(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(dns::header_size + 9 + 4));
    answer[2] |= 0x80;
    answer[7] = 0;
    worker_->on_client_datagram(now_, sent_to_, answer);
    return load_be32(Bytes(message).last(20));
  };
  EXPECT_TRUE(late_datagram().empty());  // a moment later, not to burst with many zones
  EXPECT_EQ(notify(Duration::seconds(2)), 7U);
  EXPECT_TRUE(datagram(text.message({"! new 60 IN A 192.0.2.9"})).empty());
  pump();
  EXPECT_EQ(rcode_of(late_datagram()), "NOERROR");
  EXPECT_EQ(notify(Duration::seconds(2)), 8U);
  at(Duration::seconds(100));
  EXPECT_TRUE(late_datagram().empty());
}

}  // namespace
}  // namespace samara::server
