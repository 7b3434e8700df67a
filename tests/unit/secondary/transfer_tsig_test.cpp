#include "messages.h"

namespace samara::secondary {
namespace {

using State = TransferIn::State;

const std::string ns = "example. 60 IN NS ns.example.";

dns::TsigKey key(std::string_view name, u8 first = 1, u8 mac_size = 0) {
  Octets secret(32, 7);
  secret[0] = first;
  return {name_of(name), dns::TsigAlgorithm::hmac_sha256, crypto::SecretBytes(secret), mac_size};
}

// A primary that signs what it is told to sign.
struct Signed {
  dns::TsigKey ours = key("k.");
  dns::TsigKeyring theirs;
  dns::TsigServer server;
  std::optional<Fed> run;
  UnixTime clock = Fed::wall;

  explicit Signed(dns::TsigKey at_primary = key("k.")) {
    theirs.add(std::move(at_primary));
    TransferRequest request = whole_request();
    request.key = &ours;
    run.emplace(request);
    const Octets query = run->request();
    server.on_request(query, dns::parse_query(query).tsig_at, theirs, clock);
  }
  Octets sign(const Response& response) {
    const Octets message = response.message();
    Octets memory(message.size() + 500);
    ByteWriter out(memory);
    out.bytes(message);
    server.sign_response(out, clock);
    EXPECT_FALSE(out.overflowed());
    memory.resize(out.size());
    return memory;
  }
  void send(const Response& response) { run->feed(framed(sign(response))); }
  void send_unsigned(const Response& response) { run->feed(framed(response.message())); }
  const TransferIn& transfer() const { return run->transfer; }
};

std::string failure(const Signed& peer) {
  TextBuffer<300> text;
  peer.transfer().write_failure(text.writer());
  return std::string(text.view());
}

// An unsigned message is part of what the next signature covers; TsigServer signs every one, so the MAC of several is made
// here.
struct Streamer {
  crypto::Hmac hmac;
  explicit Streamer(const dns::TsigKey& key, Bytes prior) : hmac(hash_of(key.algorithm), key.secret.bytes()) {
    dns::digest_prior_mac(hmac, prior);
  }
  void pass(const Octets& message) { hmac.update(message); }
  Octets sign(const Octets& message, const dns::TsigKey& key, UnixTime now) {
    dns::TsigRecordView record;
    record.key_name = key.name;
    record.algorithm = dns::algorithm_name(key.algorithm);
    record.time_signed = static_cast<u64>(now.seconds);
    record.fudge = dns::tsig_fudge;
    record.original_id = load_be16(message);
    hmac.update(message);
    dns::digest_timers(hmac, record);
    const crypto::Digest mac = hmac.finish();
    record.mac = mac.bytes();
    dns::digest_prior_mac(hmac, record.mac);
    Octets memory(message.size() + 500);
    ByteWriter out(memory);
    out.bytes(message);
    append_tsig(record, out);
    memory.resize(out.size());
    return memory;
  }
};

Octets mac_of(const Octets& message) {
  const dns::Response response = MUST(dns::read_response(message));
  const auto record = MUST(dns::TsigRecordView::parse(message, *response.tsig_at));
  return {record.mac.begin(), record.mac.end()};
}

TEST(SignedTransfer, IsTakenWhenEveryMessageIsSigned) {
  Signed peer;
  peer.send({.answers = {soa(3), ns}});
  peer.send({.answers = {"a.example. 60 IN A 192.0.2.1"}});
  peer.send({.answers = {soa(3)}});
  EXPECT_EQ(peer.transfer().state(), State::complete);
  EXPECT_EQ(peer.run->lines.size(), 5u);
}

TEST(SignedTransfer, MayLeaveNinetyNineMessagesUnsigned) {
  for (const int unsigned_messages : {1, 99, 100}) {
    Signed peer;
    const Octets first = peer.sign({.answers = {soa(3), ns}});
    peer.run->feed(framed(first));
    Streamer streamer(peer.ours, mac_of(first));
    for (int i = 0; i < unsigned_messages; ++i) {
      const Octets message = Response{.answers = {"a" + std::to_string(i) + ".example. 60 IN A 192.0.2.1"}}.message();
      streamer.pass(message);
      peer.run->feed(framed(message));
    }
    peer.run->feed(framed(streamer.sign(Response{.answers = {soa(3)}}.message(), peer.ours, peer.clock)));
    EXPECT_EQ(peer.transfer().state(), unsigned_messages == 100 ? State::failed : State::complete) << unsigned_messages;
    if (unsigned_messages == 100) {
      EXPECT_EQ(peer.transfer().tsig_error(), dns::TsigClientError::missing);
    }
  }
}

TEST(SignedTransfer, IsNotOverBeforeASignedMessageSaysSo) {
  Signed peer;
  peer.send({.answers = {soa(3), ns}});
  peer.send_unsigned({.answers = {soa(3)}});
  EXPECT_EQ(peer.transfer().state(), State::failed);
  EXPECT_EQ(peer.transfer().error(), TransferError::unsigned_end);
  for (const std::string& line : peer.run->lines) EXPECT_FALSE(line.starts_with("end"));
}

TEST(SignedTransfer, IsRefusedWhenTheFirstMessageIsNotSigned) {
  Signed peer;
  peer.send_unsigned({.answers = {soa(3), ns, soa(3)}});
  EXPECT_EQ(peer.transfer().error(), TransferError::tsig);
  EXPECT_EQ(peer.transfer().tsig_error(), dns::TsigClientError::missing);
}

TEST(SignedTransfer, IsRefusedWithAWrongSignatureInTheMiddle) {
  Signed peer;
  peer.send({.answers = {soa(3), ns}});
  Octets forged = peer.sign({.answers = {"a.example. 60 IN A 192.0.2.1"}});
  const size_t at = 12 + 9 + 4 + 11 + 10;  // the address
  forged[at] ^= 1;
  peer.run->feed(framed(forged));
  EXPECT_EQ(peer.transfer().error(), TransferError::tsig);
  EXPECT_EQ(peer.transfer().tsig_error(), dns::TsigClientError::bad_mac);
}

TEST(SignedTransfer, IsRefusedWhenAMessageWasTakenOut) {
  Signed peer;
  peer.send({.answers = {soa(3), ns}});
  (void)peer.sign({.answers = {"a.example. 60 IN A 192.0.2.1"}});
  peer.send({.answers = {soa(3)}});
  EXPECT_EQ(peer.transfer().tsig_error(), dns::TsigClientError::bad_mac);
}

TEST(SignedTransfer, IsRefusedWithAnotherKeyOrSecretOrTime) {
  Signed other_secret(key("k.", 2));
  other_secret.send({.answers = {}, .rcode = 9});
  EXPECT_EQ(other_secret.transfer().tsig_error(), dns::TsigClientError::peer_refuses);
  EXPECT_EQ(other_secret.transfer().rcode(), dns::Rcode::BADSIG);
  EXPECT_EQ(failure(other_secret),
            "a signature is wrong: the peer does not accept our signature: the peer has another secret for the key (BADSIG)");

  Signed other_key(key("other."));
  other_key.send({.answers = {}, .rcode = 9});
  EXPECT_EQ(other_key.transfer().rcode(), dns::Rcode::BADKEY);

  Signed late;
  late.clock.seconds += 301;
  late.send({.answers = {soa(3), ns, soa(3)}});
  EXPECT_EQ(late.transfer().tsig_error(), dns::TsigClientError::bad_time);
}

TEST(SignedTransfer, TellsARefusalThatIsNotSigned) {
  Signed peer;
  peer.send_unsigned({.answers = {}, .rcode = 5});
  EXPECT_EQ(peer.transfer().error(), TransferError::refused);
  EXPECT_EQ(peer.transfer().rcode(), dns::Rcode::REFUSED);
  EXPECT_EQ(failure(peer), "the primary does not give it: REFUSED");
}

}  // namespace
}  // namespace samara::secondary
