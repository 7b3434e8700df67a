#include "server/outgoing_transfers.h"

#include <algorithm>

namespace samara::server {

OutgoingTransfers::OutgoingTransfers(const Limits& limits, u32 streams)
    : limits_(limits),
      slot_of_(streams, no_slot),
      slots_(std::min<u32>(limits.transfers, no_slot)),
      transfers_(slots_.size()) {}

TransferOut* OutgoingTransfers::start(Instant now, u32 stream, u64 client, u64 generation, const dns::Name& zone) {
  const auto of_client = [&](const Slot& slot) { return slot.running && slot.client == client; };
  if (std::ranges::count_if(slots_, of_client) >= static_cast<std::ptrdiff_t>(limits_.per_client)) return nullptr;
  const auto slot = std::ranges::find_if(slots_, is_free);
  if (slot == slots_.end()) return nullptr;
  *slot = {.running = true,
           .keeps = Slot::Keeps::generation,
           .turn = static_cast<u16>(slot->turn + 1),
           .stream = stream,
           .client = client,
           .generation = generation,
           .started = now,
           .zone = zone};
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
  const u16 number = slot_of_[stream];
  if (number == no_slot) return;
  slot_of_[stream] = no_slot;
  Slot& slot = slots_[number];
  slot.running = false;
  if (slot.keeps != Slot::Keeps::generation) {
    slot.keeps = Slot::Keeps::over;
    notes_ = true;
  }
  --running_;
}

u64 OutgoingTransfers::oldest_generation(u64 current) const {
  if (running_ == 0) return current;
  u64 oldest = current;
  for (const Slot& slot : slots_) {
    if (slot.running && slot.keeps != Slot::Keeps::zone) oldest = std::min(oldest, slot.generation);
  }
  return oldest;
}

std::optional<TransferNote> OutgoingTransfers::poll_note(u64 current) {
  if (running_ == 0 && !notes_) [[likely]]
    return std::nullopt;
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    const TransferNote note{.kind = LoaderMessage::hold, .tag = tag_of(i), .generation = slot.generation, .zone = slot.zone};
    if (slot.running && slot.keeps == Slot::Keeps::generation && slot.generation < current) {
      slot.keeps = Slot::Keeps::asked;
      return note;
    }
    if (!slot.running && slot.keeps == Slot::Keeps::over) {
      slot.keeps = Slot::Keeps::generation;
      TransferNote last = note;
      last.kind = LoaderMessage::let_go;
      return last;
    }
  }
  notes_ = false;
  return std::nullopt;
}

void OutgoingTransfers::on_held(u32 tag) {
  if (!stream_of(tag).has_value()) return;
  slots_[tag & 0xffff].keeps = Slot::Keeps::zone;
}

std::optional<u32> OutgoingTransfers::stream_of(u32 tag) const {
  const size_t number = tag & 0xffff;
  if (number >= slots_.size() || !slots_[number].running || tag_of(number) != tag) return std::nullopt;
  return slots_[number].stream;
}

}  // namespace samara::server
