#include "ops/net/request.h"

#include <sys/random.h>

#include <ctime>

#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/tsig/client.h"
#include "ops/net/dns_exchange.h"
#include "platform/base/byte_reader.h"

namespace samara::ops {

namespace {

using dns::Opcode;
using dns::Rcode;

constexpr size_t largest_udp_request = 512;  // RFC 1035 section 4.2.1: what everybody takes
constexpr size_t largest_message = 65'535;

UnixTime now() {
  return {std::time(nullptr)};
}

std::string name_of(Rcode rcode) {
  const std::string_view name = dns::rcode_name(rcode);
  return name.empty() ? "RCODE " + std::to_string(dns::code(rcode)) : std::string(name);
}

// RFC 8945 section 5.2: the names that its codes have in a TSIG record (16 is BADVERS elsewhere).
std::string tsig_words(Rcode error) {
  switch (code(error)) {
    case code(Rcode::BADSIG): return "BADSIG: the secret is another than the server's";
    case code(Rcode::BADKEY): return "BADKEY: the server does not know the key, or not with this algorithm";
    case code(Rcode::BADTIME): return "BADTIME: our clock and the server's are too far apart";
    case code(Rcode::BADTRUNC): return "BADTRUNC: the server wants a longer signature";
    default: return name_of(error);
  }
}

Outcome unavailable(std::string words) {
  return {Outcome::Kind::unavailable, Rcode::NOERROR, Rcode::NOERROR, std::move(words)};
}

// One attempt: signs with a new id, sends, gives the answer's octets.
struct Attempt {
  std::vector<u8> request;
  std::optional<dns::TsigClient> tsig;

  Attempt(const Server& server, const std::vector<u8>& message) : request(message) {
    u16 id = 0;
    const ssize_t got = ::getrandom(&id, sizeof id, 0);
    store_be16(request, 0, got == static_cast<ssize_t>(sizeof id) ? id : 1);  // the id protects nothing that TSIG does not
    if (server.key == nullptr) return;
    tsig.emplace(*server.key);
    const size_t size = request.size();
    request.resize(size + tsig->request_size());
    ByteWriter writer(request, size);
    tsig->sign_request(writer, now());
  }

  bool is_answer(Bytes octets) const {
    const auto head = AnswerHead::parse(octets);
    return head && head->id == load_be16(request, 0) && head->opcode == opcode();
  }
  Opcode opcode() const { return static_cast<Opcode>(request[2] >> 3 & 15); }
};

Outcome judge(Attempt& attempt, const std::vector<u8>& answer) {
  const auto head = AnswerHead::parse(answer);
  if (!head || !attempt.is_answer(answer)) return unavailable("what came back is no answer to the request");
  Outcome outcome{Outcome::Kind::refused, head->rcode, Rcode::NOERROR, {}};
  if (head->rcode != Rcode::NOERROR) outcome.words = refusal_words(head->opcode, head->rcode);
  if (attempt.tsig) {
    const auto checked = attempt.tsig->on_response(answer, head->tsig_at, now());
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
    if (!length.ok() || !at.skip(length.value()).ok()) return {};
    if (static_cast<dns::RrType>(type.value()) == dns::RrType::TSIG && i + 1 == records) head.tsig_at = start;
  }
  return head;
}

Outcome send_request(const Server& server, const std::vector<u8>& message) {
  Attempt first(server, message);
  if (first.request.size() > largest_message) {
    return {Outcome::Kind::refused, Rcode::NOERROR, Rcode::NOERROR, "the request is longer than a DNS message can be"};
  }
  if (first.request.size() <= largest_udp_request) {
    const auto answer =
        exchange_udp(server.endpoint, first.request, server.patience, [&](Bytes octets) { return first.is_answer(octets); });
    if (!answer) return unavailable(answer.error().problem);
    const auto head = AnswerHead::parse(answer.value());
    if (!head->truncated) return judge(first, answer.value());
  }
  Attempt second(server, message);
  const auto answer = exchange_tcp(server.endpoint, second.request, server.patience);
  if (!answer) return unavailable(answer.error().problem);
  return judge(second, answer.value());
}

std::string refusal_words(Opcode opcode, Rcode rcode) {
  const std::string name = name_of(rcode) + ": ";
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
    default: return name_of(rcode);
  }
}

}  // namespace samara::ops
