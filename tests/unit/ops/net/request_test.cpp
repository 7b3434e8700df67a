#include "ops/net/request.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dns-core/message/response.h"
#include "dns-core/tsig/server.h"
#include "fake_server.h"
#include "platform/base/byte_order.h"

namespace samara::ops {
namespace {

using dns::Rcode;

// A NOTIFY for the root.
const std::vector<u8> request{0, 0, 0x24, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1};

std::vector<u8> answer_to(std::vector<u8> asked, Rcode rcode) {
  asked[2] |= 0x80;
  asked[3] = static_cast<u8>(code(rcode));
  return asked;
}

Server to(const FakeServer& fake, const dns::TsigKey* key = nullptr, int milliseconds = 3000) {
  return {fake.endpoint(), key, std::chrono::milliseconds(milliseconds)};
}

dns::TsigKey key_with(u8 octet) {
  dns::TsigKey key;
  key.name = MUST(dns::Name::parse("k.example", dns::Name()));
  key.secret = crypto::SecretBytes(std::vector<u8>(32, octet));
  return key;
}

TEST(Request, AnAnswerIsTakenAtItsWord) {
  FakeServer fake(SOCK_DGRAM);
  fake.answer_one([](const std::vector<u8>& asked) { return Datagrams{answer_to(asked, Rcode::NOERROR)}; });
  const Outcome outcome = send_request(to(fake), request);
  EXPECT_EQ(outcome.kind, Outcome::Kind::accepted) << outcome.words;
  EXPECT_EQ(outcome.exit_code(), ExitCode::good);
}

TEST(Request, ARefusalIsSaidInWords) {
  FakeServer fake(SOCK_DGRAM);
  fake.answer_one([](const std::vector<u8>& asked) { return Datagrams{answer_to(asked, Rcode::REFUSED)}; });
  const Outcome outcome = send_request(to(fake), request);
  EXPECT_EQ(outcome.words, "REFUSED: the server does not take notifies for the zone from us");
  EXPECT_EQ(outcome.exit_code(), ExitCode::bad_data);
}

TEST(Request, ARefusalIsSaidInTheServersOwnWords) {
  FakeServer fake(SOCK_DGRAM);
  fake.answer_one([](const std::vector<u8>& asked) {
    std::vector<u8> answer = answer_to(asked, Rcode::REFUSED);
    const std::string text = "no right to add TXT at www.\x1b[31m";
    const size_t rdata_size = answer.size() - 2;
    answer[rdata_size + 1] = static_cast<u8>(text.size() + 6);
    answer.insert(answer.end(), {0, 15, 0, static_cast<u8>(text.size() + 2), 0, 18});
    answer.insert(answer.end(), text.begin(), text.end());
    return Datagrams{answer};
  });
  EXPECT_EQ(send_request(to(fake), request).words,
            "REFUSED: the server does not take notifies for the zone from us: \"no right to add TXT at www.\\x1b[31m\"");
}

TEST(Request, AServerWithoutEdnsIsAskedAgainWithout) {
  FakeServer fake(SOCK_DGRAM);
  fake.answer(2, [](const std::vector<u8>& asked) {
    const bool edns = asked[11] != 0;
    std::vector<u8> answer =
        answer_to(std::vector<u8>(asked.begin(), asked.begin() + 17), edns ? Rcode::FORMERR : Rcode::NOERROR);
    answer[11] = 0;
    return Datagrams{answer};
  });
  const Outcome outcome = send_request(to(fake), request);
  EXPECT_EQ(outcome.kind, Outcome::Kind::accepted) << outcome.words;
}

TEST(Request, AnswersToOtherQuestionsAreIgnored) {
  FakeServer fake(SOCK_DGRAM);
  fake.answer_one([](const std::vector<u8>& asked) {
    std::vector<u8> other_id = answer_to(asked, Rcode::REFUSED);
    other_id[0] ^= 1;
    std::vector<u8> no_answer = asked;
    std::vector<u8> other_opcode = answer_to(asked, Rcode::REFUSED);
    other_opcode[2] = 0x80;
    return Datagrams{other_id, no_answer, other_opcode, std::vector<u8>(5), answer_to(asked, Rcode::NOERROR)};
  });
  EXPECT_EQ(send_request(to(fake), request).kind, Outcome::Kind::accepted);
}

TEST(Request, SilenceIsUnavailableInTime) {
  FakeServer fake(SOCK_DGRAM);
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = send_request(to(fake, nullptr, 300), request);
  EXPECT_EQ(outcome.exit_code(), ExitCode::unavailable);
  EXPECT_EQ(outcome.words, "no answer within 0.3 s");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Request, APortThatIsClosedIsUnavailable) {
  Endpoint endpoint;
  {
    const FakeServer gone(SOCK_DGRAM);
    endpoint = gone.endpoint();
  }
  const Outcome outcome = send_request({endpoint, nullptr, std::chrono::milliseconds(3000)}, request);
  EXPECT_EQ(outcome.exit_code(), ExitCode::unavailable);
  EXPECT_EQ(outcome.words, "Connection refused");
}

TEST(Request, LongRequestsGoByTcpAndSilenceThereEndsInTimeToo) {
  FakeServer fake(SOCK_STREAM);
  std::vector<u8> large = request;
  large.resize(600);
  const Outcome outcome = send_request(to(fake, nullptr, 300), large);
  EXPECT_EQ(outcome.exit_code(), ExitCode::unavailable);
  EXPECT_EQ(outcome.words, "no answer within 0.3 s");
}

std::vector<u8> in_frame(const std::vector<u8>& message) {
  std::vector<u8> framed{static_cast<u8>(message.size() >> 8), static_cast<u8>(message.size())};
  framed.insert(framed.end(), message.begin(), message.end());
  return framed;
}

TEST(Request, AnAnswerByTcpMayComeInPieces) {
  FakeServer fake(SOCK_STREAM);
  fake.answer_stream([](const std::vector<u8>& asked) {
    std::vector<u8> answer = answer_to(std::vector<u8>(asked.begin(), asked.begin() + 17), Rcode::YXDOMAIN);
    answer[11] = 0;
    return in_frame(answer);
  });
  std::vector<u8> large = request;
  large.resize(600);
  const Outcome outcome = send_request(to(fake), large);
  EXPECT_EQ(outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(outcome.rcode, Rcode::YXDOMAIN);
}

TEST(Request, AnAnswerByTcpThatEndsTooSoonIsNone) {
  for (const size_t missing : {size_t{1}, size_t{4}}) {
    FakeServer fake(SOCK_STREAM);
    fake.answer_stream([missing](const std::vector<u8>& asked) {
      std::vector<u8> framed = in_frame(answer_to(std::vector<u8>(asked.begin(), asked.begin() + 17), Rcode::NOERROR));
      framed.resize(framed.size() - missing);
      return framed;
    });
    std::vector<u8> large = request;
    large.resize(600);
    const Outcome outcome = send_request(to(fake), large);
    EXPECT_EQ(outcome.exit_code(), ExitCode::unavailable);
    EXPECT_EQ(outcome.words, "Connection reset by peer");
  }
}

TEST(Request, WhatIsCutByUdpIsAskedForByTcp) {
  std::optional<FakeServer> stream;
  std::optional<FakeServer> datagrams;
  for (int i = 0; i < 50 && !(datagrams.has_value() && datagrams->is_bound()); ++i) {
    stream.emplace(SOCK_STREAM);
    datagrams.emplace(SOCK_DGRAM, stream->endpoint().port.value());
  }
  ASSERT_TRUE(datagrams->is_bound());
  datagrams->answer_one([](const std::vector<u8>& asked) {
    std::vector<u8> answer = answer_to(asked, Rcode::REFUSED);
    answer[2] |= 2;  // TC
    return Datagrams{answer};
  });
  stream->answer_stream([](const std::vector<u8>& asked) { return in_frame(answer_to(asked, Rcode::NOERROR)); });
  const Outcome outcome = send_request(to(*datagrams), request);
  EXPECT_EQ(outcome.kind, Outcome::Kind::accepted) << outcome.words;
}

// What a server with `key` answers to a signed request.
std::vector<u8> signed_answer(const std::vector<u8>& asked, const dns::TsigKey& key) {
  const auto read = dns::read_response(answer_to(asked, Rcode::NOERROR));
  dns::TsigKeyring keyring;
  keyring.add({key.name, key.algorithm, key.secret.copy(), 0});
  dns::TsigServer server;
  server.on_request(asked, *read.value().tsig_at, keyring, {std::time(nullptr)});
  std::vector<u8> answer = answer_to(std::vector<u8>(asked.begin(), asked.begin() + 17), server.rcode());
  answer[11] = 0;
  const size_t size = answer.size();
  answer.resize(size + server.response_size());
  ByteWriter writer(answer, size);
  server.sign_response(writer, {std::time(nullptr)});
  answer.resize(writer.size());
  return answer;
}

TEST(Request, ASignedRequestWantsASignedAnswer) {
  const dns::TsigKey key = key_with(1);
  FakeServer fake(SOCK_DGRAM);
  fake.answer_one([&key](const std::vector<u8>& asked) { return Datagrams{signed_answer(asked, key)}; });
  const Outcome outcome = send_request(to(fake, &key), request);
  EXPECT_EQ(outcome.kind, Outcome::Kind::accepted) << outcome.words;

  FakeServer careless(SOCK_DGRAM);
  careless.answer_one([](const std::vector<u8>& asked) {
    std::vector<u8> answer = answer_to(std::vector<u8>(asked.begin(), asked.begin() + 17), Rcode::NOERROR);
    answer[11] = 0;
    return Datagrams{answer};
  });
  const Outcome unsigned_outcome = send_request(to(careless, &key), request);
  EXPECT_EQ(unsigned_outcome.exit_code(), ExitCode::bad_data);
  EXPECT_TRUE(unsigned_outcome.words.starts_with("the answer's signature cannot be trusted")) << unsigned_outcome.words;
}

TEST(Request, AServerWithAnotherSecretSaysBadsig) {
  const dns::TsigKey ours = key_with(1);
  const dns::TsigKey theirs = key_with(2);
  FakeServer fake(SOCK_DGRAM);
  fake.answer_one([&theirs](const std::vector<u8>& asked) { return Datagrams{signed_answer(asked, theirs)}; });
  const Outcome outcome = send_request(to(fake, &ours), request);
  EXPECT_EQ(outcome.exit_code(), ExitCode::bad_data);
  EXPECT_EQ(outcome.words, "the server does not accept our signature: the peer has another secret for the key (BADSIG)");
}

}  // namespace
}  // namespace samara::ops
