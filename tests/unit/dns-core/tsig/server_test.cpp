#include "dns-core/tsig/server.h"

#include "captured_exchanges.h"
#include "messages.h"

namespace samara::dns {
namespace {

TsigKeyring captured_keys(u8 mac_size = 0) {
  TsigKeyring keyring;
  keyring.add(key("k1.example.", TsigAlgorithm::hmac_sha1, captured_secret));
  keyring.add(key("k224.example.", TsigAlgorithm::hmac_sha224, captured_secret));
  keyring.add(key("k256.example.", TsigAlgorithm::hmac_sha256, captured_secret, mac_size));
  keyring.add(key("k384.example.", TsigAlgorithm::hmac_sha384, captured_secret));
  keyring.add(key("k512.example.", TsigAlgorithm::hmac_sha512, captured_secret));
  return keyring;
}

constexpr const CapturedExchange* good[] = {&exchange_sha1, &exchange_sha224, &exchange_sha256, &exchange_sha384,
                                            &exchange_sha512};

struct Served {
  TsigServer server;
  TsigVerdict verdict;

  Served(Bytes request, const TsigKeyring& keyring, UnixTime now)
      : verdict(server.on_request(request, last_record_at(request), keyring, now)) {}
};

// Signs what named answered and compares with how named signed it.
void expect_same_response(TsigServer& server, std::string_view captured) {
  const std::vector<u8> theirs = octets(captured);
  const TsigRecordView expected = tsig_of(theirs);
  Draft draft(without_tsig(theirs));
  const size_t before = draft.writer.size();
  const UnixTime now =
      expected.error == Rcode::BADTIME ? UnixTime{static_cast<i64>(load_be32(expected.other, 2))} : time_of(theirs);
  const size_t announced = server.response_size();
  server.sign_response(draft.writer, now);
  const TsigRecordView record = tsig_of(draft.message());
  EXPECT_EQ(hex(record.mac), hex(expected.mac));
  EXPECT_EQ(record.error, expected.error);
  EXPECT_EQ(record.original_id, expected.original_id);
  EXPECT_EQ(hex(record.other), hex(expected.other));
  EXPECT_EQ(record.key_name, expected.key_name);
  EXPECT_EQ(draft.writer.size() - before, announced);
}

// A client may sign for 18 hours; a request that changes something is not to be good for so long.
TEST(TsigServer, takes_no_fudge_above_the_most_it_is_told) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_sha256.request);
  for (const i64 late : {-200, 200}) {
    const UnixTime now{time_of(request).seconds + late};
    TsigServer server;
    EXPECT_EQ(server.on_request(request, last_record_at(request), keyring, now, 300), TsigVerdict::verified);
    EXPECT_EQ(server.on_request(request, last_record_at(request), keyring, now, 200), TsigVerdict::verified);
    EXPECT_EQ(server.on_request(request, last_record_at(request), keyring, now, 199), TsigVerdict::badtime);
  }
}

TEST(TsigServer, says_by_what_a_request_is_known_again) {
  const TsigKeyring keyring = captured_keys(16);
  const std::vector<u8> request = octets(exchange_sha256.request);
  TsigServer server;
  ASSERT_EQ(server.on_request(request, last_record_at(request), keyring, time_of(request)), TsigVerdict::verified);
  EXPECT_EQ(server.signed_at(), static_cast<u64>(time_of(request).seconds));
  EXPECT_EQ(server.mac_start(), load_be64(tsig_of(request).mac));
}

TEST(TsigServer, verifies_requests_of_dig_and_answers_as_named_does) {
  const TsigKeyring keyring = captured_keys();
  for (const CapturedExchange* exchange : good) {
    const std::vector<u8> request = octets(exchange->request);
    Served served(request, keyring, time_of(request));
    ASSERT_EQ(served.verdict, TsigVerdict::verified);
    EXPECT_EQ(served.server.rcode(), Rcode::NOERROR);
    EXPECT_NE(served.server.key(), nullptr);
    expect_same_response(served.server, exchange->response);
  }
}

TEST(TsigServer, signs_every_message_of_a_transfer_as_named_does) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(transfer_request);
  Served served(request, keyring, time_of(request));
  ASSERT_EQ(served.verdict, TsigVerdict::verified);
  for (const std::string_view response : transfer_responses) expect_same_response(served.server, response);
}

TEST(TsigServer, does_not_mind_the_case_of_names) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_mixed_case.request);
  Served served(request, keyring, time_of(request));
  EXPECT_EQ(served.verdict, TsigVerdict::verified);
  std::vector<u8> upper = request;
  upper[last_record_at(request) + 1] = 'K';
  EXPECT_EQ(Served(upper, keyring, time_of(request)).verdict, TsigVerdict::verified);
}

TEST(TsigServer, accepts_a_request_whose_id_a_forwarder_changed) {
  const TsigKeyring keyring = captured_keys();
  std::vector<u8> request = octets(exchange_sha256.request);
  request[0] ^= 0xff;
  EXPECT_EQ(Served(request, keyring, time_of(request)).verdict, TsigVerdict::verified);
}

TEST(TsigServer, an_unknown_key_or_algorithm_is_badkey_and_answered_unsigned) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_badkey.request);
  Served served(request, keyring, time_of(request));
  EXPECT_EQ(served.verdict, TsigVerdict::badkey);
  EXPECT_EQ(served.server.rcode(), Rcode::NOTAUTH);
  EXPECT_EQ(served.server.key(), nullptr);
  expect_same_response(served.server, exchange_badkey.response);
  TsigKeyring other_algorithm;
  other_algorithm.add(key("k256.example.", TsigAlgorithm::hmac_sha512, captured_secret));
  EXPECT_EQ(Served(octets(exchange_sha256.request), other_algorithm, time_of(request)).verdict, TsigVerdict::badkey);
  EXPECT_EQ(Served(octets(exchange_sha256.request), TsigKeyring(), time_of(request)).verdict, TsigVerdict::badkey);
}

TEST(TsigServer, another_mac_is_badsig_and_answered_unsigned) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_badsig.request);
  Served served(request, keyring, time_of(request));
  EXPECT_EQ(served.verdict, TsigVerdict::badsig);
  EXPECT_EQ(served.server.rcode(), Rcode::NOTAUTH);
  EXPECT_EQ(served.server.key(), nullptr);
  expect_same_response(served.server, exchange_badsig.response);
}

TEST(TsigServer, every_changed_bit_is_noticed) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_sha256.request);
  const size_t tsig_at = last_record_at(request);
  size_t verified = 0;
  for (size_t bit = 0; bit < request.size() * 8; ++bit) {
    std::vector<u8> changed = request;
    changed[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
    TsigServer server;
    if (server.on_request(changed, tsig_at, keyring, time_of(request)) == TsigVerdict::verified) {
      ++verified;
      // Free to change are the message's id and the case of the letters in names.
      EXPECT_TRUE(bit < 16 || bit % 8 == 5) << bit;
    }
  }
  EXPECT_GE(verified, 16U);
  EXPECT_LE(verified, 16U + 28U);
}

TEST(TsigServer, a_time_outside_the_fudge_is_badtime_and_answered_with_our_time) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_badtime.request);
  const UnixTime named_time{static_cast<i64>(load_be32(tsig_of(octets(exchange_badtime.response)).other, 2))};
  Served served(request, keyring, named_time);
  EXPECT_EQ(served.verdict, TsigVerdict::badtime);
  EXPECT_EQ(served.server.rcode(), Rcode::NOTAUTH);
  EXPECT_EQ(served.server.key(), nullptr);
  expect_same_response(served.server, exchange_badtime.response);
}

TEST(TsigServer, the_fudge_includes_its_ends) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_sha256.request);
  const i64 at = time_of(request).seconds;
  EXPECT_EQ(Served(request, keyring, UnixTime{at + 300}).verdict, TsigVerdict::verified);
  EXPECT_EQ(Served(request, keyring, UnixTime{at - 300}).verdict, TsigVerdict::verified);
  EXPECT_EQ(Served(request, keyring, UnixTime{at + 301}).verdict, TsigVerdict::badtime);
  EXPECT_EQ(Served(request, keyring, UnixTime{at - 301}).verdict, TsigVerdict::badtime);
  for (const i64 now : {i64{0}, i64{-1}, INT64_MIN, INT64_MAX, (i64{1} << 48) + at}) {
    EXPECT_EQ(Served(request, keyring, UnixTime{now}).verdict, TsigVerdict::badtime) << now;
  }
}

TEST(TsigServer, a_shortened_mac_needs_a_key_that_allows_it) {
  const std::vector<u8> request = octets(exchange_truncated.request);
  const TsigKeyring whole = captured_keys();
  Served refused(request, whole, time_of(request));
  EXPECT_EQ(refused.verdict, TsigVerdict::badtrunc);
  EXPECT_EQ(refused.server.rcode(), Rcode::NOTAUTH);
  Draft draft(without_tsig(request));
  refused.server.sign_response(draft.writer, time_of(request));
  EXPECT_EQ(tsig_of(draft.message()).error, Rcode::BADTRUNC);
  EXPECT_EQ(tsig_of(draft.message()).mac.size(), 32U);
  const TsigKeyring shortened = captured_keys(20);
  Served accepted(request, shortened, time_of(request));
  EXPECT_EQ(accepted.verdict, TsigVerdict::verified);
  Draft answer(without_tsig(request));
  accepted.server.sign_response(answer.writer, time_of(request));
  EXPECT_EQ(tsig_of(answer.message()).mac.size(), 20U);
  // A longer MAC than asked for is good.
  const std::vector<u8> full = octets(exchange_sha256.request);
  EXPECT_EQ(Served(full, shortened, time_of(full)).verdict, TsigVerdict::verified);
}

// A request with a MAC cut or stretched to `size` octets.
std::vector<u8> with_mac_size(std::string_view captured, size_t size) {
  const std::vector<u8> request = octets(captured);
  TsigRecordView record = tsig_of(request);
  std::vector<u8> mac(record.mac.begin(), record.mac.end());
  mac.resize(size);
  record.mac = mac;
  Draft draft(without_tsig(request));
  append_tsig(record, draft.writer);
  return {draft.message().begin(), draft.message().end()};
}

TEST(TsigServer, mac_sizes_that_cannot_be_are_formerr) {
  const TsigKeyring keyring = captured_keys();
  const UnixTime now = time_of(octets(exchange_sha256.request));
  for (const size_t size : {0U, 1U, 9U, 10U, 15U, 33U, 64U, 600U}) {
    Served served(with_mac_size(exchange_sha256.request, size), keyring, now);
    EXPECT_EQ(served.verdict, TsigVerdict::formerr) << size;
    EXPECT_EQ(served.server.rcode(), Rcode::FORMERR);
    EXPECT_EQ(served.server.response_size(), 0U);
  }
  EXPECT_EQ(Served(with_mac_size(exchange_sha256.request, 16), keyring, now).verdict, TsigVerdict::badtrunc);
  EXPECT_EQ(Served(with_mac_size(exchange_sha256.request, 31), keyring, now).verdict, TsigVerdict::badtrunc);
  EXPECT_EQ(Served(with_mac_size(exchange_sha1.request, 9), keyring, now).verdict, TsigVerdict::formerr);
  EXPECT_EQ(Served(with_mac_size(exchange_sha1.request, 10), keyring, now).verdict, TsigVerdict::badtrunc);
}

TEST(TsigServer, malformed_records_are_formerr_and_answered_without_tsig) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_sha256.request);
  const size_t tsig_at = last_record_at(request);
  const size_t fixed_at = tsig_at + name("k256.example.").size();
  const auto verdict = [&](Bytes message, size_t at) {
    TsigServer server;
    return server.on_request(message, at, keyring, time_of(request));
  };
  for (size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(verdict(Bytes(request).first(size), tsig_at), TsigVerdict::formerr) << size;
  }
  std::vector<u8> longer = request;
  longer.push_back(0);
  EXPECT_EQ(verdict(longer, tsig_at), TsigVerdict::formerr);
  for (const size_t at : {0U, 5U, 11U, 12U, 65'535U}) EXPECT_EQ(verdict(request, at), TsigVerdict::formerr) << at;
  for (const size_t at : {fixed_at, fixed_at + 2, fixed_at + 4, fixed_at + 8}) {  // type, class, TTL, RDLENGTH
    std::vector<u8> changed = request;
    changed[at] ^= 1;
    EXPECT_EQ(verdict(changed, tsig_at), TsigVerdict::formerr) << at;
  }
  std::vector<u8> uncounted = request;
  uncounted[11] = 0;
  EXPECT_EQ(verdict(uncounted, tsig_at), TsigVerdict::formerr);
  std::vector<u8> looping = request;
  looping[tsig_at] = 0xc0;
  looping[tsig_at + 1] = static_cast<u8>(tsig_at);
  EXPECT_EQ(verdict(looping, tsig_at), TsigVerdict::formerr);
  TsigServer server;
  (void)server.on_request(longer, tsig_at, keyring, time_of(request));
  Draft draft(without_tsig(request));
  const size_t before = draft.writer.size();
  server.sign_response(draft.writer, time_of(request));
  EXPECT_EQ(draft.writer.size(), before);
}

TEST(TsigServer, too_much_other_data_is_formerr) {
  const std::vector<u8> request = octets(exchange_sha256.request);
  TsigRecordView record = tsig_of(request);
  const std::vector<u8> other(7, 1);
  record.other = other;
  Draft draft(without_tsig(request));
  append_tsig(record, draft.writer);
  TsigServer server;
  EXPECT_EQ(server.on_request(draft.message(), last_record_at(draft.message()), captured_keys(), time_of(request)),
            TsigVerdict::formerr);
}

TEST(TsigServer, a_response_without_room_overflows_and_stays_whole) {
  const TsigKeyring keyring = captured_keys();
  const std::vector<u8> request = octets(exchange_sha256.request);
  Served served(request, keyring, time_of(request));
  Draft tight(without_tsig(request), served.server.response_size() - 1);
  const std::string before = hex(tight.message());
  served.server.sign_response(tight.writer, time_of(request));
  EXPECT_TRUE(tight.writer.overflowed());
  EXPECT_EQ(hex(tight.message()), before);
  Served again(request, keyring, time_of(request));
  Draft exact(without_tsig(request), again.server.response_size());
  again.server.sign_response(exact.writer, time_of(request));
  EXPECT_FALSE(exact.writer.overflowed());
  EXPECT_EQ(exact.writer.remaining(), 0U);
}

}  // namespace
}  // namespace samara::dns
