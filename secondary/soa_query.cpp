#include "secondary/soa_query.h"

#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata.h"

namespace samara::secondary {
namespace {

// RFC 9715: what passes everywhere without fragments.
constexpr u16 udp_payload_size = 1232;

std::optional<SoaFields> find_soa(Bytes message, const ResponseHeader& header, const dns::Name& zone) {
  ByteReader at(message);
  MUST(at.skip(header.answers_at));
  for (u16 i = 0; i < header.answers; ++i) {
    const auto head = read_record_head(at);
    if (!head.ok()) return std::nullopt;
    const bool soa = head.value().type == dns::RrType::SOA && head.value().rr_class == dns::RrClass::IN;
    if (!soa || head.value().owner != zone) {
      MUST(at.skip(head.value().size));
      continue;
    }
    std::array<u8, 2 * dns::max_name_size + 20> memory;
    ByteWriter rdata(memory);
    if (!dns::rdata_from_message(dns::RrType::SOA, at, head.value().size, rdata).ok()) return std::nullopt;
    return soa_fields(rdata.written());
  }
  return std::nullopt;
}

// The words tell what a peer that refuses our signature has against it, for a person to mend.
std::string_view describe(dns::TsigClientError error, dns::Rcode peer_error) {
  const std::string_view refusal =
      error == dns::TsigClientError::peer_refuses ? dns::describe_refusal(peer_error) : std::string_view();
  return refusal.empty() ? dns::describe(error) : refusal;
}

SoaReply not_good(SoaReply reply, SoaAnswer answer) {
  reply.answer = answer;
  reply.reason = describe(answer);
  return reply;
}

}  // namespace

std::string_view describe(SoaAnswer answer) {
  switch (answer) {
    case SoaAnswer::foreign: return "no answer";
    case SoaAnswer::good: return "an answer";
    case SoaAnswer::truncated: return "a truncated answer";
    case SoaAnswer::no_edns: return "the query is not understood";
    case SoaAnswer::refused: return "the query is refused";
    case SoaAnswer::not_authoritative: return "the answer is not authoritative";
    case SoaAnswer::no_soa: return "the answer holds no SOA record of the zone";
    case SoaAnswer::bad_signature: return "the signature of the answer is missing or wrong";
  }
  return "no answer";
}

size_t compose_soa_query(const SoaQuestion& question, dns::TsigClient* tsig, UnixTime wall, MutableBytes room) {
  ByteWriter out(room);
  out.u16(question.id.value());
  out.u16(0);
  out.u16(1);
  out.u32(0);
  out.u16(question.edns ? 1 : 0);
  out.bytes(question.zone.wire());
  out.u16(code(dns::RrType::SOA));
  out.u16(code(dns::RrClass::IN));
  if (question.edns) {
    out.u8(0);
    out.u16(code(dns::RrType::OPT));
    out.u16(udp_payload_size);
    out.u32(0);
    out.u16(4);
    out.u16(code(dns::EdnsOption::expire));
    out.u16(0);
  }
  if (tsig != nullptr) tsig->sign_request(out, wall);
  return out.overflowed() ? 0 : out.size();
}

SoaReply read_soa_answer(Bytes message, const SoaQuestion& question, std::optional<dns::TsigClient> tsig, UnixTime wall) {
  const auto read = read_response(message);
  if (!read.ok()) return {};
  const ResponseHeader& header = read.value();
  if (header.id != question.id || header.opcode != dns::Opcode::QUERY) return {};
  SoaReply reply{.answer = SoaAnswer::good, .soa = {}, .expire = header.expire, .rcode = header.rcode};
  if (header.has_question) {
    const bool same = header.name == question.zone && header.type == dns::RrType::SOA && header.rr_class == dns::RrClass::IN;
    if (!same) return {};
  } else if (header.rcode == dns::Rcode::NOERROR) {
    return {};
  }
  if (tsig.has_value()) {
    if (const auto signed_well = tsig->on_response(message, header.tsig_at, wall); !signed_well.ok()) {
      reply.answer = SoaAnswer::bad_signature;
      reply.reason = describe(signed_well.error(), tsig->peer_error());
      return reply;
    }
  }
  const bool puzzled =
      header.rcode == dns::Rcode::FORMERR || header.rcode == dns::Rcode::NOTIMP || header.rcode == dns::Rcode::BADVERS;
  if (header.rcode != dns::Rcode::NOERROR) {
    reply = not_good(reply, puzzled && question.edns ? SoaAnswer::no_edns : SoaAnswer::refused);
    // Not who may ask, but what the primary has.
    if (header.rcode == dns::Rcode::SERVFAIL) reply.reason = "the primary cannot answer (SERVFAIL)";
    if (header.rcode == dns::Rcode::NOTAUTH) reply.reason = "the primary does not have the zone (NOTAUTH)";
    return reply;
  }
  if ((header.flags & dns::flag_tc) != 0) return not_good(reply, SoaAnswer::truncated);
  if ((header.flags & dns::flag_aa) == 0) return not_good(reply, SoaAnswer::not_authoritative);
  const auto soa = find_soa(message, header, question.zone);
  if (!soa.has_value()) return not_good(reply, SoaAnswer::no_soa);
  reply.soa = *soa;
  return reply;
}

}  // namespace samara::secondary
