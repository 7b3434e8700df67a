// TsigServer: the server's side of one signed request and its response, of one message or many (RFC 8945 sections 5.2 and 5.3).
//
// Getters   verdict(), rcode(), key(), response_size()
// Input     on_request(): once, first
// Output    sign_response(): for every message of the response, in order, each complete but for its TSIG record
//
// A request without TSIG has no TsigServer. After formerr the response carries no TSIG either. The key found stays in the
// keyring, which outlives this object. Left out: refusing a time that is earlier than one seen before under the same key
// (section 5.2.3, a SHOULD), because datagrams overtake each other. Whoever must not take a request twice remembers which it
// has taken, by signed_at() and mac_start().
#pragma once

#include <array>

#include "dns-core/tsig/key.h"
#include "dns-core/tsig/record.h"

namespace samara::dns {

enum class TsigVerdict : u8 {
  verified,  // the request comes from who has the key
  formerr,   // the record cannot be read, or its MAC is longer or shorter than any can be
  badkey,    // the key or the algorithm is not known
  badsig,    // the MAC is another
  badtime,   // too far from our clock
  badtrunc,  // a MAC that is right but shorter than the key's policy asks for
};

std::string_view describe(TsigVerdict verdict);

class TsigServer {
 public:
  TsigVerdict verdict() const { return verdict_; }
  // Of the response as a whole: NOERROR, FORMERR or NOTAUTH (RFC 8945 section 5.2).
  Rcode rcode() const;
  // The key, when the request was verified; else nothing.
  const TsigKey* key() const { return verdict_ == TsigVerdict::verified ? key_ : nullptr; }
  // As the request names it, whatever the verdict but formerr.
  const Name& key_name() const { return key_name_; }
  // When it was signed, in seconds since 1970; and the first octets of its MAC, which has at least as many, whatever was cut
  // off. Both of a verified request, before sign_response().
  u64 signed_at() const { return request_time_; }
  u64 mac_start() const { return load_be64(prior_mac_); }
  // Octets that sign_response() will add to each message: to be left free.
  size_t response_size() const;

  // `tsig_at` is where the message's TSIG record begins. A fudge above `most_fudge` seconds counts as that.
  TsigVerdict on_request(Bytes message, size_t tsig_at, const TsigKeyring& keyring, UnixTime now, u16 most_fudge = 0xffff);

  // Appends the TSIG record to the message that `message` holds from its first octet on; overflows it when there is no room.
  void sign_response(ByteWriter& message, UnixTime now);

 private:
  TsigVerdict check(Bytes message, size_t tsig_at, const TsigRecordView& record, const TsigKeyring& keyring, UnixTime now,
                    u16 most_fudge);
  bool signs() const {
    return verdict_ != TsigVerdict::formerr && verdict_ != TsigVerdict::badkey && verdict_ != TsigVerdict::badsig;
  }
  Rcode error() const;

  TsigVerdict verdict_ = TsigVerdict::formerr;
  const TsigKey* key_ = nullptr;
  bool first_ = true;
  u8 prior_mac_size_ = 0;
  std::array<u8, max_mac_size> prior_mac_{};  // of the request, then of the message before
  Name key_name_;                             // as the request has them
  Name algorithm_;
  u64 request_time_ = 0;
};

}  // namespace samara::dns
