// The server's side of DHCP for tests: reads what a client sent and writes replies octet by octet.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "platform/base/byte_order.h"
#include "platform/base/rng.h"
#include "platform/net/dhcp/dhcp_client.h"

namespace samara::net::dhcp {

using Octets = std::vector<u8>;

class FixedRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      octet = static_cast<u8>(state_ >> 56);
    }
  }

 private:
  u64 state_ = 5;
};

constexpr MacAddress mac{{2, 0, 0, 0, 0, 1}};

// What a client sent.
struct Sent {
  u32 transaction = 0;
  u16 seconds = 0;
  u16 flags = 0;
  IpAddress client_address;
  u8 type = 0;
  std::map<u8, Octets> options;
  IpAddress option_address(u8 code) const {
    const auto found = options.find(code);
    return found == options.end() ? IpAddress() : load_v4(found->second, 0);
  }
  bool has(u8 code) const { return options.contains(code); }
};
inline Sent read(Bytes m) {
  Sent sent;
  EXPECT_GE(m.size(), 300U);
  EXPECT_EQ(load_be32(m, 0), 0x01010600U);
  EXPECT_EQ(load_mac(m, 28), mac);
  EXPECT_EQ(load_be32(m, 236), 0x63825363U);
  sent.transaction = load_be32(m, 4);
  sent.seconds = load_be16(m, 8);
  sent.flags = load_be16(m, 10);
  sent.client_address = load_v4(m, 12);
  size_t at = 240;
  while (at < m.size() && m[at] != 255) {
    const Bytes value = m.subspan(at + 2, m[at + 1]);
    EXPECT_FALSE(sent.options.contains(m[at]));
    sent.options[m[at]] = Octets(value.begin(), value.end());
    at += 2 + value.size();
  }
  EXPECT_LT(at, m.size());
  sent.type = sent.options[53].at(0);
  return sent;
}

struct Answer {
  u8 type = 2;
  u32 transaction = 0;
  std::array<u8, 4> address{192, 0, 2, 50};
  std::vector<std::pair<u8, Octets>> options = {
      {54, {192, 0, 2, 254}}, {51, {0, 0, 0x0e, 0x10}}, {1, {255, 255, 255, 0}}, {3, {192, 0, 2, 254}}};
  Octets octets() const {
    Octets m(240);
    m[0] = 2;
    m[1] = 1;
    m[2] = 6;
    store_be32(m, 4, transaction);
    std::ranges::copy(address, m.begin() + 16);
    std::ranges::copy(mac.octets, m.begin() + 28);
    store_be32(m, 236, 0x63825363);
    const auto put = [&](u8 code, const Octets& value) {
      m.push_back(code);
      m.push_back(static_cast<u8>(value.size()));
      m.insert(m.end(), value.begin(), value.end());
    };
    put(53, {type});
    for (const auto& [code, value] : options) put(code, value);
    m.push_back(255);
    return m;
  }
};

}  // namespace samara::net::dhcp
