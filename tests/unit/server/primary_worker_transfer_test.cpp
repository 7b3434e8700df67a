// Transfers out of a worker, as its loop sees them: who gets one, how it shares a connection with other queries, and how long
// it may go on.
#include "dns-core/tsig/client.h"
#include "transfer_messages.h"
#include "worker_fixture.h"

namespace samara::server {
namespace {

constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view client = "192.0.2.1";

class PrimaryWorkerTransfer : public WorkerTest {
 protected:
  PrimaryWorkerTransfer() : big_text_(zone_text) {
    for (int i = 0; i < 3'000; ++i) big_text_ += "host-" + std::to_string(i) + " A 192.0.2.1\n";
    config_.zones[0].files[0].text = big_text_;
    config_.access.transfer = {AccessRule{}};
    config_.limits.tcp_clients_per_prefix = streams;
  }
  zone::Zone zone() {
    std::optional<zone::Zone> found;
    zone::ZoneSet(zone::MemoryView(region_), root_).for_each_zone([&](const zone::Zone& one) { found = one; });
    return *found;
  }
  void start() {
    WorkerTest::start();
    LoadReport report([](void*, Level, std::string_view) {}, nullptr);
    root_ = loader_.load(config_, UnixTime{}, report)->root();
    worker_->use_zones(root_, 5);
  }
  bool open(runtime::StreamId id, std::string_view from = client) {
    return worker_->on_stream_open(now_, id, endpoint(from), endpoint("192.0.2.53"));
  }
  static Octets axfr() { return query_of("example. AXFR").packet; }
  // Takes at most `most` octets of what is ready, in pieces; how many there were.
  size_t take(runtime::StreamId id, size_t most, size_t piece, Octets& into) {
    size_t taken = 0;
    while (taken < most) {
      const Bytes output = worker_->stream_output(id);
      const size_t count = std::min({output.size(), piece, most - taken});
      if (count == 0) break;
      into.insert(into.end(), output.begin(), output.begin() + static_cast<std::ptrdiff_t>(count));
      worker_->on_stream_output_sent(now_, id, count);
      taken += count;
    }
    return taken;
  }
  static std::vector<Octets> messages_in(const Octets& received) {
    std::vector<Octets> all;
    ByteReader at(received);
    while (!at.at_end()) {
      const Bytes message = at.bytes(at.u16().value()).value();
      all.emplace_back(message.begin(), message.end());
    }
    return all;
  }
  static std::vector<std::string> records_in(const Octets& received, const Octets& request) {
    std::vector<std::string> records;
    for (const Octets& message : messages_in(received)) {
      const TransferMessage read = read_message(message, request);
      records.insert(records.end(), read.records.begin(), read.records.end());
    }
    return records;
  }
  // The whole answer to one request on a new connection.
  Octets ask_for(const Octets& request, runtime::StreamId id = 0, std::string_view from = client) {
    EXPECT_TRUE(open(id, from));
    send(id, framed(request));
    Octets received;
    take(id, SIZE_MAX, SIZE_MAX, received);
    worker_->on_stream_closed(now_, id);
    return received;
  }
  std::vector<runtime::StreamId> aborted() {
    if (now_ >= worker_->next_deadline()) worker_->on_deadline(now_);
    std::vector<runtime::StreamId> all;
    for (auto id = worker_->poll_stream_abort(); id.has_value(); id = worker_->poll_stream_abort()) {
      all.push_back(*id);
      worker_->on_stream_closed(now_, *id);
    }
    return all;
  }
  using Ids = std::vector<runtime::StreamId>;

  std::string big_text_;
  zone::Ref root_ = 0;
};

TEST_F(PrimaryWorkerTransfer, is_for_whom_the_zone_itself_names) {
  config_.zones[0].overrides.transfer = AccessList{AccessRule{.from = IpPrefix::parse("192.0.2.0/24"), .key = {}}};
  start();
  EXPECT_EQ(ask_by_tcp("example. AXFR", "198.51.100.1"), "REFUSED opt=1232 ede=18\n");
  expect_whole(zone(), records_in(ask_for(axfr()), axfr()));
}

TEST_F(PrimaryWorkerTransfer, is_refused_to_everybody_by_default) {
  config_.access.transfer = {};
  start();
  EXPECT_EQ(ask_by_tcp("example. AXFR"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(ask_by_tcp("example. IXFR"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(ask("example. AXFR"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(ask("example. IXFR"), "REFUSED opt=1232 ede=18\n");
}

TEST_F(PrimaryWorkerTransfer, is_given_by_its_own_access_list_and_not_by_that_of_queries) {
  config_.access.transfer = {{IpPrefix::parse("192.0.2.0/24"), std::nullopt}};
  config_.access.query = {};
  start();
  expect_whole(zone(), records_in(ask_for(axfr()), axfr()));
  EXPECT_EQ(ask_by_tcp("example. AXFR", "198.51.100.1"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(ask_by_tcp("example. SOA"), "REFUSED opt=1232 ede=18\n");
}

TEST_F(PrimaryWorkerTransfer, of_a_name_that_is_no_zone_is_not_ours_to_give) {
  start();
  EXPECT_EQ(ask_by_tcp("www.example. AXFR"), "NOTAUTH opt=1232 ede=20\n");
  EXPECT_EQ(ask_by_tcp("test. IXFR"), "NOTAUTH opt=1232 ede=20\n");
  EXPECT_EQ(ask("test. A"), "REFUSED opt=1232 ede=20\n");
  EXPECT_EQ(ask("example. AXFR"), "FORMERR opt=1232 ede=21\n");  // by UDP
}

TEST_F(PrimaryWorkerTransfer, goes_through_a_window_of_one_octet) {
  start();
  ASSERT_TRUE(open(0));
  send(0, framed(axfr()));
  Octets received;
  take(0, SIZE_MAX, 1, received);
  EXPECT_GT(messages_in(received).size(), 3U);
  expect_whole(zone(), records_in(received, axfr()));
}

TEST_F(PrimaryWorkerTransfer, tells_the_expiry_to_who_asks) {
  start();
  const Octets first = messages_in(ask_for(query_of("example. AXFR expire").packet)).front();
  const std::string option("\x00\x09\x00\x04\x00\x12\x75\x00", 8);  // RFC 7314 section 2: 1209600
  EXPECT_NE(std::string(first.begin(), first.end()).find(option), std::string::npos);
}

TEST_F(PrimaryWorkerTransfer, keeps_the_order_of_answers_on_its_connection) {
  start();
  ASSERT_TRUE(open(0));
  Octets sent;
  const auto ask_more = [&](const std::string& line, u16 id) {
    Octets packet = query_of(line).packet;
    store_be16(packet, 0, id);
    const Octets one = framed(packet);
    sent.insert(sent.end(), one.begin(), one.end());
  };
  ask_more("www.example. A", 1);
  ask_more("example. AXFR", 2);
  ask_more("www.example. A", 3);
  ask_more("example. AXFR", 4);
  ask_more("mail.example. A", 5);
  Octets received;
  for (size_t done = 0; done < sent.size() || !worker_->stream_output(0).empty();) {
    done += send(0, Bytes(sent).subspan(done));
    ASSERT_NE(take(0, 5'000, 700, received), 0U);
  }
  std::vector<u16> ids;
  for (const Octets& message : messages_in(received)) {
    if (ids.empty() || ids.back() != load_be16(message)) ids.push_back(load_be16(message));
  }
  EXPECT_EQ(ids, (std::vector<u16>{1, 2, 3, 4, 5}));
  EXPECT_EQ(worker_->oldest_generation(), 5U);
}

TEST_F(PrimaryWorkerTransfer, finishes_after_a_client_that_has_closed_its_side) {
  start();
  ASSERT_TRUE(open(0));
  send(0, framed(axfr()));
  worker_->on_stream_end(now_, 0);
  Octets received;
  while (take(0, 1'000, 1'000, received) != 0) {
    if (!worker_->stream_output(0).empty()) EXPECT_FALSE(worker_->stream_finished(0));
  }
  EXPECT_TRUE(worker_->stream_finished(0));
  expect_whole(zone(), records_in(received, axfr()));
}

// ---- by UDP -----------------------------------------------------------------------------------------------------------------

TEST_F(PrimaryWorkerTransfer, by_udp_is_whole_where_it_fits_and_else_the_soa) {
  start();
  Octets request = ixfr_of("example.", 6);
  EXPECT_EQ(read_message(datagram(request), request).records, std::vector<std::string>{soa_line(zone())});
  request = ixfr_of("example.", 7);
  EXPECT_EQ(read_message(datagram(request), request).records, std::vector<std::string>{soa_line(zone())});
  config_.zones[0].files[0].text = "$TTL 300\n@ SOA ns host 7 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n";
  start();
  request = ixfr_of("example.", 6);
  expect_whole(zone(), read_message(datagram(request), request).records);
}

// ---- signed -----------------------------------------------------------------------------------------------------------------

struct Algorithm {
  KeyAlgorithm config;
  dns::TsigAlgorithm tsig;
};

TEST_F(PrimaryWorkerTransfer, signs_every_message_with_any_algorithm) {
  for (const Algorithm algorithm : {Algorithm{KeyAlgorithm::hmac_sha1, dns::TsigAlgorithm::hmac_sha1},
                                    Algorithm{KeyAlgorithm::hmac_sha224, dns::TsigAlgorithm::hmac_sha224},
                                    Algorithm{KeyAlgorithm::hmac_sha256, dns::TsigAlgorithm::hmac_sha256},
                                    Algorithm{KeyAlgorithm::hmac_sha384, dns::TsigAlgorithm::hmac_sha384},
                                    Algorithm{KeyAlgorithm::hmac_sha512, dns::TsigAlgorithm::hmac_sha512}}) {
    config_.keys = {{name_of("a-key."), algorithm.config, secret}};
    config_.access.transfer = {{std::nullopt, u16{0}}};
    start();
    EXPECT_EQ(ask_by_tcp("example. AXFR"), "REFUSED opt=1232 ede=18\n");
    dns::TsigKey key{.name = name_of("a-key."),
                     .algorithm = algorithm.tsig,
                     .secret = crypto::SecretBytes(Octets(secret.begin(), secret.end()))};
    dns::TsigClient tsig(key);
    Octets request = axfr();
    const size_t unsigned_size = request.size();
    request.resize(2'000);
    ByteWriter out(request, unsigned_size);
    const UnixTime wall{epoch_ + now_.since_boot().seconds()};
    tsig.sign_request(out, wall);
    request.resize(out.size());
    const Octets received = ask_for(request);
    std::vector<std::string> records;
    const std::vector<Octets> messages = messages_in(received);
    EXPECT_GT(messages.size(), 3U);
    for (const Octets& message : messages) {
      const TransferMessage read = read_message(message, request);
      EXPECT_LE(message.size(), TransferOut::message_size);
      EXPECT_TRUE(read.tsig_at.has_value());
      EXPECT_TRUE(tsig.on_response(message, read.tsig_at, wall).ok());
      records.insert(records.end(), read.records.begin(), read.records.end());
    }
    EXPECT_TRUE(tsig.last_was_signed());
    expect_whole(zone(), records);
  }
}

// ---- limits -----------------------------------------------------------------------------------------------------------------

TEST_F(PrimaryWorkerTransfer, is_put_off_when_too_many_are_under_way) {
  config_.limits.transfers = 3;
  config_.limits.transfers_per_prefix = 2;
  start();
  for (const runtime::StreamId id : {0U, 1U, 2U}) ASSERT_TRUE(open(id, id == 2 ? "198.51.100.1" : client));
  send(0, framed(axfr()));
  send(1, framed(axfr()));
  EXPECT_EQ(ask_by_tcp("example. AXFR"), "SERVFAIL opt=1232 ede=14\n");  // two of this client's
  send(2, framed(axfr()));
  EXPECT_EQ(ask_by_tcp("example. AXFR", "198.51.100.2"), "SERVFAIL opt=1232 ede=14\n");  // three in all
  EXPECT_EQ(ask_by_tcp("www.example. A"), "NOERROR aa opt=1232\n" + std::string(www_answer));
  Octets received;
  take(0, SIZE_MAX, SIZE_MAX, received);
  expect_whole(zone(), records_in(ask_for(axfr(), 3), axfr()));
  worker_->on_stream_closed(now_, 2);  // cut in the middle
  expect_whole(zone(), records_in(ask_for(axfr(), 3, "198.51.100.2"), axfr()));
}

TEST_F(PrimaryWorkerTransfer, keeps_the_version_it_began_with) {
  start();
  const zone::Zone before = zone();
  ASSERT_TRUE(open(0));
  send(0, framed(axfr()));
  Octets received;
  take(0, 20'000, 1'000, received);
  EXPECT_EQ(worker_->oldest_generation(), 5U);
  const std::vector<std::string> expected = lines_of(before);
  config_.zones[0].files[0].text = "$TTL 300\n@ SOA ns host 8 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n";
  LoadReport report([](void*, Level, std::string_view) {}, nullptr);
  root_ = loader_.load(config_, UnixTime{}, report)->root();
  worker_->use_zones(root_, 6);
  EXPECT_EQ(worker_->oldest_generation(), 5U);
  EXPECT_EQ(records_in(ask_for(axfr(), 1), axfr()).size(), 4U);
  EXPECT_EQ(worker_->oldest_generation(), 5U);
  take(0, SIZE_MAX, 1'000, received);
  expect_whole(before, records_in(received, axfr()));
  EXPECT_EQ(lines_of(before), expected);
  EXPECT_EQ(worker_->oldest_generation(), 6U);
}

TEST_F(PrimaryWorkerTransfer, lets_go_of_its_version_when_the_client_is_gone) {
  start();
  ASSERT_TRUE(open(0));
  send(0, framed(axfr()));
  worker_->use_zones(root_, 6);
  EXPECT_EQ(worker_->oldest_generation(), 5U);
  worker_->on_stream_closed(now_, 0);
  EXPECT_EQ(worker_->oldest_generation(), 6U);
}

TEST_F(PrimaryWorkerTransfer, ends_with_a_client_that_takes_nothing) {
  start();
  ASSERT_TRUE(open(0));
  send(0, framed(axfr()));
  at(Duration::seconds(1 + 29));
  EXPECT_EQ(aborted(), Ids());
  at(Duration::seconds(1 + 31));
  EXPECT_EQ(aborted(), Ids{0});
  worker_->use_zones(root_, 6);
  EXPECT_EQ(worker_->oldest_generation(), 6U);
}

TEST_F(PrimaryWorkerTransfer, goes_on_with_a_slow_client_and_ends_with_one_that_is_slower) {
  start();
  ASSERT_TRUE(open(0));
  ASSERT_TRUE(open(1));
  send(0, framed(axfr()));
  send(1, framed(axfr()));
  Octets slow;
  Octets slower;
  i64 second = 1;
  bool dropped = false;
  for (; !worker_->stream_output(0).empty() && second < 1'000; ++second) {
    at(Duration::seconds(second));
    for (const runtime::StreamId id : aborted()) {
      EXPECT_EQ(id, 1U);
      dropped = true;
    }
    take(0, 700, 700, slow);
    if (!dropped) take(1, 300, 300, slower);
  }
  EXPECT_GT(second, 60);
  EXPECT_TRUE(dropped);
  expect_whole(zone(), records_in(slow, axfr()));
}

TEST_F(PrimaryWorkerTransfer, ends_after_two_hours_however_it_goes_on) {
  start();
  ASSERT_TRUE(open(0));
  send(0, framed(axfr()));
  at(Duration::seconds(7'202));  // no deadline was looked at meanwhile
  Octets received;
  take(0, SIZE_MAX, SIZE_MAX, received);
  EXPECT_EQ(messages_in(received).size(), 1U);
  EXPECT_EQ(aborted(), Ids{0});
}

}  // namespace
}  // namespace samara::server
