// The numbers of DNS as types of their own (IANA "Domain Name System Parameters"): record types, classes, opcodes, response
// codes, TTLs and serials. Any 16-bit value is a valid RrType; the enumerators are those the code mentions by name, the full
// registry with mnemonics is the descriptor table in rdata/descriptor.h.
#pragma once

#include <algorithm>

#include "platform/base/strong.h"
#include "platform/base/types.h"

namespace samara::dns {

enum class RrType : u16 {
  A = 1,
  NS = 2,
  MD = 3,
  MF = 4,
  CNAME = 5,
  SOA = 6,
  MB = 7,
  MG = 8,
  MR = 9,
  NULL_ = 10,
  WKS = 11,
  PTR = 12,
  HINFO = 13,
  MINFO = 14,
  MX = 15,
  TXT = 16,
  RP = 17,
  AFSDB = 18,
  X25 = 19,
  ISDN = 20,
  RT = 21,
  NSAP = 22,
  NSAP_PTR = 23,
  SIG = 24,
  KEY = 25,
  PX = 26,
  GPOS = 27,
  AAAA = 28,
  LOC = 29,
  NXT = 30,
  EID = 31,
  NIMLOC = 32,
  SRV = 33,
  ATMA = 34,
  NAPTR = 35,
  KX = 36,
  CERT = 37,
  A6 = 38,
  DNAME = 39,
  SINK = 40,
  OPT = 41,
  APL = 42,
  DS = 43,
  SSHFP = 44,
  IPSECKEY = 45,
  RRSIG = 46,
  NSEC = 47,
  DNSKEY = 48,
  DHCID = 49,
  NSEC3 = 50,
  NSEC3PARAM = 51,
  TLSA = 52,
  SMIMEA = 53,
  HIP = 55,
  NINFO = 56,
  RKEY = 57,
  TALINK = 58,
  CDS = 59,
  CDNSKEY = 60,
  OPENPGPKEY = 61,
  CSYNC = 62,
  ZONEMD = 63,
  SVCB = 64,
  HTTPS = 65,
  DSYNC = 66,
  HHIT = 67,
  BRID = 68,
  SPF = 99,
  UINFO = 100,
  UID = 101,
  GID = 102,
  UNSPEC = 103,
  NID = 104,
  L32 = 105,
  L64 = 106,
  LP = 107,
  EUI48 = 108,
  EUI64 = 109,
  NXNAME = 128,
  TKEY = 249,
  TSIG = 250,
  IXFR = 251,
  AXFR = 252,
  MAILB = 253,
  MAILA = 254,
  ANY = 255,
  URI = 256,
  CAA = 257,
  AVC = 258,
  DOA = 259,
  AMTRELAY = 260,
  RESINFO = 261,
  WALLET = 262,
  CLA = 263,
  IPN = 264,
  TA = 32768,
  DLV = 32769,
};
constexpr u16 code(RrType t) {
  return static_cast<u16>(t);
}

// RFC 6895 section 3.1: types of questions and of messages, and the reserved 0. No zone has data of them.
constexpr bool is_meta_type(RrType t) {
  return code(t) == 0 || t == RrType::OPT || (code(t) >= 128 && code(t) <= 255);
}

enum class RrClass : u16 { IN = 1, CH = 3, HS = 4, NONE = 254, ANY = 255 };
constexpr u16 code(RrClass c) {
  return static_cast<u16>(c);
}

enum class Opcode : u8 { QUERY = 0, IQUERY = 1, STATUS = 2, NOTIFY = 4, UPDATE = 5, DSO = 6 };

// With EDNS the code has 12 bits (RFC 6891 section 6.1.3); the upper eight travel in OPT.
enum class Rcode : u16 {
  NOERROR = 0,
  FORMERR = 1,
  SERVFAIL = 2,
  NXDOMAIN = 3,
  NOTIMP = 4,
  REFUSED = 5,
  YXDOMAIN = 6,
  YXRRSET = 7,
  NXRRSET = 8,
  NOTAUTH = 9,
  NOTZONE = 10,
  DSOTYPENI = 11,
  BADVERS = 16,
  BADSIG = 16,
  BADKEY = 17,
  BADTIME = 18,
  BADMODE = 19,
  BADNAME = 20,
  BADALG = 21,
  BADTRUNC = 22,
  BADCOOKIE = 23,
};
constexpr u16 code(Rcode r) {
  return static_cast<u16>(r);
}

using MessageId = Strong<struct MessageIdTag, u16>;
using KeyTag = Strong<struct KeyTagTag, u16>;

// Seconds a record may be cached, 0 to 2^31 - 1; from the wire, a set top bit means zero (RFC 2181 section 8).
class Ttl {
 public:
  static constexpr u32 max = 0x7fffffff;
  constexpr Ttl() = default;
  constexpr explicit Ttl(u32 seconds) : seconds_(seconds > max ? 0 : seconds) {}
  constexpr u32 seconds() const { return seconds_; }
  friend constexpr auto operator<=>(const Ttl&, const Ttl&) = default;

 private:
  u32 seconds_ = 0;
};

// A zone's serial number: a point on a circle (RFC 1982). There is no operator<, because some pairs have no order.
class Serial {
 public:
  enum class Order : u8 { equal, less, greater, undefined };
  constexpr Serial() = default;
  constexpr explicit Serial(u32 value) : value_(value) {}
  constexpr u32 value() const { return value_; }
  // What this one is, compared with `other` (RFC 1982 section 3.2).
  constexpr Order compare(Serial other) const {
    if (value_ == other.value_) return Order::equal;
    const u32 ahead = value_ - other.value_;
    if (ahead == 0x80000000U) return Order::undefined;
    return ahead < 0x80000000U ? Order::greater : Order::less;
  }
  constexpr Serial next() const { return Serial(value_ + 1); }
  friend constexpr bool operator==(const Serial&, const Serial&) = default;

 private:
  u32 value_ = 0;
};

}  // namespace samara::dns
