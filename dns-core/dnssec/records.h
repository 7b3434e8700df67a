// The DNSSEC record types as values with names, read from their stored form (rdata/rdata.h): RFC 4034 sections 2 to 5, RFC 5155
// sections 3 and 4. Views for the length of a call: the octets stay where they are.
#pragma once

#include "dns-core/dnssec/algorithm.h"
#include "dns-core/name.h"
#include "dns-core/rdata/rdata.h"
#include "dns-core/types.h"

namespace samara::dns {

// Octets of RRSIG data in front of the signer's name.
constexpr size_t rrsig_fixed_size = 18;

struct RrsigView {
  RrType covered{};
  DnssecAlgorithm algorithm{};
  u8 labels = 0;
  u32 original_ttl = 0;
  u32 expiration = 0;  // seconds since 1970 modulo 2^32
  u32 inception = 0;
  KeyTag key_tag;
  Name signer;
  Bytes signature;

  static Result<RrsigView, RdataError> parse(Bytes rdata);
};

struct DnskeyView {
  static constexpr u16 zone_key_flag = 0x0100;      // RFC 4034 section 2.1.1
  static constexpr u16 revoked_flag = 0x0080;       // RFC 5011 section 7
  static constexpr u16 secure_entry_flag = 0x0001;  // a key-signing key by convention
  u16 flags = 0;
  u8 protocol = 0;
  DnssecAlgorithm algorithm{};
  Bytes public_key;

  static Result<DnskeyView, RdataError> parse(Bytes rdata);
};

struct DsView {
  KeyTag key_tag;
  DnssecAlgorithm algorithm{};
  DsDigest digest_type{};
  Bytes digest;

  static Result<DsView, RdataError> parse(Bytes rdata);
};

struct NsecView {
  Name next;
  Bytes types;  // for type_bitmap_contains()

  static Result<NsecView, RdataError> parse(Bytes rdata);
};

// What an NSEC3 hash depends on besides the name (RFC 5155 section 5); NSEC3 and NSEC3PARAM share these fields.
struct Nsec3ParameterView {
  static constexpr u8 sha1 = 1;  // the only hash algorithm there is
  u8 algorithm = 0;
  u8 flags = 0;
  u16 iterations = 0;
  Bytes salt;

  // Of an NSEC3PARAM record.
  static Result<Nsec3ParameterView, RdataError> parse(Bytes rdata);
};

struct Nsec3View {
  static constexpr u8 opt_out_flag = 0x01;
  Nsec3ParameterView parameters;
  Bytes next_hash;
  Bytes types;

  bool is_opt_out() const { return (parameters.flags & opt_out_flag) != 0; }
  static Result<Nsec3View, RdataError> parse(Bytes rdata);
};

}  // namespace samara::dns
