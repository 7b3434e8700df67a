#include "secondary/transfer_in.h"

#include <algorithm>

#include "dns-core/message/request.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/rdata/soa.h"
#include "dns-core/record_image.h"

namespace samara::secondary {
namespace {

using dns::Serial;

void write_record(ItemTag tag, const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata, ByteWriter& out) {
  out.u8(static_cast<u8>(tag));
  dns::write_record_image(owner, type, ttl, rdata, out);
}

}  // namespace

TransferIn::TransferIn(const TransferRequest& request, Instant now, UnixTime wall)
    : asked_(request),
      buffer_(std::make_unique_for_overwrite<std::array<u8, buffer_size>>()),
      window_end_(now + rate_window),
      total_end_(now + request.limits.total) {
  if (asked_.key != nullptr) tsig_.emplace(*asked_.key);
  compose(wall);
}

// RFC 5936 section 2.1, RFC 1995 section 3.
void TransferIn::compose(UnixTime wall) {
  dns::TsigClient* const tsig = tsig_.has_value() ? &*tsig_ : nullptr;
  const bool differences = asked_.kind == TransferKind::differences && asked_.ours.has_value();
  request_.resize(2 + dns::request_size(asked_.zone.size()) + (differences ? dns::own_serial_size : 0) +
                  (tsig != nullptr ? tsig->request_size() : 0));
  const MutableBytes room = MutableBytes(request_).subspan(2);
  size_t size = 0;
  if (asked_.kind == TransferKind::soa) {
    size = compose_soa_query({.zone = asked_.zone, .id = asked_.id, .edns = asked_.edns}, tsig, wall, room);
  } else {
    const auto type = differences ? dns::RrType::IXFR : dns::RrType::AXFR;
    dns::RequestWriter request(room, {.id = asked_.id, .name = asked_.zone, .type = type});
    if (differences) request.own_serial(dns::RequestWriter::Section::authority, *asked_.ours);
    // RFC 7314 section 3.1: EXPIRE is asked for with an empty option.
    if (asked_.edns) request.opt(dns::common_udp_payload_size, {dns::EdnsOption::expire});
    size = request.finish(tsig, wall);
  }
  store_be16(request_, 0, static_cast<u16>(size));
  request_.resize(2 + size);
}

bool TransferIn::message_ready() const {
  const size_t there = filled_ - start_;
  return there >= 2 && there - 2 >= load_be16(*buffer_, start_);
}

Bytes TransferIn::message() const {
  return Bytes(*buffer_).subspan(start_ + 2, load_be16(*buffer_, start_));
}

MutableBytes TransferIn::input_space() {
  if (state_ != State::running || message_ready()) return {};
  return MutableBytes(*buffer_).subspan(filled_);
}

void TransferIn::on_input(Instant, size_t count) {
  if (state_ != State::running) return;
  filled_ += count;
  octets_ += count;
  window_octets_ += count;
  if (octets_ > asked_.limits.octets) (void)failed(TransferError::too_many_octets);
}

void TransferIn::on_end(Instant) {
  ended_ = true;
  if (state_ == State::running && !message_ready()) (void)failed(TransferError::cut_short);
}

void TransferIn::on_deadline(Instant now) {
  if (state_ != State::running) return;
  if (now >= total_end_) {
    (void)failed(TransferError::too_long);
    return;
  }
  if (now < window_end_) return;
  // While a message waits to be taken it is we who are slow.
  if (window_octets_ < asked_.limits.octets_per_window && !message_ready()) {
    // RFC 1995 section 4 has this answer for UDP, when the differences do not fit; it says no more by TCP.
    (void)failed(phase_ == Phase::second_record ? TransferError::soa_alone : TransferError::too_slow);
    return;
  }
  window_octets_ = 0;
  window_end_ = now + rate_window;
}

size_t TransferIn::next_batch(UnixTime wall, MutableBytes room) {
  ByteWriter out(room.first(std::min(room.size(), max_batch_size)));
  while (state_ == State::running) {
    if (!open_) {
      if (!message_ready()) {
        if (ended_) (void)failed(TransferError::cut_short);
        break;
      }
      if (asked_.kind == TransferKind::soa) {
        take_soa_answer(wall);
        break;
      }
      if (!open_message(wall).ok()) break;
    }
    if (records_left_ == 0) {
      close_message();
      continue;
    }
    const auto taken = take_record(out);
    if (!taken.ok()) {
      (void)failed(taken.error());
      break;
    }
    if (taken.value() == Taken::no_room) {
      if (out.size() != 0) break;
      (void)failed(TransferError::record_too_long);
    }
  }
  // The records of a transfer that has failed are unusable.
  return state_ == State::failed ? 0 : out.size();
}

Result<void, TransferError> TransferIn::open_message(UnixTime wall) {
  if (++messages_ > asked_.limits.messages) return failed(TransferError::too_many_messages);
  const auto read = dns::read_response(message());
  if (!read.ok()) {
    const bool malformed = read.error() == dns::ResponseError::malformed;
    return failed(malformed ? TransferError::malformed : TransferError::not_a_response);
  }
  const dns::Response& response = read.value();
  const auto checked = check_header(response);
  if (!checked.ok()) return failed(checked.error());
  const auto signature = check_signature(response, wall);
  if (!signature.ok()) return failed(signature.error());
  if (response.rcode != dns::Rcode::NOERROR) {
    rcode_ = response.rcode;
    return failed(TransferError::refused);
  }
  if (messages_ == 1 && response.header.answers == 0) return failed(TransferError::no_answer);
  if (messages_ == 1) expire_ = response.expire;
  open_ = true;
  record_at_ = response.answers_at;
  records_left_ = response.header.answers;
  return {};
}

void TransferIn::take_soa_answer(UnixTime wall) {
  soa_reply_ = read_soa_answer(message(), {.zone = asked_.zone, .id = asked_.id, .edns = asked_.edns}, tsig_, wall);
  if (soa_reply_.answer == SoaAnswer::foreign) {
    (void)failed(TransferError::wrong_question);  // on a connection of its own nothing else can come
  } else {
    state_ = State::answered;
  }
}

Result<void, TransferError> TransferIn::check_header(const dns::Response& response) {
  if (response.header.id != asked_.id) return fail(TransferError::wrong_id);
  if (response.header.opcode() != dns::Opcode::QUERY) return fail(TransferError::wrong_opcode);
  if (response.header.has(dns::flag_tc)) return fail(TransferError::truncated_flag);
  if (!response.question.has_value()) {
    // RFC 5936 section 2.2.1: the first message repeats the question, later ones may. Errors need not.
    if (messages_ == 1 && response.rcode == dns::Rcode::NOERROR) return fail(TransferError::wrong_question);
    return {};
  }
  const bool differences = asked_.kind == TransferKind::differences && asked_.ours.has_value();
  const auto type = differences ? dns::RrType::IXFR : dns::RrType::AXFR;
  if (*response.question != dns::Question{asked_.zone, type}) return fail(TransferError::wrong_question);
  return {};
}

Result<void, TransferError> TransferIn::check_signature(const dns::Response& response, UnixTime wall) {
  if (!tsig_.has_value()) return {};
  // A refusal that is not signed is one all the same: there is no transfer.
  if (messages_ == 1 && !response.tsig_at.has_value() && response.rcode != dns::Rcode::NOERROR) return {};
  const auto verified = tsig_->on_response(message(), response.tsig_at, wall);
  if (!verified.ok()) {
    tsig_error_ = verified.error();
    rcode_ = tsig_->peer_error();
    return fail(TransferError::tsig);
  }
  return {};
}

void TransferIn::close_message() {
  start_ += 2 + message().size();
  open_ = false;
  if (message_ready()) return;
  // The start of a message that is not all there moves to the front, where the rest has room.
  const Bytes rest = Bytes(*buffer_).subspan(start_, filled_ - start_);
  std::copy(rest.begin(), rest.end(), buffer_->begin());
  start_ = 0;
  filled_ = rest.size();
}

Result<TransferIn::Taken, TransferError> TransferIn::take_record(ByteWriter& out) {
  dns::MessageReader at(message(), record_at_);
  RecordHead head;
  head.owner = at.name();
  static_cast<dns::RecordFields&>(head) = at.fields();
  if (at.failed()) return fail(TransferError::malformed);
  // Records that the loader leaves out are handed on to it as well: their readability decides about the message.
  at_record_ = RecordName{head.owner, head.type};
  if (head.rr_class != dns::RrClass::IN) return fail(TransferError::foreign_class);
  if (records_ >= asked_.limits.records) return fail(TransferError::too_many_records);
  const bool differences = phase_ == Phase::removing || phase_ == Phase::adding;
  if (differences && octets_ > asked_.limits.difference_octets) return fail(TransferError::differences_too_large);
  const ByteWriter::Mark before = out.mark();
  Taken taken = Taken::yes;
  if (head.type == dns::RrType::SOA) {
    std::array<u8, dns::max_soa_rdata_size> memory;
    ByteWriter rdata(memory);
    if (!at.rdata(head, rdata, dns::RdataRules::copied).ok()) return fail(TransferError::bad_rdata);
    taken = TRY(take_soa(head, rdata.written(), out));
  } else {
    if (phase_ == Phase::first_soa) return fail(TransferError::no_soa_first);
    if (phase_ == Phase::second_record) write_whole_begin(out);
    const ItemTag tag = phase_ == Phase::removing ? ItemTag::removed : ItemTag::added;
    write_record(tag, head.owner, head.type, dns::Ttl(head.ttl), {}, out);
    const size_t rdata_at = out.size();
    if (!out.overflowed()) {
      const auto rdata = at.rdata(head, out, dns::RdataRules::copied);
      if (!rdata.ok() && rdata.error() != dns::RdataError::too_long) return fail(TransferError::bad_rdata);
      if (rdata.ok()) {
        out.patch_u16(rdata_at - 2, static_cast<u16>(out.size() - rdata_at));
      } else {
        taken = Taken::no_room;
      }
    }
    if (phase_ == Phase::second_record && taken == Taken::yes && !out.overflowed()) phase_ = Phase::whole;
  }
  if (out.overflowed() || taken == Taken::no_room) {
    out.rollback(before);
    return Taken::no_room;
  }
  at_record_.reset();
  if (taken == Taken::end) return taken;
  ++records_;
  --records_left_;
  record_at_ = at.position();
  return taken;
}

// A phase may only move on when what it writes has room: every case writes at most `needed` octets, asked for first.
Result<TransferIn::Taken, TransferError> TransferIn::take_soa(const RecordHead& head, Bytes rdata, ByteWriter& out) {
  constexpr size_t needed = max_mark_size + 1 + dns::max_name_size + dns::record_fixed_size + dns::max_soa_rdata_size;
  if (head.owner != asked_.zone) {
    return fail(phase_ == Phase::first_soa ? TransferError::no_soa_first : TransferError::soa_below_apex);
  }
  if (out.remaining() < needed) return Taken::no_room;
  const Serial serial = dns::SoaNumbers::of(rdata).serial;
  switch (phase_) {
    case Phase::first_soa: return take_first_soa(head, rdata, out);
    case Phase::second_record:
      if (serial != *asked_.ours) return fail(TransferError::other_start);
      write_steps(*asked_.ours, *first_serial_, out);
      write_record(ItemTag::old_soa, head.owner, head.type, dns::Ttl(head.ttl), rdata, out);
      phase_ = Phase::removing;
      step_serial_ = serial;
      return Taken::yes;
    case Phase::whole:
      if (!is_first_soa(rdata)) return fail(TransferError::soa_in_middle);
      return take_last_soa(out);
    case Phase::removing:
      if (serial.compare(step_serial_) != Serial::Order::greater) return fail(TransferError::broken_steps);
      write_record(ItemTag::new_soa, head.owner, head.type, dns::Ttl(head.ttl), rdata, out);
      phase_ = Phase::adding;
      step_serial_ = serial;
      return Taken::yes;
    case Phase::adding: break;
  }
  // Between two steps, or behind the last.
  if (serial != step_serial_) return fail(TransferError::broken_steps);
  if (step_serial_ == *first_serial_) {
    if (!is_first_soa(rdata)) return fail(TransferError::broken_steps);
    return take_last_soa(out);
  }
  write_record(ItemTag::old_soa, head.owner, head.type, dns::Ttl(head.ttl), rdata, out);
  phase_ = Phase::removing;
  return Taken::yes;
}

Result<TransferIn::Taken, TransferError> TransferIn::take_first_soa(const RecordHead& head, Bytes rdata, ByteWriter& out) {
  first_serial_ = dns::SoaNumbers::of(rdata).serial;
  const bool less_than_promised =
      asked_.promised.has_value() && first_serial_->compare(*asked_.promised) == Serial::Order::less;
  if (asked_.kind == TransferKind::differences && first_serial_ == asked_.ours && !less_than_promised) {
    state_ = State::up_to_date;  // RFC 1995 section 4: the newest version is the one the client has
    return Taken::end;
  }
  TRY(check_serial(*first_serial_));
  first_ttl_ = dns::Ttl(head.ttl);
  std::ranges::copy(rdata, first_soa_.begin());
  first_soa_size_ = rdata.size();
  if (asked_.kind == TransferKind::differences && asked_.ours.has_value()) {
    phase_ = Phase::second_record;  // it tells whether differences follow or the whole zone
  } else {
    write_whole_begin(out);
    phase_ = Phase::whole;
  }
  return Taken::yes;
}

Result<void, TransferError> TransferIn::check_serial(Serial serial) const {
  if (asked_.ours.has_value()) {
    const Serial::Order order = serial.compare(*asked_.ours);
    if (order == Serial::Order::undefined) return fail(TransferError::serial_undefined);
    if (order == Serial::Order::less) return fail(TransferError::serial_older);
  }
  if (asked_.promised.has_value()) {
    const Serial::Order order = serial.compare(*asked_.promised);
    if (order == Serial::Order::less || order == Serial::Order::undefined) return fail(TransferError::serial_not_promised);
  }
  return {};
}

Result<TransferIn::Taken, TransferError> TransferIn::take_last_soa(ByteWriter& out) {
  if (records_left_ != 1 || filled_ - start_ != 2 + message().size()) return fail(TransferError::trailing_data);
  if (tsig_.has_value() && !tsig_->last_was_signed()) return fail(TransferError::unsigned_end);
  write_end(expire_, out);
  state_ = State::complete;
  return Taken::end;
}

bool TransferIn::is_first_soa(Bytes rdata) const {
  return dns::canonical_compare_rdata(dns::RrType::SOA, rdata, Bytes(first_soa_).first(first_soa_size_)) == 0;
}

void TransferIn::write_whole_begin(ByteWriter& out) const {
  write_whole(*first_serial_, out);
  write_record(ItemTag::added, asked_.zone, dns::RrType::SOA, first_ttl_, Bytes(first_soa_).first(first_soa_size_), out);
}

namespace {

bool is_of_serials(TransferError error) {
  return error == TransferError::serial_older || error == TransferError::serial_undefined ||
         error == TransferError::serial_not_promised;
}

}  // namespace

void TransferIn::write_failure(TextWriter& out) const {
  out.put(describe(error_));
  if (error_ == TransferError::tsig && tsig_error_.has_value()) {
    out.put(": ");
    out.put(dns::describe(*tsig_error_));
    const std::string_view refusal = dns::describe_refusal(rcode_);
    if (!refusal.empty()) {
      out.put(": ");
      out.put(refusal);
    }
  } else if (rcode_ != dns::Rcode::NOERROR) {
    out.put(": ");
    dns::RcodeText{rcode_}.write_text(out);
  }
  if (first_serial_.has_value() && is_of_serials(error_)) {
    out.put(" (");
    out.put(first_serial_->value());
    if (asked_.ours.has_value()) {
      out.put(" there, ");
      out.put(asked_.ours->value());
      out.put(" here");
    }
    out.put(')');
  } else if (at_record_.has_value()) {
    out.put(": ");
    at_record_->owner.write_text(out);
    out.put(' ');
    dns::write_type(at_record_->type, out);
  }
}

}  // namespace samara::secondary
