#include "platform/net/tcp/segment_output.h"

#include "platform/net/wire/checksum.h"

namespace samara::net::tcp {

void finish_segment(FrameSlot& slot, const Flow& flow, const SegmentHeader& header, size_t payload, bool checksum_offload) {
  const size_t size = header_size(header.options) + payload;
  slot.set_payload(size);
  const MutableBytes octets = slot.octets();
  write_header(header, octets);
  ChecksumSum sum;
  sum.add_pseudo_header(flow.local.address, flow.peer.address, static_cast<u8>(Protocol::tcp), static_cast<u32>(size));
  if (checksum_offload) {
    store_be16(octets, checksum_offset, sum.folded());
    slot.request_checksum(checksum_offset);
    return;
  }
  sum.add(octets);
  store_be16(octets, checksum_offset, sum.finish());
}

}  // namespace samara::net::tcp
