#include "ops/net/request.h"

#include <sys/random.h>

#include <ctime>

#include "dns-core/message/request.h"
#include "dns-core/message/response.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/tsig/client.h"
#include "ops/diagnostics.h"
#include "ops/net/dns_exchange.h"

namespace samara::ops {

namespace {

using dns::Opcode;
using dns::Rcode;

constexpr size_t largest_udp_request = 512;  // RFC 1035 section 4.2.1: what everybody takes

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
    if (server.key != nullptr) tsig.emplace(*server.key);
    u16 id = 0;
    const ssize_t got = ::getrandom(&id, sizeof id, 0);
    store_be16(request, 0, got == static_cast<ssize_t>(sizeof id) ? id : 1);  // the id protects nothing that TSIG does not
    request.resize(message.size() + dns::opt_fixed_size + (tsig ? tsig->request_size() : 0));
    dns::RequestWriter writer(request, message.size());
    if (edns) writer.opt(dns::common_udp_payload_size, {});
    request.resize(writer.finish(tsig ? &*tsig : nullptr, wall_clock_now()));
  }

  // Reads `octets`; returns nothing when they are no answer to this request.
  std::optional<dns::Response> answer(Bytes octets) const {
    const auto response = dns::read_response(octets);
    if (!response.ok() || response.value().header.id.value() != load_be16(request)) return {};
    if (response.value().header.opcode() != dns::opcode_of(load_be16(request, 2))) return {};
    return response.value();
  }
};

Outcome judge(Attempt& attempt, const std::vector<u8>& answer) {
  const auto response = attempt.answer(answer);
  if (!response) return unavailable("what came back is no answer to the request");
  Outcome outcome{Outcome::Kind::refused, response->rcode, Rcode::NOERROR, {}};
  if (response->rcode != Rcode::NOERROR) outcome.words = refusal_words(response->header.opcode(), response->rcode);
  if (!response->reason.empty()) {
    const std::string reason(response->reason.begin(), response->reason.end());
    outcome.words += (outcome.words.empty() ? "" : ": ") + in_quotes(reason, longest_reason);
  }
  if (attempt.tsig) {
    const auto checked = attempt.tsig->on_response(answer, response->tsig_at, wall_clock_now());
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
  if (response->rcode == Rcode::NOERROR) outcome.kind = Outcome::Kind::accepted;
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

namespace {

// Nothing: the server does not know EDNS (RFC 6891 section 7), and may do what is asked without.
std::optional<Outcome> try_request(const Server& server, const std::vector<u8>& message, bool edns) {
  const auto speaks_no_edns = [edns](const std::optional<dns::Response>& response) {
    return edns && response && !response->has_edns && (response->rcode == Rcode::FORMERR || response->rcode == Rcode::NOTIMP);
  };
  Attempt first(server, message, edns);
  if (first.request.size() > dns::max_message_size) {
    if (edns) return {};  // its place may be all that is missing
    return Outcome{Outcome::Kind::refused, Rcode::NOERROR, Rcode::NOERROR, "the request is longer than a DNS message can be"};
  }
  if (first.request.size() <= largest_udp_request) {
    const auto answer = exchange_udp(server.endpoint, first.request, server.patience,
                                     [&](Bytes octets) { return first.answer(octets).has_value(); });
    if (!answer) return unavailable(answer.error().problem);
    const auto response = first.answer(answer.value());
    if (speaks_no_edns(response)) return {};
    if (!response->header.has(dns::flag_tc)) return judge(first, answer.value());
  }
  Attempt second(server, message, edns);
  const auto answer = exchange_tcp(server.endpoint, second.request, server.patience);
  if (!answer) return unavailable(answer.error().problem);
  if (speaks_no_edns(second.answer(answer.value()))) return {};
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
