// RawHost: a machine that reads and writes frames by hand: what a simulated network has beside our own stack.
#pragma once

#include <vector>

#include "platform/hal/sim/world.h"
#include "platform/net/wire/ethernet.h"

namespace samara::sim {

class RawHost : public hal::FrameHandler {
 public:
  void prepare(const hal::LinkDescription& link) override { mac_.octets = link.mac; }
  void start(Instant now, UnixTime, hal::Link& link) override {
    on_start(now);
    transmit(link);
  }
  bool turn(Instant now, UnixTime, hal::Link& link) override {
    std::array<ReceivedFrame, hal::frame_burst> burst;
    const size_t count = link.receive(burst);
    for (const ReceivedFrame& frame : std::span(burst).first(count)) {
      const auto header = net::EthernetHeader::parse(frame.octets);
      if (header.ok()) on_packet(now, header.value(), frame.octets.subspan(net::EthernetHeader::size));
    }
    if (next_deadline() <= now) on_deadline(now);
    transmit(link);
    link.release();
    return count == burst.size();
  }
  Instant next_deadline() const override { return Instant::never(); }
  void on_publication(Instant, u64, u64) override {}
  u64 oldest_generation() const override { return 0; }
  bool poll_ready(TextWriter&) override { return false; }
  bool poll_trouble(TextWriter&) override { return false; }

 protected:
  virtual void on_start(Instant) {}
  virtual void on_packet(Instant now, const net::EthernetHeader& header, Bytes packet) = 0;
  virtual void on_deadline(Instant) {}
  const net::MacAddress& mac() const { return mac_; }
  // `packet` goes out behind an Ethernet header, at the end of the turn.
  void send(const net::MacAddress& to, net::EtherType type, Bytes packet) {
    std::vector<u8> frame(net::EthernetHeader::size);
    net::EthernetHeader{to, mac_, type}.write(frame);
    frame.insert(frame.end(), packet.begin(), packet.end());
    out_.push_back(std::move(frame));
  }

 private:
  void transmit(hal::Link& link) {
    for (const std::vector<u8>& frame : out_) {
      FrameSlot slot = *link.take_slot();
      std::ranges::copy(frame, slot.payload_room().begin());
      slot.set_payload(frame.size());
      link.transmit(slot);
    }
    out_.clear();
  }
  net::MacAddress mac_;
  std::vector<std::vector<u8>> out_;
};

}  // namespace samara::sim
