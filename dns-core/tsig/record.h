// The TSIG record in a message (RFC 8945 section 4.2), and the octets its MAC is made over (section 4.3).
#pragma once

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/byte_writer.h"
#include "platform/base/result.h"
#include "platform/base/time.h"
#include "platform/crypto/hmac.h"

namespace samara::dns {

// RFC 8945 section 10: the recommended fudge, in seconds.
constexpr u16 tsig_fudge = 300;

enum class TsigRecordError : u8 {
  malformed,  // not the last record, or a field that cannot be (RFC 8945 section 5.1: FORMERR)
};

// A view: MAC and other data stay in the message.
struct TsigRecordView {
  Name key_name;
  Name algorithm;
  u64 time_signed = 0;  // 48 bits
  u16 fudge = 0;
  Bytes mac;
  u16 original_id = 0;
  Rcode error = Rcode::NOERROR;
  Bytes other;

  // The record at offset `at` of `message`, where its end must be.
  static Result<TsigRecordView, TsigRecordError> parse(Bytes message, size_t at);
  // Whether `now` is no further from the time signed than the fudge, and `most` seconds (RFC 8945 section 5.2.3).
  bool is_timely(UnixTime now, u16 most = 0xffff) const;
  // Octets of the record with a MAC and other data of these sizes.
  static size_t size(const Name& key_name, const Name& algorithm, size_t mac_size, size_t other_size);
};

// Appends the record to a message that `message` holds from its first octet, and counts it in the header.
void append_tsig(const TsigRecordView& record, ByteWriter& message);

// RFC 8945 section 4.3.1: the MAC of the request, or of the message before, with its length.
void digest_prior_mac(crypto::Hmac& hmac, Bytes mac);
// RFC 8945 section 4.3.2: a received message as it was before the TSIG record at `tsig_at` came to it.
void digest_received(crypto::Hmac& hmac, Bytes message, size_t tsig_at, u16 original_id);
// RFC 8945 section 4.3.3: the record's fields.
void digest_variables(crypto::Hmac& hmac, const TsigRecordView& record);
// RFC 8945 section 5.3.1: of later messages of a stream, only the time.
void digest_timers(crypto::Hmac& hmac, const TsigRecordView& record);

}  // namespace samara::dns
