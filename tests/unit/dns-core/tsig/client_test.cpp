#include "dns-core/tsig/client.h"

#include "captured_exchanges.h"
#include "dns-core/tsig/server.h"
#include "messages.h"

namespace samara::dns {
namespace {

TsigKey key256(u8 mac_size = 0) {
  return key("k256.example.", TsigAlgorithm::hmac_sha256, captured_secret, mac_size);
}

// A client that has sent the captured request.
struct Sent {
  TsigClient client;
  std::string request;

  Sent(const TsigKey& with, std::string_view captured) : client(with) {
    const std::vector<u8> theirs = octets(captured);
    Draft draft(without_tsig(theirs));
    const size_t before = draft.writer.size();
    client.sign_request(draft.writer, time_of(theirs));
    EXPECT_EQ(draft.writer.size() - before, client.request_size());
    request = hex(draft.message());
  }
  Result<void, TsigClientError> receive(Bytes message, UnixTime now) {
    return client.on_response(message, last_record_at(message), now);
  }
  Result<void, TsigClientError> receive(Bytes message) { return receive(message, time_of(message)); }
};

struct Pair {
  const CapturedExchange* exchange;
  const char* key_name;
  TsigAlgorithm algorithm;
};
constexpr Pair pairs[] = {{&exchange_sha1, "k1.example.", TsigAlgorithm::hmac_sha1},
                          {&exchange_sha224, "k224.example.", TsigAlgorithm::hmac_sha224},
                          {&exchange_sha256, "k256.example.", TsigAlgorithm::hmac_sha256},
                          {&exchange_sha384, "k384.example.", TsigAlgorithm::hmac_sha384},
                          {&exchange_sha512, "k512.example.", TsigAlgorithm::hmac_sha512}};

TEST(TsigClient, signs_as_dig_does_and_accepts_what_named_answers) {
  for (const Pair& p : pairs) {
    const TsigKey with = key(p.key_name, p.algorithm, captured_secret);
    Sent sent(with, p.exchange->request);
    EXPECT_EQ(sent.request, p.exchange->request);
    EXPECT_FALSE(sent.client.last_was_signed());
    EXPECT_TRUE(sent.receive(octets(p.exchange->response)).ok()) << p.key_name;
    EXPECT_TRUE(sent.client.last_was_signed());
  }
}

TEST(TsigClient, accepts_every_message_of_a_transfer_from_named) {
  const TsigKey with = key256();
  Sent sent(with, transfer_request);
  for (const std::string_view response : transfer_responses) EXPECT_TRUE(sent.receive(octets(response)).ok());
  EXPECT_TRUE(sent.client.last_was_signed());
}

TEST(TsigClient, notices_a_missing_repeated_or_reordered_message) {
  const TsigKey with = key256();
  const std::vector<u8> first = octets(transfer_responses[0]);
  const std::vector<u8> second = octets(transfer_responses[1]);
  const std::vector<u8> third = octets(transfer_responses[2]);
  Sent missing(with, transfer_request);
  EXPECT_TRUE(missing.receive(first).ok());
  EXPECT_EQ(missing.receive(third).error(), TsigClientError::bad_mac);
  Sent repeated(with, transfer_request);
  EXPECT_TRUE(repeated.receive(first).ok());
  EXPECT_EQ(repeated.receive(first).error(), TsigClientError::bad_mac);
  Sent reordered(with, transfer_request);
  EXPECT_EQ(reordered.receive(second).error(), TsigClientError::bad_mac);
}

TEST(TsigClient, every_changed_bit_is_noticed) {
  const TsigKey with = key256();
  const std::vector<u8> response = octets(exchange_sha256.response);
  const size_t tsig_at = last_record_at(response);
  for (size_t bit = 16; bit < response.size() * 8; ++bit) {
    std::vector<u8> changed = response;
    changed[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
    Sent sent(with, exchange_sha256.request);
    if (sent.client.on_response(changed, tsig_at, time_of(response)).ok()) {
      EXPECT_TRUE(bit / 8 > tsig_at && bit % 8 == 5) << bit;  // the case of a letter in the record's names
    }
  }
}

TEST(TsigClient, a_response_to_another_request_is_refused) {
  const TsigKey with = key256();
  Sent sent(with, exchange_mixed_case.request);
  EXPECT_EQ(sent.receive(octets(exchange_sha256.response)).error(), TsigClientError::bad_mac);
}

TEST(TsigClient, the_first_message_must_be_signed) {
  const TsigKey with = key256();
  Sent sent(with, exchange_sha256.request);
  const std::vector<u8> plain = without_tsig(octets(exchange_sha256.response));
  EXPECT_EQ(sent.client.on_response(plain, std::nullopt, UnixTime{0}).error(), TsigClientError::missing);
}

TEST(TsigClient, a_response_under_another_key_is_refused) {
  const TsigKey with = key("k1.example.", TsigAlgorithm::hmac_sha256, captured_secret);
  Sent sent(with, exchange_sha256.request);
  EXPECT_EQ(sent.receive(octets(exchange_sha256.response)).error(), TsigClientError::other_key);
  const TsigKey other_algorithm = key("k256.example.", TsigAlgorithm::hmac_sha512, captured_secret);
  Sent again(other_algorithm, exchange_sha256.request);
  EXPECT_EQ(again.receive(octets(exchange_sha256.response)).error(), TsigClientError::other_key);
}

TEST(TsigClient, a_response_outside_the_fudge_is_refused) {
  const TsigKey with = key256();
  const std::vector<u8> response = octets(exchange_sha256.response);
  const i64 at = time_of(response).seconds;
  for (const i64 now : {at - 301, at + 301}) {
    Sent sent(with, exchange_sha256.request);
    EXPECT_EQ(sent.receive(response, UnixTime{now}).error(), TsigClientError::bad_time);
  }
  Sent sent(with, exchange_sha256.request);
  EXPECT_TRUE(sent.receive(response, UnixTime{at + 300}).ok());
}

TEST(TsigClient, tells_what_the_peer_refuses) {
  const TsigKey unknown = key("nokey.example.", TsigAlgorithm::hmac_sha256, captured_secret);
  Sent badkey(unknown, exchange_badkey.request);
  EXPECT_EQ(badkey.receive(octets(exchange_badkey.response)).error(), TsigClientError::peer_refuses);
  EXPECT_EQ(badkey.client.peer_error(), Rcode::BADKEY);
  const TsigKey wrong = key("k256.example.", TsigAlgorithm::hmac_sha256, "AAAA");
  Sent badsig(wrong, exchange_badsig.request);
  EXPECT_EQ(badsig.receive(octets(exchange_badsig.response)).error(), TsigClientError::peer_refuses);
  EXPECT_EQ(badsig.client.peer_error(), Rcode::BADSIG);
}

TEST(TsigClient, learns_the_peers_time_from_badtime) {
  const TsigKey with = key256();
  const std::vector<u8> response = octets(exchange_badtime.response);
  Sent sent(with, exchange_badtime.request);
  EXPECT_EQ(sent.receive(response).error(), TsigClientError::peer_refuses);
  EXPECT_EQ(sent.client.peer_error(), Rcode::BADTIME);
  EXPECT_EQ(sent.client.server_time(), UnixTime{static_cast<i64>(load_be32(tsig_of(response).other, 2))});
  std::vector<u8> forged = response;
  forged.back() ^= 1;
  Sent again(with, exchange_badtime.request);
  EXPECT_EQ(again.receive(forged).error(), TsigClientError::bad_mac);
  EXPECT_FALSE(again.client.server_time().has_value());
}

// As NSD sends it.
TEST(TsigClient, hears_an_unsigned_badtime_and_believes_no_time_of_it) {
  const TsigKey with = key256();
  const std::vector<u8> response = octets(exchange_badtime.response);
  TsigRecordView record = tsig_of(response);
  record.mac = {};
  Draft draft(without_tsig(response));
  append_tsig(record, draft.writer);
  Sent sent(with, exchange_badtime.request);
  EXPECT_EQ(sent.receive(draft.message()).error(), TsigClientError::peer_refuses);
  EXPECT_EQ(sent.client.peer_error(), Rcode::BADTIME);
  EXPECT_FALSE(sent.client.server_time().has_value());
}

TEST(TsigClient, an_unsigned_refusal_in_the_middle_of_a_stream_is_refused) {
  const TsigKey with = key256();
  Sent sent(with, transfer_request);
  ASSERT_TRUE(sent.receive(octets(transfer_responses[0])).ok());
  const std::vector<u8> response = octets(transfer_responses[1]);
  TsigRecordView record = tsig_of(response);
  record.error = Rcode::BADSIG;
  record.mac = {};
  Draft draft(without_tsig(response));
  append_tsig(record, draft.writer);
  EXPECT_EQ(sent.receive(draft.message()).error(), TsigClientError::malformed);
}

TEST(TsigClient, a_shortened_mac_needs_a_key_that_allows_it) {
  TsigKeyring keyring;
  keyring.add(key256(16));
  const std::vector<u8> query = without_tsig(octets(exchange_sha256.request));
  const UnixTime now{1'000'000};
  const auto exchange = [&](const TsigKey& with) {
    TsigClient client(with);
    Draft request(query);
    client.sign_request(request.writer, now);
    TsigServer server;
    EXPECT_EQ(server.on_request(request.message(), last_record_at(request.message()), keyring, now), TsigVerdict::verified);
    Draft response(query);
    server.sign_response(response.writer, now);
    EXPECT_EQ(tsig_of(response.message()).mac.size(), 16U);
    return client.on_response(response.message(), last_record_at(response.message()), now);
  };
  EXPECT_TRUE(exchange(key256(16)).ok());
  EXPECT_EQ(exchange(key256(17)).error(), TsigClientError::short_mac);
  EXPECT_EQ(exchange(key256()).error(), TsigClientError::short_mac);
}

// A server that signs only some messages of a stream (RFC 8945 section 5.3.1), written down from the RFC.
class SparseServer {
 public:
  explicit SparseServer(Bytes request_mac)
      : secret_(key256().secret.copy()), hmac_(crypto::HashAlgorithm::sha256, secret_.bytes()) {
    digest_prior_mac(hmac_, request_mac);
  }
  std::vector<u8> unsigned_message(u8 number) {
    const std::vector<u8> message = body(number);
    hmac_.update(message);
    return message;
  }
  std::vector<u8> signed_message(u8 number, UnixTime now) {
    Draft draft(body(number));
    TsigRecordView record;
    record.key_name = name("k256.example.");
    record.algorithm = algorithm_name(TsigAlgorithm::hmac_sha256);
    record.time_signed = static_cast<u64>(now.seconds);
    record.fudge = 300;
    hmac_.update(draft.message());
    first_ ? digest_variables(hmac_, record) : digest_timers(hmac_, record);
    first_ = false;
    const crypto::Digest mac = hmac_.finish();
    record.mac = mac.bytes();
    digest_prior_mac(hmac_, record.mac);
    append_tsig(record, draft.writer);
    return {draft.message().begin(), draft.message().end()};
  }

 private:
  static std::vector<u8> body(u8 number) {
    return {0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, number};
  }
  crypto::SecretBytes secret_;
  crypto::Hmac hmac_;
  bool first_ = true;
};

struct Stream {
  TsigKey with = key256();
  Sent sent{with, exchange_sha256.request};
  UnixTime now = time_of(octets(exchange_sha256.request));
  SparseServer server{tsig_of(octets(exchange_sha256.request)).mac};

  bool signed_message(u8 number) { return sent.receive(server.signed_message(number, now)).ok(); }
  bool unsigned_message(u8 number) { return sent.client.on_response(server.unsigned_message(number), std::nullopt, now).ok(); }
};

TEST(TsigClient, accepts_up_to_99_unsigned_messages_between_signed_ones) {
  Stream s;
  ASSERT_TRUE(s.signed_message(0));
  for (u8 i = 0; i < 99; ++i) ASSERT_TRUE(s.unsigned_message(i));
  EXPECT_FALSE(s.sent.client.last_was_signed());
  ASSERT_TRUE(s.signed_message(99));
  EXPECT_TRUE(s.sent.client.last_was_signed());
  for (u8 i = 0; i < 99; ++i) ASSERT_TRUE(s.unsigned_message(i));
  EXPECT_FALSE(s.unsigned_message(99));
}

TEST(TsigClient, a_changed_unsigned_message_breaks_the_next_signature) {
  Stream s;
  ASSERT_TRUE(s.signed_message(0));
  std::vector<u8> forged = s.server.unsigned_message(1);
  forged.back() ^= 1;
  EXPECT_TRUE(s.sent.client.on_response(forged, std::nullopt, s.now).ok());
  EXPECT_FALSE(s.signed_message(2));
}

TEST(TsigClient, says_when_a_request_has_no_room) {
  const TsigKey with = key256();
  TsigClient client(with);
  const std::vector<u8> query = without_tsig(octets(exchange_sha256.request));
  Draft tight(query, client.request_size() - 1);
  client.sign_request(tight.writer, UnixTime{1});
  EXPECT_TRUE(tight.writer.overflowed());
  EXPECT_EQ(hex(tight.message()), hex(query));
}

}  // namespace
}  // namespace samara::dns
