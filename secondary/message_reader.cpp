#include "secondary/message_reader.h"

#include "dns-core/message/query.h"

namespace samara::secondary {
namespace {

constexpr auto as_malformed = [](auto) { return ResponseError::malformed; };

// Steps over an owner name, compressed or not. Where the name itself matters, Name::from_message() reads it again.
Result<void, ResponseError> skip_name(ByteReader& at) {
  for (size_t size = 0; size <= dns::max_name_size;) {
    const u8 length = TRY(at.u8().map_error(as_malformed));
    if (length == 0) return {};
    if ((length & 0xc0) == 0xc0) return at.skip(1).map_error(as_malformed);
    if (length > dns::max_label_size) return fail(ResponseError::malformed);
    TRY(at.skip(length).map_error(as_malformed));
    size += size_t{length} + 1;
  }
  return fail(ResponseError::malformed);
}

Result<void, ResponseError> read_opt(u32 ttl, Bytes options, ResponseHeader& header) {
  if (header.has_edns) return fail(ResponseError::malformed);  // RFC 6891 section 6.1.1: one at most
  header.has_edns = true;
  header.rcode = dns::Rcode(code(header.rcode) | (ttl >> 24 << 4));
  ByteReader at(options);
  while (!at.at_end()) {
    const u16 option = TRY(at.u16().map_error(as_malformed));
    const u16 size = TRY(at.u16().map_error(as_malformed));
    const Bytes data = TRY(at.bytes(size).map_error(as_malformed));
    // RFC 7314 section 3.2: four octets; empty from a server that has nothing to say.
    if (option == code(dns::EdnsOption::expire) && data.size() == 4) header.expire = load_be32(data);
  }
  return {};
}

}  // namespace

Result<ResponseHeader, ResponseError> read_response(Bytes message) {
  ResponseHeader header;
  ByteReader at(message);
  header.id = dns::MessageId(TRY(at.u16().map_error(as_malformed)));
  header.flags = TRY(at.u16().map_error(as_malformed));
  header.opcode = static_cast<dns::Opcode>(header.flags >> 11 & 15);
  header.rcode = static_cast<dns::Rcode>(header.flags & 15);
  const u16 questions = TRY(at.u16().map_error(as_malformed));
  header.answers = TRY(at.u16().map_error(as_malformed));
  const u32 authorities = TRY(at.u16().map_error(as_malformed));
  const u32 additionals = TRY(at.u16().map_error(as_malformed));
  if ((header.flags & dns::flag_qr) == 0) return fail(ResponseError::not_a_response);
  if (questions > 1) return fail(ResponseError::malformed);
  if (questions == 1) {
    header.has_question = true;
    header.name = TRY(dns::Name::from_message(at).map_error(as_malformed));
    header.type = dns::RrType{TRY(at.u16().map_error(as_malformed))};
    header.rr_class = dns::RrClass{TRY(at.u16().map_error(as_malformed))};
  }
  header.answers_at = at.position();
  const u32 first_additional = header.answers + authorities;
  for (u32 i = 0; i < first_additional + additionals; ++i) {
    const size_t start = at.position();
    if (header.tsig_at.has_value()) return fail(ResponseError::malformed);  // RFC 8945 section 5.1: TSIG is the last record
    TRY(skip_name(at));
    const auto type = dns::RrType{TRY(at.u16().map_error(as_malformed))};
    TRY(at.skip(2).map_error(as_malformed));
    const u32 ttl = TRY(at.u32().map_error(as_malformed));
    const u16 size = TRY(at.u16().map_error(as_malformed));
    const Bytes data = TRY(at.bytes(size).map_error(as_malformed));
    if (i < first_additional) continue;
    if (type == dns::RrType::OPT) TRY(read_opt(ttl, data, header));
    if (type == dns::RrType::TSIG) header.tsig_at = start;
  }
  TRY(at.expect_end().map_error(as_malformed));
  return header;
}

Result<RecordHead, ResponseError> read_record_head(ByteReader& at) {
  RecordHead head;
  head.owner = TRY(dns::Name::from_message(at).map_error(as_malformed));
  head.type = dns::RrType{TRY(at.u16().map_error(as_malformed))};
  head.rr_class = dns::RrClass{TRY(at.u16().map_error(as_malformed))};
  head.ttl = dns::Ttl(TRY(at.u32().map_error(as_malformed)));
  head.size = TRY(at.u16().map_error(as_malformed));
  if (at.remaining() < head.size) return fail(ResponseError::malformed);
  return head;
}

SoaFields soa_fields(Bytes stored) {
  const Bytes numbers = stored.last(20);
  return {.serial = dns::Serial(load_be32(numbers)),
          .refresh = load_be32(numbers, 4),
          .retry = load_be32(numbers, 8),
          .expire = load_be32(numbers, 12)};
}

}  // namespace samara::secondary
