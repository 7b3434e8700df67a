#include "dns-core/message/response.h"

#include "dns-core/message/edns.h"
#include "dns-core/message/message_reader.h"

namespace samara::dns {
namespace {

bool read_opt(u32 ttl, Bytes options, Response& response) {
  if (response.has_edns) return false;  // RFC 6891 section 6.1.1: one at most
  response.has_edns = true;
  response.rcode = Rcode(code(response.rcode) | (ttl >> 24 << 4));
  while (!options.empty()) {
    const auto option = next_option(options);
    if (!option.has_value()) return false;
    // RFC 7314 section 3.2: four octets; empty from a server that has nothing to say.
    if (option->code == code(EdnsOption::expire) && option->data.size() == 4) response.expire = load_be32(option->data);
    if (option->code == code(EdnsOption::extended_error) && option->data.size() > 2 && response.reason.empty()) {
      response.reason = option->data.subspan(2);
    }
  }
  return true;
}

}  // namespace

Result<Response, ResponseError> read_response(Bytes message) {
  const auto header = read_header(message);
  if (!header.has_value()) return fail(ResponseError::malformed);
  if (!header->has(flag_qr)) return fail(ResponseError::not_a_response);
  if (header->questions > 1) return fail(ResponseError::malformed);
  Response response;
  response.header = *header;
  response.rcode = header->rcode();
  MessageReader at(message);
  if (header->questions == 1) {
    Question& question = response.question.emplace();
    question.name = at.name();
    question.type = static_cast<RrType>(at.u16_value());
    question.rr_class = static_cast<RrClass>(at.u16_value());
  }
  response.answers_at = at.position();
  const u32 first_additional = u32{header->answers} + header->authorities;
  for (u32 i = 0; i < header->records(); ++i) {
    const size_t start = at.position();
    at.skip_name();
    const RecordFields record = at.fields();
    const Bytes data = at.bytes(record.size);
    if (at.failed() || response.tsig_at.has_value())
      return fail(ResponseError::malformed);  // RFC 8945 section 5.1: TSIG is last
    if (i < first_additional) continue;
    if (record.type == RrType::OPT && !read_opt(record.ttl, data, response)) return fail(ResponseError::malformed);
    if (record.type == RrType::TSIG) response.tsig_at = start;
  }
  if (at.failed() || !at.at_end()) return fail(ResponseError::malformed);
  return response;
}

}  // namespace samara::dns
