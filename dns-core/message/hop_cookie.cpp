#include "dns-core/message/hop_cookie.h"

#include <optional>

#include "dns-core/message/edns.h"
#include "dns-core/message/message_reader.h"

namespace samara::dns {
namespace {

// Where the last record begins, if that is an OPT record.
std::optional<size_t> last_opt(Bytes message) {
  const auto header = read_header(message);
  if (!header.has_value()) return std::nullopt;
  MessageReader at(message);
  for (u32 left = header->questions; left != 0 && !at.failed(); --left) at.skip_question();
  std::optional<size_t> opt;
  for (u32 left = header->records(); left != 0; --left) {
    const size_t start = at.position();
    at.skip_name();
    const RecordFields record = at.fields();
    at.bytes(record.size);
    if (at.failed()) return std::nullopt;
    opt.reset();
    if (left == 1 && record.type == RrType::OPT && at.at_end()) opt = start;
  }
  return opt;
}

}  // namespace

void write_with_cookie(Bytes message, Bytes cookie, ByteWriter& out) {
  const auto opt = last_opt(message);
  if (!opt.has_value()) return out.bytes(message);
  const size_t before = out.size();
  Bytes options = message.subspan(*opt + opt_fixed_size);
  out.bytes(message.first(*opt + opt_fixed_size));
  while (!options.empty()) {
    const Bytes from_here = options;
    const auto option = next_option(options);
    if (!option.has_value()) {
      out.bytes(from_here);
      break;
    }
    if (option->code != code(EdnsOption::cookie)) out.bytes(from_here.first(from_here.size() - options.size()));
  }
  if (!cookie.empty()) {
    out.u16(code(EdnsOption::cookie));
    out.u16(static_cast<u16>(cookie.size()));
    out.bytes(cookie);
  }
  if (out.overflowed()) return;
  const size_t options_at = before + *opt + opt_fixed_size;
  out.patch_u16(options_at - 2, static_cast<u16>(out.size() - options_at));
}

}  // namespace samara::dns
