// A packet as the stack hands it on after the IPv6 header was checked, with everything in it to be bent by a test.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "platform/base/rng.h"
#include "platform/net/ip_packet.h"
#include "platform/net/ipv6/addresses.h"
#include "platform/net/ipv6/icmpv6.h"
#include "platform/net/wire/checksum.h"

namespace samara::net::ipv6::test {

inline IpAddress address(std::string_view text) {
  return IpAddress::parse_v6(text).value();
}
inline IpPrefix prefix(std::string_view text) {
  return IpPrefix::parse(text).value();
}

class Packet {
 public:
  Packet(IpAddress source, IpAddress destination, u8 hop_limit, std::vector<u8> message)
      : source_(source), destination_(destination), hop_limit_(hop_limit), message_(std::move(message)) {
    fix_checksum();
  }
  // What a write() function made; a leading hop-by-hop header becomes part of what can be quoted only.
  Packet(const WrittenMessage& written, const std::vector<u8>& octets)
      : source_(written.packet.source), destination_(written.packet.destination), hop_limit_(written.packet.hop_limit) {
    message_.assign(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(written.size));
    if (written.packet.protocol == Protocol::hop_by_hop) {
      extension_.assign(message_.begin(), message_.begin() + 8);
      message_.erase(message_.begin(), message_.begin() + 8);
    }
  }

  std::vector<u8>& message() { return message_; }
  std::vector<u8>& extension() { return extension_; }
  Packet& from(std::string_view text) { return source_ = address(text), fix_checksum(); }
  Packet& to(std::string_view text) { return destination_ = address(text), fix_checksum(); }
  Packet& hop_limit(u8 value) { return hop_limit_ = value, *this; }
  Packet& with_router_alert() { return extension_ = {58, 0, 5, 2, 0, 0, 1, 0}, *this; }
  Packet& octet(size_t at, u8 value) { return message_.at(at) = value, fix_checksum(); }
  Packet& resize(size_t size) { return message_.resize(size), fix_checksum(); }
  Packet& append(const std::vector<u8>& octets) {
    message_.insert(message_.end(), octets.begin(), octets.end());
    return fix_checksum();
  }
  Packet& fix_checksum() {
    if (message_.size() < 4) return *this;
    message_[2] = message_[3] = 0;
    ChecksumSum sum;
    sum.add_pseudo_header(source_, destination_, 58, static_cast<u32>(message_.size()));
    sum.add(message_);
    message_[2] = static_cast<u8>(sum.finish() >> 8);
    message_[3] = static_cast<u8>(sum.finish());
    return *this;
  }

  // Lives as long as this Packet is not changed.
  IpPacket view() {
    const size_t size = extension_.size() + message_.size();
    quotable_ = {
        0x60,      0, 0, 0, static_cast<u8>(size >> 8), static_cast<u8>(size), static_cast<u8>(extension_.empty() ? 58 : 0),
        hop_limit_};
    for (const IpAddress& a : {source_, destination_}) quotable_.insert(quotable_.end(), a.octets().begin(), a.octets().end());
    quotable_.insert(quotable_.end(), extension_.begin(), extension_.end());
    quotable_.insert(quotable_.end(), message_.begin(), message_.end());
    IpPacket packet;
    packet.source = source_;
    packet.destination = destination_;
    packet.protocol = Protocol::icmpv6;
    packet.hop_limit = hop_limit_;
    packet.unicast = !is_multicast(destination_);
    packet.payload = message_;
    packet.quotable = quotable_;
    return packet;
  }

 private:
  IpAddress source_;
  IpAddress destination_;
  u8 hop_limit_;
  std::vector<u8> message_;
  std::vector<u8> extension_;
  std::vector<u8> quotable_;
};

// Deterministic; as uniform as a test needs.
class TestRng final : public Rng {
 public:
  explicit TestRng(u64 seed = 1) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  void fill(MutableBytes out) override {
    for (u8& octet : out) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      octet = static_cast<u8>(state_ >> 24);
    }
  }

 private:
  u64 state_;
};

}  // namespace samara::net::ipv6::test
