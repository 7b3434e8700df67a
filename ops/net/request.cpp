#include "ops/net/request.h"

#include <sys/random.h>

#include <ctime>

#include "dns-core/message/edns.h"
#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/tsig/client.h"
#include "ops/diagnostics.h"
#include "ops/net/dns_exchange.h"
#include "platform/base/byte_reader.h"

namespace samara::ops {

namespace {

using dns::Opcode;
using dns::Rcode;

constexpr size_t largest_udp_request = 512;  // RFC 1035 section 4.2.1: what everybody takes
constexpr size_t largest_message = 65'535;
constexpr u16 request_payload_size = 1232;  // RFC 9715

UnixTime wall_clock_now() {
  return {std::time(nullptr)};
}

constexpr size_t longest_reason = 400;  // shown of a server's own words

std::string shown_rcode(Rcode rcode) {
  const std::string_view name = dns::rcode_name(rcode);
  return name.empty() ? "RCODE " + std::to_string(dns::code(rcode)) : std::string(name);
}

std::string tsig_words(Rcode error) {
  const std::string_view words = dns::describe_refusal(error);
  return words.empty() ? shown_rcode(error) : std::string(words);
}

Outcome unavailable(std::string words) {
  return {Outcome::Kind::unavailable, Rcode::NOERROR, Rcode::NOERROR, std::move(words)};
}

// One attempt: signs with a new id, sends, gives the answer's octets.
struct Attempt {
  std::vector<u8> request;
  std::optional<dns::TsigClient> tsig;

  // With EDNS the server can say why it refuses (RFC 8914).
  Attempt(const Server& server, const std::vector<u8>& message, bool edns) : request(message) {
    if (edns) add_opt();
    u16 id = 0;
    const ssize_t got = ::getrandom(&id, sizeof id, 0);
    store_be16(request, 0, got == static_cast<ssize_t>(sizeof id) ? id : 1);  // the id protects nothing that TSIG does not
    if (server.key == nullptr) return;
    tsig.emplace(*server.key);
    const size_t size = request.size();
    request.resize(size + tsig->request_size());
    ByteWriter writer(request, size);
    tsig->sign_request(writer, wall_clock_now());
  }

  void add_opt() {
    const size_t size = request.size();
    request.resize(size + dns::opt_fixed_size);
    ByteWriter opt(request, size);
    opt.u8(0);
    opt.u16(dns::code(dns::RrType::OPT));
    opt.u16(request_payload_size);
    opt.u32(0);
    opt.u16(0);
    constexpr size_t additional_count = 10;
    store_be16(request, additional_count, static_cast<u16>(load_be16(request, additional_count) + 1));
  }
  bool is_answer(Bytes octets) const {
    const auto head = AnswerHead::parse(octets);
    return head && head->id == load_be16(request, 0) && head->opcode == opcode();
  }
  Opcode opcode() const { return static_cast<Opcode>(request[2] >> 3 & 15); }
};

// The text of the first extended error among an OPT record's options; empty when there is none, or the options cannot be read.
std::string reason_in(Bytes options) {
  ByteReader at(options);
  while (!at.at_end()) {
    const auto code = at.u16();
    const auto size = at.u16();
    if (!size.ok()) return {};
    auto content = at.sub(size.value());
    if (!content.ok()) return {};
    if (code.value() != dns::code(dns::EdnsOption::extended_error) || !content.value().skip(2).ok()) continue;
    const Bytes text = content.value().rest();
    return {text.begin(), text.end()};
  }
  return {};
}

Outcome judge(Attempt& attempt, const std::vector<u8>& answer) {
  const auto head = AnswerHead::parse(answer);
  if (!head || !attempt.is_answer(answer)) return unavailable("what came back is no answer to the request");
  Outcome outcome{Outcome::Kind::refused, head->rcode, Rcode::NOERROR, {}};
  if (head->rcode != Rcode::NOERROR) outcome.words = refusal_words(head->opcode, head->rcode);
  if (!head->reason.empty()) outcome.words += (outcome.words.empty() ? "" : ": ") + in_quotes(head->reason, longest_reason);
  if (attempt.tsig) {
    const auto checked = attempt.tsig->on_response(answer, head->tsig_at, wall_clock_now());
    if (!checked.ok() && checked.error() == dns::TsigClientError::peer_refuses) {
      outcome.tsig_error = attempt.tsig->peer_error();
      outcome.words = "the server does not accept our signature: " + tsig_words(outcome.tsig_error);
      return outcome;
    }
    if (!checked.ok()) {
      outcome.words = (outcome.words.empty() ? "" : outcome.words + "; ") +
                      "the answer's signature cannot be trusted: " + std::string(dns::describe(checked.error()));
      return outcome;
    }
  }
  if (head->rcode == Rcode::NOERROR) outcome.kind = Outcome::Kind::accepted;
  return outcome;
}

}  // namespace

ExitCode Outcome::exit_code() const {
  switch (kind) {
    case Kind::accepted: return ExitCode::good;
    case Kind::refused: return ExitCode::bad_data;
    case Kind::unavailable: break;
  }
  return ExitCode::unavailable;
}

std::string_view Outcome::kind_name() const {
  switch (kind) {
    case Kind::accepted: return "accepted";
    case Kind::refused: return "refused";
    case Kind::unavailable: break;
  }
  return "unavailable";
}

std::optional<AnswerHead> AnswerHead::parse(Bytes message) {
  if (message.size() < dns::header_size) return {};
  const u16 flags = load_be16(message, 2);
  if ((flags & dns::flag_qr) == 0) return {};
  AnswerHead head;
  head.id = load_be16(message, 0);
  head.opcode = static_cast<Opcode>(flags >> 11 & 15);
  head.truncated = (flags & dns::flag_tc) != 0;
  head.rcode = static_cast<Rcode>(flags & 15);
  ByteReader at(message);
  if (!at.skip(dns::header_size).ok()) return {};
  for (u16 i = load_be16(message, 4); i > 0; --i) {
    if (!dns::Name::from_message(at).ok() || !at.skip(4).ok()) return {};
  }
  const u32 records = u32{load_be16(message, 6)} + load_be16(message, 8) + load_be16(message, 10);
  for (u32 i = 0; i < records; ++i) {
    const size_t start = at.position();
    if (!dns::Name::from_message(at).ok()) return {};
    const auto type = at.u16();
    if (!at.skip(6).ok()) return {};  // CLASS, TTL
    const auto length = at.u16();
    if (!length.ok()) return {};
    auto data = at.sub(length.value());
    if (!data.ok()) return {};
    if (static_cast<dns::RrType>(type.value()) == dns::RrType::OPT) {
      head.edns = true;
      head.reason = reason_in(data.value().rest());
    }
    if (static_cast<dns::RrType>(type.value()) == dns::RrType::TSIG && i + 1 == records) head.tsig_at = start;
  }
  return head;
}

namespace {

// Nothing: the server does not know EDNS (RFC 6891 section 7), and may do what is asked without.
std::optional<Outcome> try_request(const Server& server, const std::vector<u8>& message, bool edns) {
  const auto speaks_no_edns = [edns](Bytes answer) {
    const auto head = AnswerHead::parse(answer);
    return edns && head && !head->edns && (head->rcode == Rcode::FORMERR || head->rcode == Rcode::NOTIMP);
  };
  Attempt first(server, message, edns);
  if (first.request.size() > largest_message) {
    if (edns) return {};  // its place may be all that is missing
    return Outcome{Outcome::Kind::refused, Rcode::NOERROR, Rcode::NOERROR, "the request is longer than a DNS message can be"};
  }
  if (first.request.size() <= largest_udp_request) {
    const auto answer =
        exchange_udp(server.endpoint, first.request, server.patience, [&](Bytes octets) { return first.is_answer(octets); });
    if (!answer) return unavailable(answer.error().problem);
    if (speaks_no_edns(answer.value())) return {};
    const auto head = AnswerHead::parse(answer.value());
    if (!head->truncated) return judge(first, answer.value());
  }
  Attempt second(server, message, edns);
  const auto answer = exchange_tcp(server.endpoint, second.request, server.patience);
  if (!answer) return unavailable(answer.error().problem);
  if (speaks_no_edns(answer.value())) return {};
  return judge(second, answer.value());
}

}  // namespace

Outcome send_request(const Server& server, const std::vector<u8>& message) {
  if (const auto outcome = try_request(server, message, true)) return *outcome;
  return *try_request(server, message, false);
}

Outcome send_request(const ServerPlace& place, const dns::TsigKey* key, std::chrono::milliseconds patience,
                     const std::vector<u8>& message) {
  const auto endpoints = place.endpoints();
  if (!endpoints) return unavailable(endpoints.error());
  Outcome outcome;
  for (const Endpoint& endpoint : endpoints.value()) {
    outcome = send_request({endpoint, key, patience / static_cast<int>(endpoints.value().size())}, message);
    if (outcome.kind != Outcome::Kind::unavailable) break;
  }
  return outcome;
}

std::string refusal_words(Opcode opcode, Rcode rcode) {
  const std::string name = shown_rcode(rcode) + ": ";
  switch (code(rcode)) {
    case code(Rcode::FORMERR): return name + "the server cannot read the request";
    case code(Rcode::SERVFAIL): return name + "the server failed";
    case code(Rcode::NXDOMAIN): return name + "a name that must exist does not";
    case code(Rcode::NOTIMP): return name + "the server does not know such requests";
    case code(Rcode::REFUSED):
      return name + (opcode == Opcode::NOTIFY ? "the server does not take notifies for the zone from us"
                                              : "the server does not let us change that");
    case code(Rcode::YXDOMAIN): return name + "a name that must not exist does";
    case code(Rcode::YXRRSET): return name + "an RRset that must not exist does";
    case code(Rcode::NXRRSET): return name + "an RRset that must exist does not";
    case code(Rcode::NOTAUTH): return name + "the server is not authoritative for the zone, or does not know who we are";
    case code(Rcode::NOTZONE): return name + "a name is outside the zone";
    default: return shown_rcode(rcode);
  }
}

}  // namespace samara::ops
