#include "server/outgoing_transfers.h"

#include <algorithm>

namespace samara::server {

OutgoingTransfers::OutgoingTransfers(const Limits& limits, u32 streams)
    : limits_(limits),
      slot_of_(streams, no_slot),
      slots_(std::min<u32>(limits.transfers, no_slot)),
      transfers_(slots_.size()) {}

TransferOut* OutgoingTransfers::start(Instant now, u32 stream, u64 client, u64 generation) {
  const auto of_client = [&](const Slot& slot) { return slot.running && slot.client == client; };
  if (std::ranges::count_if(slots_, of_client) >= static_cast<std::ptrdiff_t>(limits_.per_client)) return nullptr;
  const auto slot = std::ranges::find(slots_, false, &Slot::running);
  if (slot == slots_.end()) return nullptr;
  *slot = {.running = true, .client = client, .generation = generation, .started = now};
  slot_of_[stream] = static_cast<u16>(slot - slots_.begin());
  ++running_;
  return &transfers_[slot_of_[stream]];
}

TransferOut* OutgoingTransfers::of(Instant now, u32 stream) {
  const u16 slot = slot_of_[stream];
  if (slot == no_slot || now - slots_[slot].started > longest) return nullptr;
  return &transfers_[slot];
}

void OutgoingTransfers::end(u32 stream) {
  const u16 slot = slot_of_[stream];
  if (slot == no_slot) return;
  slot_of_[stream] = no_slot;
  slots_[slot].running = false;
  --running_;
}

u64 OutgoingTransfers::oldest_generation(u64 current) const {
  if (running_ == 0) return current;
  u64 oldest = current;
  for (const Slot& slot : slots_) {
    if (slot.running) oldest = std::min(oldest, slot.generation);
  }
  return oldest;
}

}  // namespace samara::server
