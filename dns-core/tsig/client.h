// TsigClient: the client's side of one signed request and its response, of one message or many (RFC 8945
// sections 5.1, 5.3, 5.4).
//
// Getters   last_was_signed(), peer_error(), server_time()
// Command   sign_request(): once, first
// Input     on_response(): every message of the response, in order; after an error this object is of no further use
//
// A response of many messages is proven only up to its last signed one: what ends a transfer must be last_was_signed(). The key
// outlives this object.
#pragma once

#include <array>
#include <optional>

#include "dns-core/tsig/key.h"
#include "dns-core/tsig/record.h"

namespace samara::dns {

// RFC 8945 section 5.3.1: a signature must come at least with every hundredth message.
constexpr unsigned max_unsigned_messages = 99;

enum class TsigClientError : u8 {
  malformed,    // the record cannot be read, or its MAC is longer or shorter than any can be
  missing,      // no TSIG where one must be
  other_key,    // signed with another key or algorithm than asked
  bad_mac,      // the MAC is another
  bad_time,     // too far from our clock
  short_mac,    // shorter than the key's policy asks for
  peer_refuses  // the peer did not accept our signature: peer_error() says why
};
std::string_view describe(TsigClientError error);
// What the peer has against our signature: "the peer has another secret for the key (BADSIG)". Code 16 is BADSIG where it
// stands in a TSIG record and BADVERS in messages (RFC 8945 section 3). Empty for codes of which it says nothing.
std::string_view describe_refusal(Rcode peer_error);

class TsigClient {
 public:
  explicit TsigClient(const TsigKey& key);

  // Whether the last message given carried a valid TSIG.
  bool last_was_signed() const { return unsigned_messages_ == 0 && !first_; }
  // With peer_refuses: BADKEY, BADSIG, BADTIME or BADTRUNC. Nothing proves that it comes from the peer, but with server_time().
  Rcode peer_error() const { return peer_error_; }
  // With BADTIME, signed by the peer: its clock, for one more try.
  std::optional<UnixTime> server_time() const { return server_time_; }
  // Octets that sign_request() adds.
  size_t request_size() const;

  // Appends the TSIG record to the request that `message` holds from its first octet on; overflows it when there is no room.
  void sign_request(ByteWriter& message, UnixTime now);

  // The next message of the response; `tsig_at` is where its TSIG record begins, if it has one. The message's id has been
  // compared with the request's.
  Result<void, TsigClientError> on_response(Bytes message, std::optional<size_t> tsig_at, UnixTime now);

 private:
  Result<void, TsigClientError> on_unsigned(Bytes message);
  Result<void, TsigClientError> check_mac(Bytes message, size_t tsig_at, const TsigRecordView& record);
  void keep_mac(Bytes mac);

  const TsigKey& key_;
  crypto::Hmac running_;  // has taken the prior MAC and the unsigned messages since
  unsigned unsigned_messages_ = 0;
  bool first_ = true;
  Rcode peer_error_ = Rcode::NOERROR;
  std::optional<UnixTime> server_time_;
};

}  // namespace samara::dns
