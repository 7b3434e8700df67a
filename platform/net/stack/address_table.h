// AddressTable: the addresses of this host, and which of them a packet of ours comes from (RFC 6724 section 5).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "platform/net/stack/stack_config.h"

namespace samara::net {

class AddressTable {
 public:
  static constexpr size_t capacity = 64;  // all origins together

  AddressTable() { addresses_.reserve(capacity); }
  std::span<const AssignedAddress> all() const { return addresses_; }
  const AssignedAddress* find(const IpAddress& address) const;
  // One that packets may come to and go from: neither tentative nor duplicate.
  const AssignedAddress* find_usable(const IpAddress& address) const;
  // False: full, or there already.
  bool add(const AssignedAddress& address);
  bool remove(const IpAddress& address);
  void set_prefix_length(const IpAddress& address, u8 length);
  bool set_condition(const IpAddress& address, AssignedAddress::Condition condition);

  bool is_on_link(const IpAddress& address) const;
  // The broadcast address of one of our networks (RFC 1122 section 3.2.1.3), or 255.255.255.255.
  bool is_broadcast(const IpAddress& address) const;
  // The usable address that RFC 6724 prefers for packets to `destination`; nothing when there is none of that family and scope.
  std::optional<IpAddress> source_for(const IpAddress& destination) const;
  // The same for what we say first. Nothing while only an address of a lesser scope than the destination's is usable and one
  // that fits is still tentative: whom we are known to by our address would take us for a stranger.
  std::optional<IpAddress> source_to_begin(const IpAddress& destination) const;

 private:
  std::vector<AssignedAddress> addresses_;
};

}  // namespace samara::net
