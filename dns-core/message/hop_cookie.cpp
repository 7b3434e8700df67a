#include "dns-core/message/hop_cookie.h"

#include <optional>

#include "dns-core/message/query.h"
#include "dns-core/message/skip_name.h"

namespace samara::dns {
namespace {

constexpr size_t option_head = 4;  // code and length

// Where the last record begins, if that is an OPT record.
std::optional<size_t> last_opt(Bytes message) {
  ByteReader at(message);
  if (message.size() < header_size || !at.skip(header_size).ok()) return std::nullopt;
  for (u32 left = load_be16(message, 4); left != 0; --left) {
    if (!skip_name(at) || !at.skip(4).ok()) return std::nullopt;
  }
  std::optional<size_t> opt;
  const u32 records = u32{load_be16(message, 6)} + load_be16(message, 8) + load_be16(message, 10);
  for (u32 left = records; left != 0; --left) {
    const size_t start = at.position();
    if (!skip_name(at) || at.remaining() < record_overhead) return std::nullopt;
    const Bytes fixed = at.rest().first(record_overhead);
    if (!at.skip(record_overhead + load_be16(fixed, 8)).ok()) return std::nullopt;
    opt.reset();
    if (left == 1 && static_cast<RrType>(load_be16(fixed)) == RrType::OPT && at.at_end()) opt = start;
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
  while (options.size() >= option_head) {
    const size_t size = std::min(options.size(), option_head + load_be16(options, 2));
    if (load_be16(options) != code(EdnsOption::cookie)) out.bytes(options.first(size));
    options = options.subspan(size);
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
