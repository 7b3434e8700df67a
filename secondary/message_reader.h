// MessageReader: a DNS response read record by record (RFC 1035 section 4.1), for what asks: the SOA query and the transfer.
// read() walks the whole message once, so that OPT and TSIG are known, and what comes after has been seen to be whole; next()
// then gives the answer records. Records of the authority section, and other additional ones, are stepped over (RFC 5936
// section 2.2.4 and 2.2.5).
#pragma once

#include <optional>

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/byte_reader.h"

namespace samara::secondary {

struct ResponseHeader {
  dns::MessageId id;
  u16 flags = 0;
  dns::Opcode opcode{};
  dns::Rcode rcode{};  // with the upper bits of the OPT record
  u16 answers = 0;
  // The question, where there is one.
  bool has_question = false;
  dns::Name name;
  dns::RrType type{};
  dns::RrClass rr_class{};
  std::optional<u32> expire;  // the EXPIRE option's value (RFC 7314), seconds
  bool has_edns = false;
  std::optional<size_t> tsig_at;  // where the TSIG record begins
  size_t answers_at = 0;          // where the answer section begins
};

enum class ResponseError : u8 {
  malformed,  // the octets end too soon, go on after the last record, or a record is where it cannot be
  not_a_response,
};

Result<ResponseHeader, ResponseError> read_response(Bytes message);

// The owner and the fixed part of a record in a message.
struct RecordHead {
  dns::Name owner;
  dns::RrType type{};
  dns::RrClass rr_class{};
  dns::Ttl ttl;
  u16 size = 0;  // of the data, which comes next and is all there
};
Result<RecordHead, ResponseError> read_record_head(ByteReader& at);

// SoaFields is what the data of an SOA record says about time and version; `stored` is a valid stored form.
struct SoaFields {
  dns::Serial serial;
  u32 refresh = 0;
  u32 retry = 0;
  u32 expire = 0;
  friend bool operator==(const SoaFields&, const SoaFields&) = default;
};
SoaFields soa_fields(Bytes stored);

}  // namespace samara::secondary
