#include "platform/hal/sim/pcap.h"

#include "platform/base/byte_order.h"

namespace samara::hal::sim {
namespace {

constexpr u32 magic_nanoseconds = 0xa1b23c4d;
constexpr u32 version = 4u << 16 | 2;  // 2.4, as two 16-bit fields in little-endian order
constexpr u32 link_type_ethernet = 1;
constexpr u32 snapshot_length = 65'535;

void put(std::vector<u8>& out, u32 value) {
  const size_t at = out.size();
  out.resize(at + 4);
  store_le32(out, at, value);
}

}  // namespace

void Capture::add(Instant at, Bytes frame) {
  if (max_frames_ == 0) return;
  if (frames_.size() == max_frames_) frames_.pop_front();
  frames_.push_back({at, std::vector<u8>(frame.begin(), frame.end())});
}

std::vector<u8> Capture::file() const {
  std::vector<u8> out;
  for (const u32 field : {magic_nanoseconds, version, 0u, 0u, snapshot_length, link_type_ethernet}) put(out, field);
  for (const Frame& frame : frames_) {
    const Duration at = frame.at.since_boot();
    put(out, static_cast<u32>(at.seconds()));
    put(out, static_cast<u32>(at.nanoseconds() % 1'000'000'000));
    put(out, static_cast<u32>(frame.octets.size()));
    put(out, static_cast<u32>(frame.octets.size()));
    out.insert(out.end(), frame.octets.begin(), frame.octets.end());
  }
  return out;
}

}  // namespace samara::hal::sim
