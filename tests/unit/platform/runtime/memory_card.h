// A network card in memory: frames are put in and taken out by hand.
#pragma once

#include <deque>
#include <vector>

#include "platform/hal/link.h"

namespace samara::runtime {

class Card final : public hal::Link {
 public:
  Card() { link.mac = {0x52, 0x54, 0, 0, 0, 1}; }
  hal::LinkDescription link;
  std::deque<std::vector<u8>> incoming;
  std::vector<std::vector<u8>> sent;
  bool full = false;
  u32 receives = 0;

  const hal::LinkDescription& description() const override { return link; }
  size_t receive(std::span<ReceivedFrame> burst) override {
    ++receives;
    while (borrowed_.size() < burst.size() && !incoming.empty()) {
      borrowed_.push_back(std::move(incoming.front()));
      incoming.pop_front();
    }
    for (size_t i = 0; i < borrowed_.size(); ++i) burst[i] = {.octets = borrowed_[i], .checksum = FrameChecksum::good};
    return borrowed_.size();
  }
  void release() override { borrowed_.clear(); }
  std::optional<FrameSlot> take_slot() override {
    if (full) return std::nullopt;
    return FrameSlot(slot_);
  }
  void drop(const FrameSlot&) override {}
  void transmit(const FrameSlot& slot) override { sent.emplace_back(slot.octets().begin(), slot.octets().end()); }
  void flush() override {}
  bool congested() override { return full; }

 private:
  std::vector<std::vector<u8>> borrowed_;
  std::vector<u8> slot_ = std::vector<u8>(4096);
};

}  // namespace samara::runtime
