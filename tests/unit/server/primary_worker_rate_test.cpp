// Response rate limiting as a client and a victim of forged queries see it.
#include "worker_fixture.h"

namespace samara::server {
namespace {

class PrimaryWorkerRate : public WorkerTest {
 protected:
  PrimaryWorkerRate() {
    config_.rate_limit = RateLimit{.responses_per_second = 3,
                                   .slip = 2,
                                   .window_seconds = 2,
                                   .prefix_ipv4 = 24,
                                   .prefix_ipv6 = 56,
                                   .table_size = 1024,
                                   .exempt = {}};
    config_.identity = {.server_id = "node-7", .version = "", .nsid = "n7"};
  }
  // One letter for each query: A answered, T sent to TCP without records, - dropped.
  std::string outcome(const std::string& line, std::string_view from = "192.0.2.1") {
    const std::string answer = ask(line, from);
    if (answer == "no response\n") return "-";
    return answer.substr(0, answer.find('\n')).find(" tc") != std::string::npos ? "T" : "A";
  }
  std::string outcomes(const std::string& line, int times, std::string_view from = "192.0.2.1") {
    std::string all;
    for (int i = 0; i < times; ++i) all += outcome(line, from);
    return all;
  }
};

TEST_F(PrimaryWorkerRate, answers_a_second_s_worth_then_drops_and_slips_in_turn) {
  start();
  EXPECT_EQ(outcomes("www.example. A", 9), "AAA-T-T-T");
}

TEST_F(PrimaryWorkerRate, sends_truncated_answers_without_records_that_are_no_longer_than_need_be) {
  start();
  outcomes("www.example. A", 4);
  EXPECT_EQ(ask("www.example. A rd do nsid"), "NOERROR tc rd opt=1232,do\n");
}

TEST_F(PrimaryWorkerRate, comes_back_as_time_goes_by) {
  start();
  EXPECT_EQ(outcomes("www.example. A", 4), "AAA-");
  at(Duration::milliseconds(1'100));
  EXPECT_EQ(outcome("www.example. A"), "T");  // a debt of one, three tenths earned, one more spent
  at(Duration::seconds(10));
  EXPECT_EQ(outcomes("www.example. A", 4), "AAA-");
}

TEST_F(PrimaryWorkerRate, never_owes_more_than_the_window) {
  start();
  outcomes("www.example. A", 1'000);
  at(Duration::milliseconds(1'000 + 2'000 + 400));  // two seconds of debt, and one response more
  EXPECT_EQ(outcome("www.example. A"), "A");
}

TEST_F(PrimaryWorkerRate, counts_each_name_and_each_prefix_for_itself) {
  start();
  EXPECT_EQ(outcomes("www.example. A", 4), "AAA-");
  EXPECT_EQ(outcomes("mail.example. A", 4), "AAA-");
  EXPECT_EQ(outcome("www.example. A", "192.0.2.254"), "T");
  EXPECT_EQ(outcome("www.example. A", "192.0.3.1"), "A");
  EXPECT_EQ(outcome("www.example. A", "2001:db8::1"), "A");
}

TEST_F(PrimaryWorkerRate, counts_names_that_somebody_makes_up_together) {
  start();
  std::string denied;
  std::string made_up;
  std::string referred;
  for (int i = 0; i < 5; ++i) {
    denied += outcome("x" + std::to_string(i) + ".example. A");
    made_up += outcome("x" + std::to_string(i) + ".wild.example. TXT");
    referred += outcome("x" + std::to_string(i) + ".cut.example. A");
  }
  EXPECT_EQ(denied, "AAA-T");
  EXPECT_EQ(made_up, "AAA-T");
  EXPECT_EQ(referred, "AAA-T");
}

TEST_F(PrimaryWorkerRate, counts_all_errors_together) {
  start();
  std::string all;
  for (const char* line :
       {"a.test. A", "www.example. A opcode=2", "www.example. A version=1", "b.test. A", "version.bind. TXT class=CH",
        "www.example. AXFR", "www.example. TSIG", "www.example. A cookie=00"}) {
    all += outcome(line);
  }
  EXPECT_EQ(all, "AAA-T-T-");
  EXPECT_EQ(outcome("www.example. A"), "A");  // data is another account
}

TEST_F(PrimaryWorkerRate, counts_what_the_access_list_refuses) {
  config_.access.query = {{IpPrefix::parse("198.51.100.0/24"), std::nullopt}};
  start();
  std::string all;
  for (int i = 0; i < 6; ++i) all += outcome("x" + std::to_string(i) + ".example. A");
  EXPECT_EQ(all, "AAA-T-");
}

TEST_F(PrimaryWorkerRate, counts_questions_that_cannot_be_read) {
  start();
  std::string all;
  for (int i = 0; i < 5; ++i) {
    Octets packet(12, 0);
    packet[0] = static_cast<u8>(i);
    const Octets answer = datagram(packet);
    all += answer.empty() ? "-" : (load_be16(answer, 2) & 0x0200) != 0 ? "T" : "A";
  }
  EXPECT_EQ(all, "AAA-T");
}

TEST_F(PrimaryWorkerRate, counts_badcookie_and_what_sends_clients_without_cookie_to_tcp) {
  config_.cookies.required = true;
  start();
  EXPECT_EQ(outcomes("www.example. A cookie=0102030405060708", 5), "AAA-T");
  // TC is what they get anyway, whatever they ask; some of it goes missing.
  std::string all;
  for (int i = 0; i < 5; ++i) all += outcome("x" + std::to_string(i) + ".example. A", "203.0.113.1");
  EXPECT_EQ(all, "TTT-T");
}

TEST_F(PrimaryWorkerRate, leaves_clients_with_a_good_cookie_alone) {
  start();
  const std::string first = ask("www.example. A cookie=0102030405060708");
  const std::string cookie = first.substr(first.find("cookie=") + 7, 48);
  EXPECT_EQ(outcomes("www.example. A", 4), "AA-T");
  EXPECT_EQ(outcomes("www.example. A cookie=" + cookie, 50), std::string(50, 'A'));
  // One that is another's, or too old, is none.
  EXPECT_EQ(outcomes("www.example. A cookie=" + cookie, 5, "198.51.100.1"), "AAA-T");
}

TEST_F(PrimaryWorkerRate, leaves_tcp_and_exempt_clients_alone) {
  config_.rate_limit->exempt = {*IpPrefix::parse("203.0.113.0/24")};
  start();
  EXPECT_EQ(outcomes("www.example. A", 20, "203.0.113.9"), std::string(20, 'A'));
  EXPECT_EQ(outcomes("www.example. A", 5), "AAA-T");
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ask_by_tcp("www.example. A"), "NOERROR aa opt=1232\n" + std::string(www_answer));
  }
}

}  // namespace
}  // namespace samara::server
