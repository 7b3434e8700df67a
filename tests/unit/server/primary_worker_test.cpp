// Admission, cookies, and what is not an ordinary query, by the octets that come in and go out. Expectations are from the RFCs.
#include "server/primary_worker.h"

#include "worker_fixture.h"

namespace samara::server {
namespace {

using PrimaryWorkerTest = WorkerTest;

// ---- who may ask ------------------------------------------------------------------------------------------------------

TEST_F(PrimaryWorkerTest, answers_anybody_by_default) {
  start();
  EXPECT_EQ(ask("www.example. A"), "NOERROR aa opt=1232\n" + std::string(www_answer));
  EXPECT_EQ(ask("www.example. A", "2001:db8::1"), "NOERROR aa opt=1232\n" + std::string(www_answer));
  EXPECT_EQ(ask_by_tcp("www.example. A rd"), "NOERROR aa rd opt=1232\n" + std::string(www_answer));
}

TEST_F(PrimaryWorkerTest, refuses_whom_the_access_list_does_not_name_and_says_why) {
  config_.access.query = {{IpPrefix::parse("192.0.2.0/24"), std::nullopt}, {IpPrefix::parse("2001:db8::/32"), std::nullopt}};
  start();
  EXPECT_EQ(ask("www.example. A", "192.0.2.255"), "NOERROR aa opt=1232\n" + std::string(www_answer));
  EXPECT_EQ(ask("www.example. A", "2001:db8:ffff::1"), "NOERROR aa opt=1232\n" + std::string(www_answer));
  // RFC 8914 section 4.19: 18 is "Prohibited".
  EXPECT_EQ(ask("www.example. A", "192.0.3.0"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(ask("www.example. A rd", "2001:db9::1"), "REFUSED rd opt=1232 ede=18\n");
  EXPECT_EQ(ask("www.example. A noedns", "198.51.100.1"), "REFUSED\n");  // RFC 6891 section 7: no OPT without one
  EXPECT_EQ(ask("nothing.example. A", "198.51.100.1"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(ask("id.server. TXT class=CH", "198.51.100.1"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(ask_by_tcp("www.example. A", "198.51.100.1"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(ask_by_tcp("www.example. A", "192.0.2.1"), "NOERROR aa opt=1232\n" + std::string(www_answer));
}

TEST_F(PrimaryWorkerTest, refuses_everybody_when_the_access_list_is_empty) {
  config_.access.query = {};
  start();
  EXPECT_EQ(ask("www.example. A"), "REFUSED opt=1232 ede=18\n");
}

// ---- cookies (RFC 7873, RFC 9018) -----------------------------------------------------------------------------------------

constexpr std::string_view cookie_secret = "e5e973e5a6b2a43f48e7dc849e37bfcf";  // RFC 9018 appendix A.1
constexpr i64 learned_at = 1'559'731'985;
constexpr i64 renewed_at = 1'559'734'385;
const std::string client_part = "2464c4abcf10c957";
const std::string learned = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
const std::string renewed = "2464c4abcf10c957010000005cf7a871d4a564a1442aca77";  // appendix A.2
constexpr std::string_view cookie_client = "198.51.100.100";

class PrimaryWorkerCookies : public WorkerTest {
 protected:
  PrimaryWorkerCookies() {
    CookieSecret secret{};
    std::ranges::copy(octets_of(cookie_secret), secret.begin());
    config_.cookies.current = secret;
  }
  std::string ask_with(const std::string& cookie, i64 when, std::string_view from = cookie_client) {
    at_wall(when);
    return ask("www.example. A cookie=" + cookie, from);
  }
};

TEST_F(PrimaryWorkerCookies, are_given_and_renewed_as_in_rfc9018_appendix_a) {
  start();
  EXPECT_EQ(ask_with(client_part, learned_at), "NOERROR aa opt=1232 cookie=" + learned + "\n" + std::string(www_answer));
  EXPECT_EQ(ask_with(learned, renewed_at), "NOERROR aa opt=1232 cookie=" + renewed + "\n" + std::string(www_answer));
}

TEST_F(PrimaryWorkerCookies, are_neither_asked_for_nor_sent_unasked) {
  start();
  EXPECT_EQ(ask("www.example. A"), "NOERROR aa opt=1232\n" + std::string(www_answer));
}

TEST_F(PrimaryWorkerCookies, that_are_wrong_are_replaced_and_the_answer_given_all_the_same) {
  start();
  // RFC 7873 section 5.2.4: a server that does not enforce cookies answers, with one that is good.
  const std::string good = "NOERROR aa opt=1232 cookie=" + learned + "\n" + std::string(www_answer);
  EXPECT_EQ(ask_with(client_part + "010000005cf79f111f8130c3eee29481", learned_at), good);
  EXPECT_EQ(ask_with(client_part + "020000005cf79f111f8130c3eee29480", learned_at), good);
  EXPECT_EQ(ask_with(client_part + "0000000000000000", learned_at), good);
  EXPECT_EQ(ask_with(client_part + std::string(64, '0'), learned_at), good);
}

TEST_F(PrimaryWorkerCookies, of_a_length_that_none_has_are_formerr) {
  start();
  // RFC 7873 section 5.2.2
  for (const size_t digits : {0U, 2U, 14U, 18U, 30U, 82U}) {
    EXPECT_EQ(ask_with(std::string(digits, '0'), learned_at), "FORMERR opt=1232\n") << digits;
  }
}

TEST_F(PrimaryWorkerCookies, that_are_required_but_absent_send_the_client_to_tcp) {
  config_.cookies.required = true;
  start();
  EXPECT_EQ(ask("www.example. A"), "NOERROR tc opt=1232\n");
  EXPECT_EQ(ask("www.example. A noedns rd"), "NOERROR tc rd\n");
  EXPECT_EQ(ask_by_tcp("www.example. A"), "NOERROR aa opt=1232\n" + std::string(www_answer));
  EXPECT_EQ(ask_by_tcp("www.example. A noedns"), "NOERROR aa\n" + std::string(www_answer));
}

TEST_F(PrimaryWorkerCookies, that_are_required_but_not_good_are_badcookie_with_one_to_use) {
  config_.cookies.required = true;
  start();
  // RFC 7873 section 5.2.3: only the client's part; 5.2.4: a bad one.
  EXPECT_EQ(ask_with(client_part, learned_at), "BADCOOKIE opt=1232 cookie=" + learned + "\n");
  EXPECT_EQ(ask_with(client_part + "010000005cf79f111f8130c3eee29481", learned_at),
            "BADCOOKIE opt=1232 cookie=" + learned + "\n");
  EXPECT_EQ(ask_with(learned, learned_at), "NOERROR aa opt=1232 cookie=" + learned + "\n" + std::string(www_answer));
  // Another client's
  EXPECT_EQ(ask_with(learned, learned_at, "198.51.100.101").substr(0, 23), "BADCOOKIE opt=1232 cook");
  // By TCP the address is proven (RFC 7873 section 5.2.3): no need for it.
  at_wall(learned_at);
  EXPECT_EQ(ask_by_tcp("www.example. A cookie=" + client_part, cookie_client),
            "NOERROR aa opt=1232 cookie=" + learned + "\n" + std::string(www_answer));
}

TEST_F(PrimaryWorkerCookies, are_stale_after_an_hour_and_not_good_more_than_five_minutes_ahead) {
  config_.cookies.required = true;
  start();
  // RFC 9018 section 4.3
  const auto is_good = [&](i64 when) { return ask_with(learned, when).starts_with("NOERROR aa"); };
  EXPECT_TRUE(is_good(learned_at + 3'599));
  EXPECT_FALSE(is_good(learned_at + 3'601));
  EXPECT_TRUE(is_good(learned_at - 299));
  EXPECT_FALSE(is_good(learned_at - 301));
}

TEST_F(PrimaryWorkerCookies, made_with_the_previous_secret_are_good_and_replaced) {
  config_.cookies.previous = config_.cookies.current;
  config_.cookies.current = CookieSecret{1};
  config_.cookies.required = true;
  start();
  const std::string answer = ask_with(learned, learned_at);
  EXPECT_TRUE(answer.starts_with("NOERROR aa opt=1232 cookie=" + client_part)) << answer;
  EXPECT_EQ(answer.find(learned), std::string::npos);
}

TEST_F(PrimaryWorkerCookies, of_a_machine_that_may_have_been_copied_are_made_anew) {
  config_.cookies.required = true;
  config_.cookies.current.reset();
  start();
  const auto cookie_in = [](const std::string& answer) {
    const size_t at = answer.find("cookie=") + 7;
    return answer.substr(at, answer.find_first_of(" \n", at) - at);
  };
  const std::string old_one = cookie_in(ask_with(client_part, learned_at));
  EXPECT_TRUE(ask_with(old_one, learned_at).starts_with("NOERROR"));
  worker_->renew_secrets();
  const std::string refused = ask_with(old_one, learned_at);
  EXPECT_TRUE(refused.starts_with("BADCOOKIE")) << refused;
  EXPECT_NE(cookie_in(refused), old_one);
  EXPECT_TRUE(ask_with(cookie_in(refused), learned_at).starts_with("NOERROR"));
}

TEST_F(PrimaryWorkerCookies, with_a_configured_secret_stay_good_on_a_copy) {
  config_.cookies.required = true;
  start();
  worker_->renew_secrets();
  EXPECT_TRUE(ask_with(learned, learned_at).starts_with("NOERROR"));
}

TEST_F(PrimaryWorkerCookies, are_not_answered_when_switched_off) {
  config_.cookies.enabled = false;
  start();
  EXPECT_EQ(ask_with(client_part, learned_at), "NOERROR aa opt=1232\n" + std::string(www_answer));
}

TEST_F(PrimaryWorkerCookies, come_back_in_errors) {
  start();
  at_wall(learned_at);
  EXPECT_EQ(ask("www.test. A cookie=" + client_part, cookie_client), "REFUSED opt=1232 cookie=" + learned + " ede=20\n");
  EXPECT_EQ(ask("www.example. A opcode=2 cookie=" + client_part, cookie_client),
            "NOTIMP opt=1232 cookie=" + learned + " ede=21\n");
}

// ---- what is not an ordinary query ------------------------------------------------------------------------------------------

TEST_F(PrimaryWorkerTest, tells_who_it_is_only_when_configured) {
  start();
  EXPECT_EQ(ask("version.bind. TXT class=CH"), "REFUSED opt=1232 ede=18\n");
  config_.identity = {.server_id = "node-7", .version = "samara", .nsid = "n7"};
  EXPECT_EQ(ask("version.bind. TXT class=CH"), "NOERROR aa opt=1232\nanswer version.bind. 0 CH TXT \"samara\"\n");
  EXPECT_EQ(ask("ID.Server. TXT class=CH nsid"), "NOERROR aa opt=1232 nsid=6e37\nanswer ID.Server. 0 CH TXT \"node-7\"\n");
  EXPECT_EQ(ask("authors.bind. TXT class=CH"), "REFUSED opt=1232 ede=18\n");
}

// The query with its question twice; its counts can be changed after.
Octets with_two_questions() {
  const Octets one = query_of("www.example. A noedns").packet;
  Octets two = one;
  two.insert(two.end(), one.begin() + 12, one.end());
  two[5] = 2;
  return two;
}

TEST_F(PrimaryWorkerTest, does_not_answer_two_questions) {
  start();
  const Octets packet = with_two_questions();  // RFC 9619 section 4
  const Octets answer = datagram(packet);
  ASSERT_EQ(answer.size(), 12U);
  EXPECT_EQ(load_be16(answer), load_be16(packet));
  EXPECT_EQ(load_be16(answer, 2), 0x8001);  // QR, FORMERR
  EXPECT_EQ(load_be64(answer, 4), 0U);      // no question, no records
}

TEST_F(PrimaryWorkerTest, says_with_opt_that_two_questions_are_none) {
  start();
  Octets packet = with_two_questions();
  packet[11] = 1;
  const Octets opt = octets_of("0000290400000000000000");
  packet.insert(packet.end(), opt.begin(), opt.end());
  const Octets answer = datagram(packet);
  ASSERT_EQ(answer.size(), 12U + 11U);  // RFC 6891 section 7
  EXPECT_EQ(load_be16(answer, 2), 0x8001);
  EXPECT_EQ(load_be16(answer, 13), 41U);
}

// The query without its question.
Octets without_question(Octets packet) {
  packet.erase(packet.begin() + 12, packet.begin() + 12 + 13 + 4);  // www.example. A
  packet[5] = 0;
  return packet;
}

// RFC 7873 section 5.4.
TEST_F(PrimaryWorkerCookies, are_given_without_a_question) {
  start();
  const auto answer_to = [&](const std::string& cookie, i64 when) {
    at_wall(when);
    const Octets answer = datagram(without_question(query_of("www.example. A cookie=" + cookie).packet), cookie_client);
    if (answer.size() != 12 + 11 + 4 + 24) return std::string("no cookie");
    std::string given = (answer[3] & 15) == 0 && answer[17] == 0 ? "NOERROR " : "BADCOOKIE ";
    for (const std::string& known : {learned, renewed}) {
      if (std::ranges::equal(Bytes(answer).last(24), octets_of(known))) given += known;
    }
    return given;
  };
  EXPECT_EQ(answer_to(client_part, learned_at), "NOERROR " + learned);
  EXPECT_EQ(answer_to(learned, renewed_at), "NOERROR " + renewed);
  EXPECT_EQ(answer_to(client_part + "0100000000000000aaaaaaaaaaaaaaaa", learned_at), "BADCOOKIE " + learned);
}

TEST_F(PrimaryWorkerTest, does_not_take_two_opt_records) {
  config_.identity.nsid = "n7";
  start();
  Octets packet = query_of("www.example. A nsid").packet;
  const Octets opt = octets_of("0000290400000000000000");
  packet.insert(packet.end(), opt.begin(), opt.end());
  packet[11] = 2;
  EXPECT_EQ(text_of_response(datagram(packet), packet), "FORMERR opt=1232 nsid=6e37\n");  // RFC 6891 section 6.1.1
}

TEST_F(PrimaryWorkerTest, does_not_answer_responses_or_what_has_no_header) {
  start();
  Octets packet = query_of("www.example. A").packet;
  for (size_t size = 0; size < 12; ++size) EXPECT_TRUE(datagram(Bytes(packet).first(size)).empty()) << size;
  packet[2] |= 0x80;
  EXPECT_TRUE(datagram(packet).empty());
  Octets broken = packet;
  broken[5] = 9;
  EXPECT_TRUE(datagram(broken).empty());
}

TEST_F(PrimaryWorkerTest, knows_what_it_does_not_implement) {
  start();
  for (const int opcode : {1, 2, 3, 6, 7, 15}) {
    EXPECT_EQ(ask("www.example. A noedns opcode=" + std::to_string(opcode)), "NOTIMP\n") << opcode;
  }
  EXPECT_EQ(ask("www.example. A version=7"), "BADVERS opt=1232\n");
}

TEST_F(PrimaryWorkerTest, answers_formerr_to_what_is_cut_anywhere_behind_the_header) {
  start();
  const Octets packet = query_of("www.example. A do nsid").packet;
  for (size_t size = 12; size < packet.size(); ++size) {
    const Octets answer = datagram(Bytes(packet).first(size));
    ASSERT_GE(answer.size(), 12U) << size;
    EXPECT_EQ(load_be16(answer, 2), 0x8001) << size;
  }
}

TEST_F(PrimaryWorkerTest, cuts_answers_to_what_the_client_takes_and_what_is_configured_for_its_family) {
  config_.limits.udp_payload_ipv4 = 1'400;
  config_.limits.udp_payload_ipv6 = 600;
  start();
  const std::string whole = "NOERROR aa opt=1400\n";
  EXPECT_EQ(ask("example. TXT edns=4096").substr(0, whole.size()), whole);
  EXPECT_EQ(ask("example. TXT edns=600"), "NOERROR aa tc opt=1400\n");
  EXPECT_EQ(ask("example. TXT edns=4096", "2001:db8::1"), "NOERROR aa tc opt=600\n");
  EXPECT_EQ(ask("example. TXT noedns"), "NOERROR aa tc\n");
  EXPECT_EQ(ask_by_tcp("example. TXT noedns").substr(0, 11), "NOERROR aa\n");
}

TEST_F(PrimaryWorkerTest, is_silent_before_it_has_zones) {
  worker_.emplace(config_, ServerCookies::Secret{}, std::array<u8, crypto::Drbg::seed_size>{}, region_, streams);
  EXPECT_EQ(ask("www.example. A"), "no response\n");
}

}  // namespace
}  // namespace samara::server
