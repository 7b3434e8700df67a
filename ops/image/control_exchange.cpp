#include "ops/image/control_exchange.h"

#include <algorithm>
#include <array>

#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"

namespace samara::ops {

ControlExchange::ControlExchange(u32 kind, std::vector<u8> payload) : request_(std::move(payload)) {
  std::array<u8, control_frame_header> header{};
  ByteWriter out(header);
  out.u32(kind);
  out.u32(static_cast<u32>(request_.size()));
  request_.insert(request_.begin(), header.begin(), header.end());
}

bool ControlExchange::on_input(Bytes octets) {
  input_.insert(input_.end(), octets.begin(), octets.end());
  if (input_.size() < control_frame_header) return true;
  const u32 length = load_be32(input_, 4);
  return length <= max_control_reply && input_.size() <= control_frame_header + length;
}

std::optional<u32> ControlExchange::status() const {
  if (input_.size() < control_frame_header) return {};
  if (input_.size() < control_frame_header + load_be32(input_, 4)) return {};
  return load_be32(input_, 0);
}

std::string ControlExchange::last_line() const {
  std::string text(input_.begin() + std::min<ptrdiff_t>(control_frame_header, static_cast<ptrdiff_t>(input_.size())),
                   input_.end());
  while (text.ends_with('\n')) text.pop_back();
  const size_t before = text.rfind('\n');
  return before == std::string::npos ? text : text.substr(before + 1);
}

}  // namespace samara::ops
