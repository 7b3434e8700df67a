#include "server/response.h"

#include <algorithm>

namespace samara::server {
namespace {

using dns::Composer;
using dns::ExtendedError;
using dns::Rcode;

constexpr size_t min_udp_size = 512;    // RFC 1035 section 4.2.1, without EDNS
constexpr size_t max_tcp_size = 65535;  // RFC 1035 section 4.2.2
constexpr size_t option_head = 4;       // code and length

void write_nsid(Composer& out, std::string_view nsid) {
  std::array<u8, max_nsid_size> data;
  ByteWriter writer(data);
  writer.text(nsid);
  out.option(dns::EdnsOption::nsid, writer.written());
}

void write_extended_error(Composer& out, ExtendedError why, std::string_view text) {
  std::array<u8, 2 + max_extended_error_text> data{};
  ByteWriter writer(data);
  writer.u16(dns::code(why));
  writer.text(text.substr(0, data.size() - 2));
  out.option(dns::EdnsOption::extended_error, writer.written());
}

}  // namespace

size_t opt_size(const AnswerRules& rules, const dns::Query& query) {
  if (!query.edns.has_value()) return 0;
  size_t size = dns::opt_fixed_size;
  if (!rules.cookie.empty()) size += option_head + rules.cookie.size();
  if (rules.tcp_keepalive.has_value() && query.edns->tcp_keepalive) size += option_head + 2;
  if (query.edns->nsid && !rules.nsid.empty()) size += option_head + rules.nsid.size();
  if (query.edns->expire) size += option_head + 4;
  if (query.edns->zoneversion) size += option_head + 6;
  return size;
}

size_t message_budget(const AnswerRules& rules, const dns::Query& query, MutableBytes reply) {
  size_t budget = max_tcp_size;
  if (rules.transport == Transport::udp) {
    // RFC 6891 section 6.2.5: the lesser of what the client takes and what we send.
    budget = query.edns.has_value() ? std::min<size_t>(query.edns->udp_payload_size, rules.udp_payload_size) : min_udp_size;
  }
  budget = std::min(budget, reply.size());
  return budget > rules.tail_room ? budget - rules.tail_room : 0;
}

u16 response_flags(const dns::Query& query) {
  // RFC 1035 section 4.1.1: the opcode is copied, and RD, which other opcodes than QUERY have no meaning for. RFC 4035
  // section 3.1.6: AD and CD are clear in what we know ourselves.
  const u16 opcode = static_cast<u16>(query.flags & 0x7800);
  const u16 recursion = query.opcode == dns::Opcode::QUERY ? query.flags & dns::flag_rd : 0;
  return static_cast<u16>(dns::flag_qr | opcode | recursion);
}

void write_opt(Composer& out, const AnswerRules& rules, const dns::Query& query, Rcode rcode) {
  out.begin_opt(static_cast<u16>(rules.udp_payload_size), rcode, query.edns->dnssec_ok);
  if (!rules.cookie.empty()) out.option(dns::EdnsOption::cookie, rules.cookie);
  if (rules.tcp_keepalive.has_value() && query.edns->tcp_keepalive) {
    std::array<u8, 2> timeout{};
    store_be16(timeout, 0, *rules.tcp_keepalive);
    out.option(dns::EdnsOption::tcp_keepalive, timeout);
  }
  if (query.edns->nsid && !rules.nsid.empty()) write_nsid(out, rules.nsid);
}

void write_expire(Composer& out, const AnswerRules& rules, const dns::Query& query, const zone::Zone& zone) {
  if (!query.edns->expire) return;
  const Bytes soa = zone.soa().first().rdata();
  const u32 whole = load_be32(soa, soa.size() - 8);
  std::array<u8, 4> expire{};
  store_be32(expire, 0, std::min(rules.expire.value_or(whole), whole));
  out.option(dns::EdnsOption::expire, expire);
}

std::string_view reason_text(ExtendedError why) {
  switch (why) {
    case ExtendedError::not_authoritative: return "no zone here holds this name";
    case ExtendedError::not_ready: return "the zone has no valid data";
    case ExtendedError::not_supported: return "not supported";
    case ExtendedError::prohibited: return "refused by policy";
    case ExtendedError::other:
    case ExtendedError::stale_answer:
    case ExtendedError::blocked:
    case ExtendedError::filtered:
    case ExtendedError::no_reachable_authority:
    case ExtendedError::invalid_data: return {};
  }
  return {};
}

Answer answer_error(const AnswerRules& rules, Bytes packet, const dns::Query& query, Rcode rcode,
                    std::optional<ExtendedError> why, std::string_view text, MutableBytes reply) {
  Composer out(reply, message_budget(rules, query, reply), 0, packet, query, response_flags(query));
  if (query.edns.has_value()) {
    write_opt(out, rules, query, rcode);
    if (why.has_value()) write_extended_error(out, *why, text);
    out.end_opt();
  }
  return {.size = out.finish(rcode), .rcode = rcode, .bare = true};
}

Answer answer_truncated(const AnswerRules& rules, Bytes packet, const dns::Query& query, Rcode rcode, MutableBytes reply) {
  Composer out(reply, message_budget(rules, query, reply), 0, packet, query,
               static_cast<u16>(response_flags(query) | dns::flag_tc));
  if (query.edns.has_value()) {
    write_opt(out, rules, query, rcode);
    out.end_opt();
  }
  return {.size = out.finish(rcode), .rcode = rcode, .truncated = true, .bare = true};
}

}  // namespace samara::server
