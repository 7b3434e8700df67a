#include "server/updating_worker.h"

#include <algorithm>

#include "dns-core/message/hop_cookie.h"
#include "platform/base/byte_order.h"

namespace samara::server {

using dns::ExtendedError;
using dns::Rcode;

static_assert(max_update_reason == max_extended_error_text);

void UpdatingWorker::take_updates() {
  crypto::SipHashKey hash_key{};
  rng().fill(hash_key);
  updates_.emplace(hash_key);
}

Answer UpdatingWorker::put_off_update(const Request& request, Bytes relayed, MutableBytes reply) {
  const auto error = [&](Rcode rcode, std::optional<ExtendedError> why, std::string_view text) {
    return answer_error(request.rules, request.packet, request.query, rcode, why, text, reply);
  };
  if (!request.stream.has_value()) {
    const auto [known, outcome] = updates_->find(now(), request.peer, request.packet);
    if (known == PendingUpdates::Known::waiting) return put_off();
    if (known == PendingUpdates::Known::answered && outcome->response.empty()) {
      return error(outcome->rcode, outcome->why, outcome->text());
    }
    if (known == PendingUpdates::Known::answered) {
      updates_->answer_again(now(), request.peer, request.packet);
      return put_off();
    }
  }
  if (!add_update(request, relayed)) return error(Rcode::SERVFAIL, ExtendedError::not_ready, "too many updates are waiting");
  return put_off();
}

bool UpdatingWorker::add_update(const Request& request, Bytes relayed) {
  PendingUpdates::Asker asker;
  asker.peer = request.peer;
  if (request.local != nullptr) asker.local = *request.local;
  asker.stream = request.stream;
  asker.query = request.query;
  asker.rules = request.rules;
  asker.address_shown = request.address_shown();
  asker.has_cookie = request.rules.cookie.size() == asker.cookie.size();
  if (asker.has_cookie) std::ranges::copy(request.rules.cookie, asker.cookie.begin());
  asker.rules.cookie = {};
  if (request.tsig != nullptr) asker.tsig = *request.tsig;
  asker.head_size = dns::header_size + request.query.question_size();
  std::ranges::copy(request.packet.first(asker.head_size), asker.head.begin());
  return updates_->add(now(), request.packet, relayed, request.key, asker);
}

void UpdatingWorker::on_update_done(Instant now, Bytes message) {
  if (!updates_.has_value()) return;
  if (const auto verdict = read_update_done(message); verdict.has_value()) updates_->on_done(now, *verdict);
  for (auto decided = updates_->poll_answer(PendingUpdates::To::stream); decided.has_value();
       decided = updates_->poll_answer(PendingUpdates::To::stream)) {
    answer_late(now, *decided->asker.stream, late_answer(*decided, room_for_answer()));
  }
}

size_t UpdatingWorker::poll_late_answer(runtime::OutgoingDatagram& out) {
  auto decided = updates_.has_value() ? updates_->poll_answer(PendingUpdates::To::datagram) : std::nullopt;
  if (!decided.has_value()) return 0;
  out.peer = decided->asker.peer;
  out.local = decided->asker.local;
  return late_answer(*decided, out.payload).size();
}

// Composed when it is sent, so that nothing is kept meanwhile but what the request was. A primary's own words go as they came,
// with the signature they have, or without one with our cookie.
Bytes UpdatingWorker::late_answer(PendingUpdates::Answer& answer, MutableBytes reply) const {
  auto& [asker, outcome] = answer;
  if (asker.has_cookie) asker.rules.cookie = asker.cookie;
  const Bytes head = Bytes(asker.head).first(asker.head_size);
  size_t size = 0;
  if (outcome.response.empty()) {
    size = answer_error(asker.rules, head, asker.query, outcome.rcode, outcome.why, outcome.text(), reply).size;
  } else {
    AnswerRules whole = asker.rules;
    whole.tail_room = 0;
    ByteWriter out(reply.first(message_budget(whole, asker.query, reply)));
    dns::write_with_cookie(outcome.response, asker.rules.cookie, out);
    if (!out.overflowed()) return out.written();
    const auto rcode = dns::rcode_of(load_be16(outcome.response, 2));
    size = answer_truncated(asker.rules, head, asker.query, rcode, reply).size;
  }
  ByteWriter out(reply, size);
  if (asker.tsig.has_value()) asker.tsig->sign_response(out, wall());
  return out.overflowed() ? Bytes() : Bytes(reply).first(out.size());
}

}  // namespace samara::server
