// Signed queries (RFC 8945) to a worker. Requests are signed and responses checked here by the text of the RFC, with nothing of
// dns-core/tsig.
#include "platform/crypto/hmac.h"
#include "worker_fixture.h"

namespace samara::server {
namespace {

constexpr std::string_view secret_text = "0123456789abcdef0123456789abcdef";
constexpr u16 type_tsig = 250;
constexpr u16 class_any = 255;
constexpr u16 error_none = 0;
constexpr u16 badsig = 16;  // RFC 8945 section 3
constexpr u16 badkey = 17;
constexpr u16 badtime = 18;
constexpr u16 badtrunc = 22;
constexpr u16 notauth = 9;
constexpr u16 formerr = 1;
constexpr u16 refused = 5;
constexpr i64 signed_at = 1'800'000'001;  // the time of the worker after start()

struct Signer {
  std::string key = "transfer.key.";
  std::string algorithm = "hmac-sha256.";
  std::string secret = std::string(secret_text);
  i64 time = signed_at;
  u16 fudge = 300;
  size_t mac_size = 32;
};

// What of a TSIG record the MAC is made over, RFC 8945 section 4.3.3.
struct Variables {
  Octets key;  // wire form
  Octets algorithm;
  u64 time = 0;
  u16 fudge = 0;
  u16 error = 0;
  Octets other;

  Octets digested() const {
    Octets memory(1024);
    ByteWriter out(memory);
    out.bytes(key);
    out.u16(class_any);
    out.u32(0);
    out.bytes(algorithm);
    out.u48(time);
    out.u16(fudge);
    out.u16(error);
    out.u16(static_cast<u16>(other.size()));
    out.bytes(other);
    memory.resize(out.size());
    return memory;
  }
};

Octets wire_of(const std::string& name) {
  const dns::Name parsed = name_of(name);
  return Octets(parsed.wire().begin(), parsed.wire().end());
}

Octets hmac(std::string_view secret, std::initializer_list<Bytes> pieces) {
  Octets key(secret.begin(), secret.end());
  crypto::Hmac running(crypto::HashAlgorithm::sha256, key);
  for (const Bytes piece : pieces) running.update(piece);
  const crypto::Digest mac = running.finish();
  return Octets(mac.bytes().begin(), mac.bytes().end());
}

struct SignedQuery {
  Octets packet;
  Octets mac;
};

SignedQuery sign(const Octets& query, const Signer& signer) {
  const Variables variables{wire_of(signer.key), wire_of(signer.algorithm), static_cast<u64>(signer.time), signer.fudge, 0, {}};
  Octets mac = hmac(signer.secret, {query, variables.digested()});
  mac.resize(signer.mac_size, 0);
  Octets packet(2048);
  ByteWriter out(packet);
  out.bytes(query);
  out.bytes(variables.key);
  out.u16(type_tsig);
  out.u16(class_any);
  out.u32(0);
  out.u16(static_cast<u16>(variables.algorithm.size() + 16 + mac.size()));
  out.bytes(variables.algorithm);
  out.u48(variables.time);
  out.u16(variables.fudge);
  out.u16(static_cast<u16>(mac.size()));
  out.bytes(mac);
  out.u16(load_be16(query));
  out.u16(0);
  out.u16(0);
  EXPECT_FALSE(out.overflowed());
  packet.resize(out.size());
  store_be16(packet, 10, static_cast<u16>(load_be16(query, 10) + 1));
  return {packet, mac};
}

// A response taken apart: the message without its TSIG record, and the record.
struct SignedResponse {
  Octets message;
  bool has_tsig = false;
  Variables variables;
  Octets mac;
  u16 original_id = 0;
  u16 rcode() const { return load_be16(message, 2) & 15; }
};

SignedResponse taken_apart(const Octets& response) {
  SignedResponse parts;
  ByteReader at(response);
  EXPECT_TRUE(at.skip(4).ok());
  std::array<u16, 4> counts{};
  for (u16& count : counts) count = at.u16().value_or(0);
  for (u16 i = 0; i < counts[0]; ++i) EXPECT_TRUE(dns::Name::from_message(at).ok() && at.skip(4).ok());
  for (int left = counts[1] + counts[2] + counts[3]; left > 0; --left) {
    const size_t start = at.position();
    const auto owner = dns::Name::from_message(at);
    const u16 type = at.u16().value_or(0);
    const u16 rr_class = at.u16().value_or(0);
    const u32 ttl = at.u32().value_or(0);
    ByteReader rdata = at.sub(at.u16().value_or(0)).value();
    if (type != type_tsig) continue;
    EXPECT_EQ(left, 1);  // the last of all
    EXPECT_EQ(rr_class, class_any);
    EXPECT_EQ(ttl, 0U);
    parts.has_tsig = true;
    parts.message.assign(response.begin(), response.begin() + static_cast<std::ptrdiff_t>(start));
    store_be16(parts.message, 10, static_cast<u16>(counts[3] - 1));
    const auto algorithm = dns::Name::from_wire(rdata);
    parts.variables.key.assign(owner.value().wire().begin(), owner.value().wire().end());
    parts.variables.algorithm.assign(algorithm.value().wire().begin(), algorithm.value().wire().end());
    const u64 high = rdata.u16().value_or(0);
    parts.variables.time = high << 32 | rdata.u32().value_or(0);
    parts.variables.fudge = rdata.u16().value_or(0);
    const Bytes mac = rdata.bytes(rdata.u16().value_or(0)).value();
    parts.mac.assign(mac.begin(), mac.end());
    parts.original_id = rdata.u16().value_or(0);
    parts.variables.error = rdata.u16().value_or(0);
    const Bytes other = rdata.bytes(rdata.u16().value_or(0)).value();
    parts.variables.other.assign(other.begin(), other.end());
    EXPECT_TRUE(rdata.at_end());
  }
  EXPECT_TRUE(at.at_end());
  if (!parts.has_tsig) parts.message = response;
  return parts;
}

// RFC 8945 section 4.3.1: the request's MAC with its length, then the message, then the variables.
bool is_signed_well(const SignedResponse& response, const SignedQuery& query) {
  const Octets size{static_cast<u8>(query.mac.size() >> 8), static_cast<u8>(query.mac.size())};
  return response.mac == hmac(secret_text, {size, query.mac, response.message, response.variables.digested()});
}

class PrimaryWorkerTsig : public WorkerTest {
 protected:
  PrimaryWorkerTsig() { config_.keys.push_back({name_of("transfer.key."), KeyAlgorithm::hmac_sha256, secret_text}); }
  static SignedQuery signed_query(const Signer& signer = {}, const std::string& line = "www.example. A") {
    return sign(query_of(line).packet, signer);
  }
  SignedResponse respond(const SignedQuery& query, std::string_view from = "192.0.2.1") {
    return taken_apart(datagram(query.packet, from));
  }
};

TEST_F(PrimaryWorkerTsig, answers_what_is_signed_well_and_signs_the_answer) {
  start();
  const SignedQuery query = signed_query();
  const SignedResponse response = respond(query);
  ASSERT_TRUE(response.has_tsig);
  EXPECT_EQ(text_of_response(response.message, query.packet), "NOERROR aa opt=1232\n" + std::string(www_answer));
  EXPECT_EQ(response.variables.key, wire_of("transfer.key."));
  EXPECT_EQ(response.variables.algorithm, wire_of("hmac-sha256."));
  EXPECT_EQ(response.variables.error, error_none);
  EXPECT_EQ(response.variables.time, static_cast<u64>(signed_at));
  EXPECT_EQ(response.original_id, load_be16(query.packet));
  EXPECT_TRUE(is_signed_well(response, query));
}

TEST_F(PrimaryWorkerTsig, takes_names_of_keys_in_any_case) {
  start();
  Signer signer;
  const Octets plain = query_of("www.example. A").packet;
  SignedQuery query = sign(plain, signer);
  // RFC 8945 section 4.3.3: the name is digested in canonical, lower-case form.
  query.packet[plain.size() + 1] = 'T';
  const SignedResponse response = respond(query);
  EXPECT_EQ(response.rcode(), 0);
  EXPECT_EQ(response.mac.size(), 32U);
}

TEST_F(PrimaryWorkerTsig, signs_denials_and_refusals_too) {
  config_.access.query = {{IpPrefix::parse("192.0.2.0/24"), std::nullopt}};
  start();
  SignedQuery query = signed_query({}, "nothing.example. A");
  SignedResponse response = respond(query);
  EXPECT_EQ(response.rcode(), 3);
  EXPECT_TRUE(is_signed_well(response, query));
  query = signed_query();
  response = respond(query, "198.51.100.1");
  EXPECT_EQ(response.rcode(), refused);
  EXPECT_EQ(response.variables.error, error_none);
  EXPECT_TRUE(is_signed_well(response, query));
}

TEST_F(PrimaryWorkerTsig, lets_in_by_key_whom_the_access_list_knows_by_it) {
  config_.keys.push_back({name_of("other."), KeyAlgorithm::hmac_sha256, "another secret, long enough"});
  config_.access.query = {{std::nullopt, u16{0}}};
  start();
  EXPECT_EQ(ask("www.example. A"), "REFUSED opt=1232 ede=18\n");
  EXPECT_EQ(respond(signed_query()).rcode(), 0);
  Signer other;
  other.key = "other.";
  other.secret = "another secret, long enough";
  EXPECT_EQ(respond(signed_query(other)).rcode(), refused);
}

TEST_F(PrimaryWorkerTsig, tells_unknown_keys_and_algorithms_without_signing) {
  start();
  Signer unknown;
  unknown.key = "nobody.";
  Signer other_algorithm;
  other_algorithm.algorithm = "hmac-sha512.";
  Signer no_algorithm;
  no_algorithm.algorithm = "hmac-made.up.";
  for (const Signer& signer : {unknown, other_algorithm, no_algorithm}) {
    const SignedQuery query = signed_query(signer);
    const SignedResponse response = respond(query);
    EXPECT_EQ(response.rcode(), notauth);  // RFC 8945 section 5.2.1
    ASSERT_TRUE(response.has_tsig);
    EXPECT_EQ(response.variables.error, badkey);
    EXPECT_EQ(response.variables.key, wire_of(signer.key));
    EXPECT_TRUE(response.mac.empty());
    EXPECT_EQ(text_of_response(response.message, query.packet).substr(0, 7), "NOTAUTH");
  }
}

TEST_F(PrimaryWorkerTsig, tells_a_wrong_mac_without_signing) {
  start();
  Signer wrong;
  wrong.secret = "another secret";
  SignedResponse response = respond(signed_query(wrong));
  EXPECT_EQ(response.rcode(), notauth);  // RFC 8945 section 5.2.2
  EXPECT_EQ(response.variables.error, badsig);
  EXPECT_TRUE(response.mac.empty());
  // One that was right until the message was changed: any octet of the question and its records.
  const SignedQuery good = signed_query();
  for (const size_t at : {3U, 13U, 20U, 28U}) {
    SignedQuery changed = good;
    changed.packet[at] ^= 0x10;
    response = respond(changed);
    EXPECT_NE(response.rcode(), 0) << at;
    EXPECT_TRUE(response.mac.empty()) << at;
  }
}

TEST_F(PrimaryWorkerTsig, verifies_the_message_with_its_original_id) {
  start();
  SignedQuery forwarded = signed_query();
  forwarded.packet[0] ^= 0xff;  // RFC 8945 section 5.1: a forwarder's id
  const SignedResponse response = respond(forwarded);
  EXPECT_EQ(response.rcode(), 0);
  EXPECT_EQ(load_be16(response.message), load_be16(forwarded.packet));
}

TEST_F(PrimaryWorkerTsig, tells_a_wrong_time_with_its_own_signed) {
  start();
  for (const i64 off : {-301, 301, -100'000'000}) {
    Signer late;
    late.time = signed_at + off;
    const SignedQuery query = signed_query(late);
    const SignedResponse response = respond(query);
    EXPECT_EQ(response.rcode(), notauth);  // RFC 8945 section 5.2.3
    EXPECT_EQ(response.variables.error, badtime);
    EXPECT_EQ(response.variables.time, static_cast<u64>(late.time));
    Octets own_time(6);
    ByteWriter(own_time).u48(static_cast<u64>(signed_at));
    EXPECT_EQ(response.variables.other, own_time);
    EXPECT_TRUE(is_signed_well(response, query));
  }
  for (const i64 off : {-300, 300}) {
    Signer just;
    just.time = signed_at + off;
    EXPECT_EQ(respond(signed_query(just)).rcode(), 0) << off;
  }
  Signer strict;
  strict.fudge = 5;
  strict.time = signed_at - 6;
  EXPECT_EQ(respond(signed_query(strict)).variables.error, badtime);
}

TEST_F(PrimaryWorkerTsig, tells_a_mac_cut_shorter_than_it_takes) {
  start();
  Signer cut;
  cut.mac_size = 16;  // the least there may be: half of it (RFC 8945 section 5.2.2.1)
  const SignedQuery query = signed_query(cut);
  const SignedResponse response = respond(query);
  EXPECT_EQ(response.rcode(), notauth);
  EXPECT_EQ(response.variables.error, badtrunc);
  EXPECT_EQ(response.mac.size(), 32U);
  EXPECT_TRUE(is_signed_well(response, query));
}

TEST_F(PrimaryWorkerTsig, of_an_impossible_size_is_formerr_without_tsig) {
  start();
  for (const size_t size : {0U, 1U, 9U, 15U, 33U, 64U}) {
    Signer cut;
    cut.mac_size = size;
    const SignedResponse response = respond(signed_query(cut));
    EXPECT_EQ(response.rcode(), formerr) << size;
    EXPECT_FALSE(response.has_tsig) << size;
  }
}

TEST_F(PrimaryWorkerTsig, that_is_not_the_last_record_is_formerr) {
  start();
  SignedQuery query = signed_query({}, "www.example. A noedns");
  const Octets opt = octets_of("0000290400000000000000");
  query.packet.insert(query.packet.end(), opt.begin(), opt.end());
  query.packet[11] = 2;
  const SignedResponse response = respond(query);
  EXPECT_EQ(response.rcode(), formerr);  // RFC 8945 section 5.1
  EXPECT_FALSE(response.has_tsig);
}

TEST_F(PrimaryWorkerTsig, leaves_room_for_the_signature_in_answers_that_are_cut) {
  start();
  for (const char* line : {"example. TXT noedns", "example. TXT edns=700", "example. ANY edns=1232"}) {
    const SignedQuery query = signed_query({}, line);
    const Octets whole = datagram(query.packet);
    const SignedResponse response = taken_apart(whole);
    EXPECT_LE(whole.size(), std::string_view(line).ends_with("noedns") ? 512U : 1'232U) << line;
    EXPECT_TRUE(is_signed_well(response, query)) << line;
  }
  EXPECT_NE(load_be16(datagram(signed_query({}, "example. TXT noedns").packet), 2) & 0x0200, 0);
}

TEST_F(PrimaryWorkerTsig, failures_are_rate_limited_and_slip_with_their_error) {
  config_.rate_limit = RateLimit{.responses_per_second = 2, .slip = 2, .window_seconds = 2, .exempt = {}};
  start();
  Signer unknown;
  unknown.key = "nobody.";
  std::string all;
  for (int i = 0; i < 6; ++i) {
    const Octets octets = datagram(signed_query(unknown, "x" + std::to_string(i) + ".example. A").packet);
    if (octets.empty()) {
      all += '-';
      continue;
    }
    const SignedResponse response = taken_apart(octets);
    EXPECT_EQ(response.rcode(), notauth);
    EXPECT_EQ(response.variables.error, badkey);
    all += (load_be16(octets, 2) & 0x0200) != 0 ? 'T' : 'A';
  }
  EXPECT_EQ(all, "AA-T-T");
}

TEST_F(PrimaryWorkerTsig, does_not_exempt_from_the_rate_limit_because_a_request_can_be_sent_again) {
  config_.rate_limit = RateLimit{.responses_per_second = 2, .slip = 1, .window_seconds = 2, .exempt = {}};
  start();
  const SignedQuery query = signed_query();
  respond(query);
  respond(query);
  const SignedResponse slipped = respond(query);
  EXPECT_EQ(text_of_response(slipped.message, query.packet), "NOERROR tc opt=1232\n");
  EXPECT_TRUE(is_signed_well(slipped, query));
}

}  // namespace
}  // namespace samara::server
