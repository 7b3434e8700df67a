#include "dns-core/message/query.h"

#include <algorithm>

#include "dns-core/message/message_reader.h"

namespace samara::dns {
namespace {

// Octets of the uncompressed name at `at`, root included; 0 when it is not one. A pointer in the only question has nothing to
// point at.
size_t question_name_size(Bytes packet, size_t at) {
  const size_t end = std::min(packet.size(), at + max_name_size);
  for (size_t next = at; next < end;) {
    const u8 length = packet[next];
    if (length == 0) return next + 1 - at;
    if (length > max_label_size) return 0;
    next += size_t{length} + 1;
  }
  return 0;
}

void read_option(u16 option, Bytes data, Edns& edns) {
  switch (option) {
    case code(EdnsOption::nsid): edns.nsid = true; return;
    case code(EdnsOption::expire): edns.expire = true; return;
    case code(EdnsOption::tcp_keepalive):
      // RFC 7828 section 3.2.1: a client's option is empty.
      edns.tcp_keepalive = true;
      if (!data.empty()) edns.malformed = true;
      return;
    case code(EdnsOption::padding): edns.padding = true; return;
    case code(EdnsOption::zoneversion):
      // RFC 9660 section 3: empty in a query.
      edns.zoneversion = data.empty();
      if (!data.empty()) edns.malformed = true;
      return;
    case code(EdnsOption::cookie): {
      // RFC 7873 section 5.2.2: any other length is FORMERR. The first of several counts.
      if (data.size() != 8 && (data.size() < 16 || data.size() > 40)) {
        edns.malformed = true;
        return;
      }
      if (edns.cookie.has_value()) return;
      CookieOption& cookie = edns.cookie.emplace();
      std::ranges::copy(data.first(8), cookie.client.begin());
      std::ranges::copy(data.subspan(8), cookie.server.begin());
      cookie.server_size = static_cast<u8>(data.size() - 8);
      return;
    }
    default: return;  // RFC 6891 section 6.1.2: options that are not known are ignored
  }
}

bool read_options(Bytes data, Edns& edns) {
  while (!data.empty()) {
    const auto option = next_option(data);
    if (!option.has_value()) return false;
    read_option(option->code, option->data, edns);
  }
  return true;
}

// Reads the records behind the question. False: FORMERR.
bool read_records(MessageReader& at, Query& query, u32 answers, u32 authorities, u32 additionals) {
  const u32 total = answers + authorities + additionals;
  if (total > max_query_records && query.opcode != Opcode::UPDATE) return false;
  for (u32 i = 0; i < total; ++i) {
    const size_t start = at.position();
    if (query.tsig_at != 0) return false;  // RFC 8945 section 5.1: TSIG is the last record
    const bool root_owner = at.peek() == 0;
    at.skip_name();
    const RecordFields record = at.fields();
    const Bytes data = at.bytes(record.size);
    if (at.failed()) return false;
    if (i == answers && authorities != 0) query.authority_at = static_cast<u16>(start);
    if (record.type == RrType::OPT) {
      // RFC 6891 section 6.1.1: one OPT, in the additional section, owned by the root.
      if (i < answers + authorities || query.edns.has_value() || !root_owner) return false;
      Edns& edns = query.edns.emplace();
      edns.udp_payload_size = std::max<u16>(512, code(record.rr_class));
      edns.version = static_cast<u8>(record.ttl >> 16);
      edns.dnssec_ok = (record.ttl & 0x8000) != 0;
      if (edns.version != 0) {
        // Whatever else a later version means by its options, who answers may be told.
        Edns later;
        edns.nsid = read_options(data, later) && later.nsid;
      } else if (!read_options(data, edns)) {
        return false;
      }
      if (edns.malformed) return false;
    } else if (record.type == RrType::TSIG) {
      if (i < answers + authorities) return false;
      query.tsig_at = static_cast<u16>(start);
    }
  }
  return at.at_end();
}

// RFC 9619: a QUERY has one question, or none when it asks for a cookie (RFC 7873 section 5.4). What else there is gets an
// error with OPT, where the request's can be read (RFC 6891 section 7).
[[gnu::cold]] void read_without_question(Bytes packet, u16 questions, Query& query) {
  if (query.opcode != Opcode::QUERY && query.opcode != Opcode::NOTIFY && query.opcode != Opcode::UPDATE) {
    query.verdict = QueryVerdict::notimp;
    return;
  }
  MessageReader at(packet);
  for (u16 i = 0; i < std::min<u16>(questions, max_query_records); ++i) at.skip_question();
  const u16 answers = load_be16(packet, answer_count_at);
  const u16 authorities = load_be16(packet, authority_count_at);
  const bool good = questions <= max_query_records && !at.failed() &&
                    read_records(at, query, answers, authorities, load_be16(packet, additional_count_at));
  const bool is_signed = query.tsig_at != 0;
  query.tsig_at = 0;
  query.authority_at = 0;
  if (!good || !query.edns.has_value()) return;
  if (query.edns->version != 0) {
    query.verdict = QueryVerdict::badvers;
  } else if (questions == 0 && query.opcode == Opcode::QUERY && query.edns->cookie.has_value() && !is_signed &&
             answers + authorities == 0) {
    query.verdict = QueryVerdict::cookie;
  }
}

}  // namespace

Query parse_query(Bytes packet) {
  SAMARA_UNINITIALIZED Query query;  // its members say what they start as
  if (packet.size() < header_size || packet.size() > max_message_size) return query;
  query.flags = load_be16(packet, 2);
  if ((query.flags & flag_qr) != 0) return query;
  query.id = MessageId(load_be16(packet));
  query.opcode = opcode_of(query.flags);
  query.verdict = QueryVerdict::formerr;
  const u16 questions = load_be16(packet, question_count_at);
  if (questions != 1) {
    read_without_question(packet, questions, query);
    return query;
  }
  const size_t name_size = question_name_size(packet, header_size);
  if (name_size == 0 || packet.size() - header_size - name_size < 4) return query;
  query.has_question = true;
  query.name_size = static_cast<u8>(name_size);
  query.type = static_cast<RrType>(load_be16(packet, header_size + name_size));
  query.rr_class = static_cast<RrClass>(load_be16(packet, header_size + name_size + 2));
  const size_t records_at = header_size + name_size + 4;
  const u64 counts = u64{load_be32(packet, answer_count_at)} << 16 | load_be16(packet, additional_count_at);
  if (counts == 0) {
    if (packet.size() != records_at) return query;
  } else {
    MessageReader at(packet, records_at);
    if (!read_records(at, query, load_be16(packet, answer_count_at), load_be16(packet, authority_count_at),
                      load_be16(packet, additional_count_at))) {
      return query;
    }
    if (query.edns.has_value() && query.edns->version != 0) {
      query.verdict = QueryVerdict::badvers;
      return query;
    }
  }
  const bool known = query.opcode == Opcode::QUERY || query.opcode == Opcode::NOTIFY || query.opcode == Opcode::UPDATE;
  query.verdict = known ? QueryVerdict::good : QueryVerdict::notimp;
  return query;
}

}  // namespace samara::dns
