// Queries over TCP to a worker (RFC 1035 section 4.2.2, RFC 7766, RFC 9210), as its loop drives it.
#include "worker_fixture.h"

namespace samara::server {
namespace {

constexpr std::string_view client = "192.0.2.1";

class PrimaryWorkerStream : public WorkerTest {
 protected:
  PrimaryWorkerStream() {
    config_.limits.tcp_idle_seconds = 10;
    config_.limits.tcp_clients_per_prefix = 2;
  }
  bool open(runtime::StreamId id, std::string_view from = client) {
    return worker_->on_stream_open(now_, id, endpoint(from), endpoint("192.0.2.53"));
  }
  static Octets query(const std::string& line, u16 id) {
    Octets packet = query_of(line).packet;
    store_be16(packet, 0, id);
    return packet;
  }
  // The ids of the messages in a stream of answers, in order.
  static std::string ids(const Octets& answers) {
    std::string all;
    ByteReader at(answers);
    while (!at.at_end()) {
      const Bytes message = at.bytes(at.u16().value()).value();
      all += std::to_string(load_be16(message)) + " ";
    }
    return all;
  }
  // The streams that are to be dropped now.
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
};

TEST_F(PrimaryWorkerStream, answers_pipelined_queries_in_order) {
  start();
  ASSERT_TRUE(open(0));
  Octets sent;
  for (u16 id = 1; id <= 20; ++id) {
    const Octets one = framed(query(id % 3 == 0 ? "example. TXT" : id % 3 == 1 ? "www.example. A" : "no.example. A", id));
    sent.insert(sent.end(), one.begin(), one.end());
  }
  Octets received;
  for (size_t done = 0; done < sent.size();) {  // it may take no more until its answers are taken
    done += send(0, Bytes(sent).subspan(done));
    const Octets some = receive(0);
    ASSERT_FALSE(some.empty());
    received.insert(received.end(), some.begin(), some.end());
  }
  EXPECT_EQ(ids(received), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ");
}

TEST_F(PrimaryWorkerStream, answers_a_query_that_comes_octet_by_octet) {
  start();
  ASSERT_TRUE(open(0));
  const Octets sent = framed(query("www.example. A", 7));
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_TRUE(worker_->stream_output(0).empty());
    ASSERT_EQ(send(0, Bytes(sent).subspan(i, 1)), 1U);
  }
  EXPECT_EQ(ids(receive(0)), "7 ");
}

TEST_F(PrimaryWorkerStream, gives_answers_in_pieces_as_the_client_takes_them) {
  start();
  ASSERT_TRUE(open(0));
  send(0, framed(query("example. TXT", 7)));
  Octets received;
  while (!worker_->stream_output(0).empty()) {
    received.push_back(worker_->stream_output(0).front());
    worker_->on_stream_output_sent(now_, 0, 1);
  }
  EXPECT_GT(received.size(), 600U);
  EXPECT_EQ(ids(received), "7 ");
}

TEST_F(PrimaryWorkerStream, takes_no_more_while_an_answer_waits) {
  start();
  ASSERT_TRUE(open(0));
  const Octets one = framed(query("www.example. A", 7));
  size_t taken = 0;
  for (int i = 0; i < 10'000; ++i) {
    const size_t now = send(0, one);
    taken += now;
    if (now < one.size()) break;
  }
  EXPECT_LT(taken, 70'000U);
  EXPECT_TRUE(worker_->stream_input_space(0).empty());
  EXPECT_EQ(aborted(), Ids());
}

TEST_F(PrimaryWorkerStream, does_not_answer_responses_and_goes_on) {
  start();
  ASSERT_TRUE(open(0));
  Octets response = query("www.example. A", 1);
  response[2] |= 0x80;
  send(0, framed(response));
  send(0, framed({}));
  send(0, framed(query("www.example. A", 2)));
  EXPECT_EQ(ids(receive(0)), "2 ");
}

TEST_F(PrimaryWorkerStream, answers_what_it_cannot_read_and_goes_on) {
  start();
  ASSERT_TRUE(open(0));
  Octets long_garbage(65'535, 0x55);
  long_garbage[2] = 0;
  send(0, framed(long_garbage));
  Octets received = receive(0);
  ASSERT_EQ(received.size(), 2U + 12U);
  EXPECT_EQ(load_be16(received, 4) & 0x800f, 0x8001);  // FORMERR
  send(0, framed(query("www.example. A", 2)));
  EXPECT_EQ(ids(receive(0)), "2 ");
}

TEST_F(PrimaryWorkerStream, finishes_when_the_client_has_and_all_is_answered) {
  start();
  ASSERT_TRUE(open(0));
  send(0, framed(query("www.example. A", 1)));
  send(0, framed(query("www.example. A", 2)));
  worker_->on_stream_end(now_, 0);
  EXPECT_FALSE(worker_->stream_finished(0));
  EXPECT_EQ(ids(receive(0)), "1 2 ");
  EXPECT_TRUE(worker_->stream_finished(0));
}

TEST_F(PrimaryWorkerStream, tells_its_timeout_to_who_asks) {
  start();
  // RFC 7828 section 3.1: in units of 100 ms.
  EXPECT_EQ(ask_by_tcp("www.example. A keepalive"), "NOERROR aa opt=1232 keepalive=100\n" + std::string(www_answer));
  EXPECT_EQ(ask("www.example. A keepalive"), "NOERROR aa opt=1232\n" + std::string(www_answer));  // not by UDP
}

TEST_F(PrimaryWorkerStream, drops_a_connection_that_asks_nothing) {
  start();
  EXPECT_EQ(worker_->next_deadline(), Instant::never());
  ASSERT_TRUE(open(3));
  at(Duration::milliseconds(1'000 + 9'990));
  EXPECT_EQ(aborted(), Ids());
  EXPECT_LE(worker_->next_deadline(), now_ + Duration::seconds(1));
  at(Duration::milliseconds(1'000 + 10'500));
  EXPECT_EQ(aborted(), Ids{3});
  EXPECT_EQ(worker_->next_deadline(), Instant::never());
  EXPECT_TRUE(open(3));
}

TEST_F(PrimaryWorkerStream, drops_a_client_that_sends_an_octet_a_second) {
  start();
  ASSERT_TRUE(open(0));
  const Octets sent = framed(query("www.example. A", 7));
  i64 second = 1;
  for (; second < 60; ++second) {
    at(Duration::seconds(second));
    if (!aborted().empty()) break;
    send(0, Bytes(sent).subspan(static_cast<size_t>(second), 1));
  }
  EXPECT_GE(second, 10);
  EXPECT_LE(second, 13);
}

TEST_F(PrimaryWorkerStream, keeps_a_connection_that_asks_now_and_then) {
  start();
  ASSERT_TRUE(open(0));
  for (u16 i = 1; i < 20; ++i) {
    at(Duration::seconds(i * 9));
    EXPECT_EQ(aborted(), Ids());
    send(0, framed(query("www.example. A", i)));
    EXPECT_EQ(ids(receive(0)), std::to_string(i) + " ");
  }
}

TEST_F(PrimaryWorkerStream, drops_a_client_that_does_not_take_its_answer) {
  start();
  ASSERT_TRUE(open(0));
  send(0, framed(query("example. TXT", 7)));
  at(Duration::seconds(1 + 9));
  EXPECT_EQ(aborted(), Ids());
  at(Duration::seconds(1 + 31));
  EXPECT_EQ(aborted(), Ids{0});
}

TEST_F(PrimaryWorkerStream, gives_one_client_only_so_many_connections) {
  start();
  EXPECT_TRUE(open(0));
  EXPECT_TRUE(open(1));
  EXPECT_FALSE(open(2));
  EXPECT_TRUE(open(2, "192.0.2.2"));
  worker_->on_stream_closed(now_, 0);
  EXPECT_TRUE(open(0));
}

TEST_F(PrimaryWorkerStream, ends_a_connection_after_its_last_query) {
  config_.limits.tcp_queries_per_connection = 2;
  start();
  ASSERT_TRUE(open(0));
  for (u16 id = 1; id <= 3; ++id) send(0, framed(query("www.example. A", id)));
  EXPECT_EQ(ids(receive(0)), "1 2 ");
  EXPECT_TRUE(worker_->stream_finished(0));
  EXPECT_TRUE(worker_->stream_input_space(0).empty());
}

}  // namespace
}  // namespace samara::server
