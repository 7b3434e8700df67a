#include "secondary/soa_query.h"

#include "dns-core/message/message_reader.h"
#include "dns-core/message/request.h"
#include "dns-core/message/response.h"

namespace samara::secondary {
namespace {

std::optional<dns::SoaNumbers> find_soa(Bytes message, const dns::Response& response, const dns::Name& zone) {
  dns::MessageReader at(message, response.answers_at);
  for (u16 left = response.header.answers; left != 0; --left) {
    const dns::Name owner = at.name();
    const dns::RecordFields record = at.fields();
    if (at.failed()) return std::nullopt;
    if (record.type != dns::RrType::SOA || record.rr_class != dns::RrClass::IN || owner != zone) {
      at.bytes(record.size);
      continue;
    }
    std::array<u8, dns::max_soa_rdata_size> memory;
    ByteWriter rdata(memory);
    if (!at.rdata(record, rdata).ok()) return std::nullopt;
    return dns::SoaNumbers::of(rdata.written());
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
  dns::RequestWriter request(room, {.id = question.id, .name = question.zone, .type = dns::RrType::SOA});
  if (question.edns) request.opt(dns::common_udp_payload_size, {dns::EdnsOption::expire});
  return request.finish(tsig, wall);
}

SoaReply read_soa_answer(Bytes message, const SoaQuestion& question, std::optional<dns::TsigClient> tsig, UnixTime wall) {
  const auto read = dns::read_response(message);
  if (!read.ok()) return {};
  const dns::Response& response = read.value();
  if (response.header.id != question.id || response.header.opcode() != dns::Opcode::QUERY) return {};
  SoaReply reply{.answer = SoaAnswer::good, .soa = {}, .expire = response.expire, .rcode = response.rcode};
  if (response.question.has_value()) {
    if (*response.question != dns::Question{question.zone, dns::RrType::SOA}) return {};
  } else if (response.rcode == dns::Rcode::NOERROR) {
    return {};
  }
  if (tsig.has_value()) {
    if (const auto signed_well = tsig->on_response(message, response.tsig_at, wall); !signed_well.ok()) {
      reply.answer = SoaAnswer::bad_signature;
      reply.reason = describe(signed_well.error(), tsig->peer_error());
      return reply;
    }
  }
  const bool puzzled =
      response.rcode == dns::Rcode::FORMERR || response.rcode == dns::Rcode::NOTIMP || response.rcode == dns::Rcode::BADVERS;
  if (response.rcode != dns::Rcode::NOERROR) {
    reply = not_good(reply, puzzled && question.edns ? SoaAnswer::no_edns : SoaAnswer::refused);
    // Not who may ask, but what the primary has.
    if (response.rcode == dns::Rcode::SERVFAIL) reply.reason = "the primary cannot answer (SERVFAIL)";
    if (response.rcode == dns::Rcode::NOTAUTH) reply.reason = "the primary does not have the zone (NOTAUTH)";
    return reply;
  }
  if (response.header.has(dns::flag_tc)) return not_good(reply, SoaAnswer::truncated);
  if (!response.header.has(dns::flag_aa)) return not_good(reply, SoaAnswer::not_authoritative);
  const auto soa = find_soa(message, response, question.zone);
  if (!soa.has_value()) return not_good(reply, SoaAnswer::no_soa);
  reply.soa = *soa;
  return reply;
}

}  // namespace samara::secondary
