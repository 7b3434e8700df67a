#include "secondary/transfer_in.h"

#include <algorithm>

#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata.h"
#include "dns-core/rdata/rdata_text.h"

namespace samara::secondary {
namespace {

using dns::Serial;

// Our OPT announces it although no answer comes by UDP; the value all others send.
constexpr u16 udp_payload_size = 1232;
constexpr size_t max_unsigned_request = 2 + dns::header_size + dns::max_name_size + 4 + 2 + dns::record_overhead + 22 + 15;

void write_record(ItemTag tag, const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata, ByteWriter& out) {
  out.u8(static_cast<u8>(tag));
  out.bytes(owner.wire());
  out.u16(code(type));
  out.u16(code(dns::RrClass::IN));
  out.u32(ttl.seconds());
  out.u16(static_cast<u16>(rdata.size()));
  out.bytes(rdata);
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

// RFC 5936 section 2.1, RFC 1995 section 3. A primary looks only at the serial of the SOA in the authority section, so that the
// rest can be as short as dig makes it.
void TransferIn::compose(UnixTime wall) {
  if (asked_.kind == TransferKind::soa) {
    request_.resize(2 + max_soa_query);
    const SoaQuestion question{.zone = asked_.zone, .id = asked_.id, .edns = asked_.edns};
    const size_t size =
        compose_soa_query(question, tsig_.has_value() ? &*tsig_ : nullptr, wall, MutableBytes(request_).subspan(2));
    store_be16(request_, 0, static_cast<u16>(size));
    request_.resize(2 + size);
    return;
  }
  request_.resize(max_unsigned_request + (tsig_.has_value() ? tsig_->request_size() : 0));
  const bool differences = asked_.kind == TransferKind::differences && asked_.ours.has_value();
  ByteWriter out(MutableBytes(request_).subspan(2));
  out.u16(asked_.id.value());
  out.u16(0);
  out.u16(1);
  out.u16(0);
  out.u16(differences ? 1 : 0);
  out.u16(asked_.edns ? 1 : 0);
  out.bytes(asked_.zone.wire());
  out.u16(code(differences ? dns::RrType::IXFR : dns::RrType::AXFR));
  out.u16(code(dns::RrClass::IN));
  if (differences) {
    out.u16(0xc000 | dns::header_size);
    out.u16(code(dns::RrType::SOA));
    out.u16(code(dns::RrClass::IN));
    out.u32(0);
    out.u16(22);
    out.u16(0);  // MNAME and RNAME: the root
    out.u32(asked_.ours->value());
    out.zeros(16);
  }
  if (asked_.edns) {
    out.u8(0);
    out.u16(code(dns::RrType::OPT));
    out.u16(udp_payload_size);
    out.u32(0);
    out.u16(4);
    out.u16(code(dns::EdnsOption::expire));  // RFC 7314 section 3.1: asked for with an empty one
    out.u16(0);
  }
  if (tsig_.has_value()) tsig_->sign_request(out, wall);
  store_be16(request_, 0, static_cast<u16>(out.size()));
  request_.resize(2 + out.size());
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
  const auto header = read_response(message());
  if (!header.ok()) {
    const bool malformed = header.error() == ResponseError::malformed;
    return failed(malformed ? TransferError::malformed : TransferError::not_a_response);
  }
  const auto checked = check_header(header.value());
  if (!checked.ok()) return failed(checked.error());
  const auto signature = check_signature(header.value(), wall);
  if (!signature.ok()) return failed(signature.error());
  if (header.value().rcode != dns::Rcode::NOERROR) {
    rcode_ = header.value().rcode;
    return failed(TransferError::refused);
  }
  if (messages_ == 1 && header.value().answers == 0) return failed(TransferError::no_answer);
  if (messages_ == 1) expire_ = header.value().expire;
  open_ = true;
  record_at_ = header.value().answers_at;
  records_left_ = header.value().answers;
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

Result<void, TransferError> TransferIn::check_header(const ResponseHeader& header) {
  if (header.id != asked_.id) return fail(TransferError::wrong_id);
  if (header.opcode != dns::Opcode::QUERY) return fail(TransferError::wrong_opcode);
  if ((header.flags & dns::flag_tc) != 0) return fail(TransferError::truncated_flag);
  if (!header.has_question) {
    // RFC 5936 section 2.2.1: the first message repeats the question, later ones may. Errors need not.
    if (messages_ == 1 && header.rcode == dns::Rcode::NOERROR) return fail(TransferError::wrong_question);
    return {};
  }
  const bool differences = asked_.kind == TransferKind::differences && asked_.ours.has_value();
  const auto type = differences ? dns::RrType::IXFR : dns::RrType::AXFR;
  if (header.name != asked_.zone || header.type != type || header.rr_class != dns::RrClass::IN) {
    return fail(TransferError::wrong_question);
  }
  return {};
}

Result<void, TransferError> TransferIn::check_signature(const ResponseHeader& header, UnixTime wall) {
  if (!tsig_.has_value()) return {};
  // A refusal that is not signed is one all the same: there is no transfer.
  if (messages_ == 1 && !header.tsig_at.has_value() && header.rcode != dns::Rcode::NOERROR) return {};
  const auto verified = tsig_->on_response(message(), header.tsig_at, wall);
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
  const auto as_malformed = [](ResponseError) { return TransferError::malformed; };
  const auto as_bad_rdata = [](dns::RdataError) { return TransferError::bad_rdata; };
  ByteReader at(message());
  MUST(at.skip(record_at_));
  const RecordHead head = TRY(read_record_head(at).map_error(as_malformed));
  // Records that the loader leaves out are handed on to it as well: their readability decides about the message.
  at_record_ = RecordName{head.owner, head.type};
  if (head.rr_class != dns::RrClass::IN) return fail(TransferError::foreign_class);
  if (records_ >= asked_.limits.records) return fail(TransferError::too_many_records);
  const bool differences = phase_ == Phase::removing || phase_ == Phase::adding;
  if (differences && octets_ > asked_.limits.difference_octets) return fail(TransferError::differences_too_large);
  const ByteWriter::Mark before = out.mark();
  Taken taken = Taken::yes;
  if (head.type == dns::RrType::SOA) {
    std::array<u8, max_soa_rdata> memory;
    ByteWriter rdata(memory);
    TRY(dns::rdata_from_message(head.type, at, head.size, rdata, dns::RdataRules::copied).map_error(as_bad_rdata));
    taken = TRY(take_soa(head, rdata.written(), out));
  } else {
    if (phase_ == Phase::first_soa) return fail(TransferError::no_soa_first);
    if (phase_ == Phase::second_record) write_whole_begin(out);
    const ItemTag tag = phase_ == Phase::removing ? ItemTag::removed : ItemTag::added;
    write_record(tag, head.owner, head.type, head.ttl, {}, out);
    const size_t rdata_at = out.size();
    if (!out.overflowed()) {
      const auto rdata = dns::rdata_from_message(head.type, at, head.size, out, dns::RdataRules::copied);
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
  constexpr size_t needed = max_mark_size + 1 + dns::max_name_size + dns::record_overhead + max_soa_rdata;
  if (head.owner != asked_.zone) {
    return fail(phase_ == Phase::first_soa ? TransferError::no_soa_first : TransferError::soa_below_apex);
  }
  if (out.remaining() < needed) return Taken::no_room;
  const Serial serial = soa_fields(rdata).serial;
  switch (phase_) {
    case Phase::first_soa: return take_first_soa(head, rdata, out);
    case Phase::second_record:
      if (serial != *asked_.ours) return fail(TransferError::other_start);
      write_steps(*asked_.ours, *first_serial_, out);
      write_record(ItemTag::old_soa, head.owner, head.type, head.ttl, rdata, out);
      phase_ = Phase::removing;
      step_serial_ = serial;
      return Taken::yes;
    case Phase::whole:
      if (!is_first_soa(rdata)) return fail(TransferError::soa_in_middle);
      return take_last_soa(out);
    case Phase::removing:
      if (serial.compare(step_serial_) != Serial::Order::greater) return fail(TransferError::broken_steps);
      write_record(ItemTag::new_soa, head.owner, head.type, head.ttl, rdata, out);
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
  write_record(ItemTag::old_soa, head.owner, head.type, head.ttl, rdata, out);
  phase_ = Phase::removing;
  return Taken::yes;
}

Result<TransferIn::Taken, TransferError> TransferIn::take_first_soa(const RecordHead& head, Bytes rdata, ByteWriter& out) {
  first_serial_ = soa_fields(rdata).serial;
  const bool less_than_promised =
      asked_.promised.has_value() && first_serial_->compare(*asked_.promised) == Serial::Order::less;
  if (asked_.kind == TransferKind::differences && first_serial_ == asked_.ours && !less_than_promised) {
    state_ = State::up_to_date;  // RFC 1995 section 4: the newest version is the one the client has
    return Taken::end;
  }
  TRY(check_serial(*first_serial_));
  first_ttl_ = head.ttl;
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
