#include "dns-core/tsig/client.h"

#include "platform/base/byte_order.h"
#include "platform/base/byte_reader.h"

namespace samara::dns {

std::string_view describe(TsigClientError error) {
  switch (error) {
    case TsigClientError::malformed: return "the TSIG record of the response is malformed";
    case TsigClientError::missing: return "the response is not signed";
    case TsigClientError::other_key: return "the response is signed with another key";
    case TsigClientError::bad_mac: return "the signature of the response does not match";
    case TsigClientError::bad_time: return "the response was signed at a time too far from this clock";
    case TsigClientError::short_mac: return "the signature of the response is shorter than the key allows";
    case TsigClientError::peer_refuses: return "the peer does not accept our signature";
  }
  return "unknown TSIG error";
}

std::string_view describe_refusal(Rcode peer_error) {
  switch (code(peer_error)) {
    case code(Rcode::BADSIG): return "the peer has another secret for the key (BADSIG)";
    case code(Rcode::BADKEY): return "the peer does not know the key, or not with this algorithm (BADKEY)";
    case code(Rcode::BADTIME): return "our clock and the peer's are too far apart (BADTIME)";
    case code(Rcode::BADTRUNC): return "the peer wants a longer signature (BADTRUNC)";
    default: return {};
  }
}

TsigClient::TsigClient(const TsigKey& key) : key_(key), running_(hash_of(key.algorithm), key.secret.bytes()) {}

size_t TsigClient::request_size() const {
  return TsigRecordView::size(key_.name, algorithm_name(key_.algorithm), key_.used_mac_size(), 0);
}

void TsigClient::keep_mac(Bytes mac) {
  // What finish() left is a fresh code under the same key.
  digest_prior_mac(running_, mac);
}

void TsigClient::sign_request(ByteWriter& message, UnixTime now) {
  if (message.overflowed()) return;
  TsigRecordView record;
  record.key_name = key_.name;
  record.algorithm = algorithm_name(key_.algorithm);
  record.time_signed = static_cast<u64>(now.seconds);
  record.fudge = tsig_fudge;
  record.original_id = load_be16(message.written());
  running_.update(message.written());
  digest_variables(running_, record);
  const crypto::Digest mac = running_.finish();
  record.mac = mac.bytes().first(key_.used_mac_size());
  keep_mac(record.mac);
  append_tsig(record, message);
}

Result<void, TsigClientError> TsigClient::on_unsigned(Bytes message) {
  // RFC 8945 section 5.3.1: the first message of a response is signed, and then at least every hundredth.
  if (first_ || unsigned_messages_ == max_unsigned_messages) return fail(TsigClientError::missing);
  ++unsigned_messages_;
  running_.update(message);
  return {};
}

Result<void, TsigClientError> TsigClient::check_mac(Bytes message, size_t tsig_at, const TsigRecordView& record) {
  if (record.mac.size() > key_.full_mac_size() || record.mac.size() < least_mac_size(key_.algorithm)) {
    return fail(TsigClientError::malformed);
  }
  digest_received(running_, message, tsig_at, record.original_id);
  if (first_) {
    digest_variables(running_, record);
  } else {
    digest_timers(running_, record);
  }
  const crypto::Digest mac = running_.finish();
  if (!crypto::equal_in_constant_time(mac.bytes().first(record.mac.size()), record.mac)) return fail(TsigClientError::bad_mac);
  keep_mac(record.mac);
  return {};
}

Result<void, TsigClientError> TsigClient::on_response(Bytes message, std::optional<size_t> tsig_at, UnixTime now) {
  if (!tsig_at) return on_unsigned(message);
  const TsigRecordView record =
      TRY(TsigRecordView::parse(message, *tsig_at).map_error([](TsigRecordError) { return TsigClientError::malformed; }));
  if (record.key_name != key_.name || tsig_algorithm(record.algorithm) != key_.algorithm)
    return fail(TsigClientError::other_key);
  // RFC 8945 section 5.3.2: a peer that does not know the key or the MAC cannot sign what it says about it. NSD does not sign
  // BADTIME either.
  if (first_ && record.error != Rcode::NOERROR && record.mac.empty()) {
    peer_error_ = record.error;
    return fail(TsigClientError::peer_refuses);
  }
  TRY(check_mac(message, *tsig_at, record));
  if (!record.is_timely(now) && record.error != Rcode::BADTIME) return fail(TsigClientError::bad_time);
  if (record.mac.size() < key_.used_mac_size()) return fail(TsigClientError::short_mac);
  if (record.error != Rcode::NOERROR) {
    peer_error_ = record.error;
    ByteReader other(record.other);
    if (const auto time = other.u48(); record.error == Rcode::BADTIME && time.ok()) {
      server_time_ = UnixTime{static_cast<i64>(time.value())};
    }
    return fail(TsigClientError::peer_refuses);
  }
  first_ = false;
  unsigned_messages_ = 0;
  return {};
}

}  // namespace samara::dns
