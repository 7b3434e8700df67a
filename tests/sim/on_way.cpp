#include "tests/sim/on_way.h"

#include "platform/net/wire/address_fields.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ethernet.h"
#include "platform/net/wire/ipv4.h"

namespace samara::sim {

using namespace net;

std::optional<SegmentOnWay> SegmentOnWay::in(MutableBytes frame) {
  const auto link = EthernetHeader::parse(frame);
  if (!link.ok() || link.value().type != EtherType::ipv4) return std::nullopt;
  const MutableBytes packet = frame.subspan(EthernetHeader::size);
  const auto ip = Ipv4Header::parse(packet);
  if (!ip.ok() || ip.value().protocol != Protocol::tcp || ip.value().is_fragment()) return std::nullopt;
  if (ip.value().total_length < ip.value().header_length + 20) return std::nullopt;
  const SegmentOnWay found(packet.first(ip.value().header_length),
                           packet.first(ip.value().total_length).subspan(ip.value().header_length));
  if (found.header_size() < 20 || found.header_size() > found.tcp_.size()) return std::nullopt;
  return found;
}

std::optional<SegmentOnWay::Place> SegmentOnWay::option(u8 kind) const {
  for (size_t at = 20; at + 1 < header_size() && tcp_[at] != 0;) {
    if (tcp_[at] == 1) {
      ++at;
      continue;
    }
    const size_t size = tcp_[at + 1];
    if (size < 2 || at + size > header_size()) return std::nullopt;
    if (tcp_[at] == kind) return Place{at + 2, size - 2};
    at += size;
  }
  return std::nullopt;
}

void SegmentOnWay::set_window(u16 window) {
  store_be16(tcp_, 14, window);
  finish();
}

void SegmentOnWay::set_word(size_t at, u32 value) {
  store_be32(tcp_, at, value);
  finish();
}

void SegmentOnWay::finish() {
  store_be16(tcp_, 16, 0);
  ChecksumSum sum;
  sum.add_pseudo_header(load_v4(ip_, 12), load_v4(ip_, 16), static_cast<u8>(Protocol::tcp), static_cast<u32>(tcp_.size()));
  sum.add(tcp_);
  store_be16(tcp_, 16, sum.finish());
}

}  // namespace samara::sim
