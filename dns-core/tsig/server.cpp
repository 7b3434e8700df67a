#include "dns-core/tsig/server.h"

#include <algorithm>

#include "platform/base/byte_order.h"

namespace samara::dns {
namespace {

constexpr size_t server_time_size = 6;

}  // namespace

std::string_view describe(TsigVerdict verdict) {
  switch (verdict) {
    case TsigVerdict::verified: return "the signature is good";
    case TsigVerdict::formerr: return "its TSIG record cannot be read";
    case TsigVerdict::badkey: return "the key is not known here, or not with this algorithm (BADKEY)";
    case TsigVerdict::badsig: return "it is signed with another secret than the one here (BADSIG)";
    case TsigVerdict::badtime: return "it was signed at a time too far from this clock (BADTIME)";
    case TsigVerdict::badtrunc: return "its signature is shorter than the key allows (BADTRUNC)";
  }
  return {};
}

Rcode TsigServer::rcode() const {
  switch (verdict_) {
    case TsigVerdict::verified: return Rcode::NOERROR;
    case TsigVerdict::formerr: return Rcode::FORMERR;
    case TsigVerdict::badkey:
    case TsigVerdict::badsig:
    case TsigVerdict::badtime:
    case TsigVerdict::badtrunc: return Rcode::NOTAUTH;
  }
  return Rcode::NOTAUTH;
}

Rcode TsigServer::error() const {
  switch (verdict_) {
    case TsigVerdict::verified:
    case TsigVerdict::formerr: return Rcode::NOERROR;
    case TsigVerdict::badkey: return Rcode::BADKEY;
    case TsigVerdict::badsig: return Rcode::BADSIG;
    case TsigVerdict::badtime: return Rcode::BADTIME;
    case TsigVerdict::badtrunc: return Rcode::BADTRUNC;
  }
  return Rcode::NOERROR;
}

size_t TsigServer::response_size() const {
  if (verdict_ == TsigVerdict::formerr) return 0;
  const size_t mac_size = signs() ? key_->used_mac_size() : 0;
  return TsigRecordView::size(key_name_, algorithm_, mac_size, verdict_ == TsigVerdict::badtime ? server_time_size : 0);
}

TsigVerdict TsigServer::on_request(Bytes message, size_t tsig_at, const TsigKeyring& keyring, UnixTime now, u16 most_fudge) {
  const auto record = TsigRecordView::parse(message, tsig_at);
  verdict_ = record.ok() ? check(message, tsig_at, record.value(), keyring, now, most_fudge) : TsigVerdict::formerr;
  return verdict_;
}

// The order of the checks is that of RFC 8945 section 5.2.
TsigVerdict TsigServer::check(Bytes message, size_t tsig_at, const TsigRecordView& record, const TsigKeyring& keyring,
                              UnixTime now, u16 most_fudge) {
  key_name_ = record.key_name;
  algorithm_ = record.algorithm;
  request_time_ = record.time_signed;
  const auto algorithm = tsig_algorithm(record.algorithm);
  key_ = algorithm ? keyring.find(record.key_name, *algorithm) : nullptr;
  if (key_ == nullptr) return TsigVerdict::badkey;

  if (record.mac.size() > key_->full_mac_size() || record.mac.size() < least_mac_size(key_->algorithm))
    return TsigVerdict::formerr;
  crypto::Hmac hmac(hash_of(key_->algorithm), key_->secret.bytes());
  digest_received(hmac, message, tsig_at, record.original_id);
  digest_variables(hmac, record);
  const crypto::Digest mac = hmac.finish();
  if (!crypto::equal_in_constant_time(mac.bytes().first(record.mac.size()), record.mac)) return TsigVerdict::badsig;
  std::ranges::copy(record.mac, prior_mac_.begin());
  prior_mac_size_ = static_cast<u8>(record.mac.size());

  if (!record.is_timely(now, most_fudge)) return TsigVerdict::badtime;
  if (record.mac.size() < key_->used_mac_size()) return TsigVerdict::badtrunc;
  return TsigVerdict::verified;
}

void TsigServer::sign_response(ByteWriter& message, UnixTime now) {
  if (verdict_ == TsigVerdict::formerr || message.overflowed()) return;
  std::array<u8, server_time_size> server_time{};
  ByteWriter(server_time).u48(static_cast<u64>(now.seconds));
  TsigRecordView record;
  record.key_name = key_name_;
  record.algorithm = algorithm_;
  record.time_signed = static_cast<u64>(now.seconds);
  record.fudge = tsig_fudge;
  record.original_id = load_be16(message.written());
  record.error = error();
  if (verdict_ == TsigVerdict::badtime) {
    // RFC 8945 section 5.2.3: the client's time, so that it accepts the MAC, and ours for it to learn from.
    record.time_signed = request_time_;
    record.other = server_time;
  }
  crypto::Digest mac;
  if (signs()) {
    crypto::Hmac hmac(hash_of(key_->algorithm), key_->secret.bytes());
    digest_prior_mac(hmac, Bytes(prior_mac_).first(prior_mac_size_));
    hmac.update(message.written());
    if (first_) {
      digest_variables(hmac, record);
    } else {
      digest_timers(hmac, record);
    }
    mac = hmac.finish();
    record.mac = mac.bytes().first(key_->used_mac_size());
    std::ranges::copy(record.mac, prior_mac_.begin());
    prior_mac_size_ = static_cast<u8>(record.mac.size());
    first_ = false;
  }
  append_tsig(record, message);
}

}  // namespace samara::dns
