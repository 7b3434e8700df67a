#include "platform/net/stack/address_table.h"

#include <algorithm>
#include <bit>

#include "platform/net/wire/address_kind.h"

namespace samara::net {
namespace {

using Condition = AssignedAddress::Condition;

bool is_usable(const AssignedAddress& a) {
  return a.condition == Condition::preferred || a.condition == Condition::deprecated;
}

// RFC 6724 section 3.1, as far as one link tells them apart: link-local and global; a multicast address has its own.
u8 scope_of(const IpAddress& a) {
  if (!a.is_v4() && is_multicast(a)) return a.octets()[1] & 15;
  return is_link_local(a) || is_loopback(a) ? 2 : 14;
}

// RFC 6724 section 2.1, the labels that a source and a destination should share: unique local (RFC 4193), 6to4, Teredo, rest.
u8 label_of(const IpAddress& a) {
  if (a.is_v4()) return 4;
  const Bytes o = a.octets();
  if ((o[0] & 0xfe) == 0xfc) return 13;
  if (load_be16(o) == 0x2002) return 2;
  if (load_be32(o) == 0x20010000) return 5;
  return 1;
}

u32 common_prefix(const IpAddress& a, const IpAddress& b, u32 limit) {
  u32 bits = 0;
  for (size_t i = 0; i < a.octets().size(); ++i) {
    const u8 difference = static_cast<u8>(a.octets()[i] ^ b.octets()[i]);
    if (difference != 0) return std::min<u32>(limit, bits + static_cast<u32>(std::countl_zero(difference)));
    bits += 8;
  }
  return std::min(limit, bits);
}

// Section 5: is `a` to be preferred to `b`? Rules 4, 5 and 7 need mobility, a second interface and temporary addresses.
bool is_better(const AssignedAddress& a, const AssignedAddress& b, const IpAddress& destination) {
  const IpAddress& x = a.interface.address;
  const IpAddress& y = b.interface.address;
  if (x == destination || y == destination) return x == destination;  // rule 1
  const u8 scope = scope_of(destination);
  if (scope_of(x) != scope_of(y)) {  // rule 2
    return scope_of(x) < scope_of(y) ? scope_of(x) >= scope : scope_of(y) < scope;
  }
  if (a.condition != b.condition) return a.condition == Condition::preferred;  // rule 3
  const u8 label = label_of(destination);
  if ((label_of(x) == label) != (label_of(y) == label)) return label_of(x) == label;  // rule 6
  return common_prefix(x, destination, a.interface.prefix_length) >
         common_prefix(y, destination, b.interface.prefix_length);  // rule 8
}

}  // namespace

const AssignedAddress* AddressTable::find(const IpAddress& address) const {
  for (const AssignedAddress& a : addresses_) {
    if (a.interface.address == address) return &a;
  }
  return nullptr;
}

const AssignedAddress* AddressTable::find_usable(const IpAddress& address) const {
  const AssignedAddress* found = find(address);
  return found != nullptr && is_usable(*found) ? found : nullptr;
}

bool AddressTable::add(const AssignedAddress& address) {
  if (addresses_.size() == capacity || find(address.interface.address) != nullptr) return false;
  addresses_.push_back(address);
  return true;
}

bool AddressTable::remove(const IpAddress& address) {
  return std::erase_if(addresses_, [&](const AssignedAddress& a) { return a.interface.address == address; }) != 0;
}

void AddressTable::set_prefix_length(const IpAddress& address, u8 length) {
  for (AssignedAddress& a : addresses_) {
    if (a.interface.address == address) a.interface.prefix_length = length;
  }
}

bool AddressTable::set_condition(const IpAddress& address, Condition condition) {
  for (AssignedAddress& a : addresses_) {
    if (a.interface.address != address || a.condition == condition) continue;
    a.condition = condition;
    return true;
  }
  return false;
}

bool AddressTable::is_on_link(const IpAddress& address) const {
  if (!address.is_v4() && is_link_local(address)) return true;
  return std::ranges::any_of(addresses_, [&](const AssignedAddress& a) {
    // RFC 5942 section 4: of what routers advertise, only they say what is on the link.
    const bool says = a.interface.address.is_v4() || a.origin == AssignedAddress::Origin::configured;
    return says && a.condition != Condition::duplicate && same_block(a.interface.address, address, a.interface.prefix_length);
  });
}

bool AddressTable::is_broadcast(const IpAddress& address) const {
  if (!address.is_v4()) return false;
  if (is_limited_broadcast(address)) return true;
  return std::ranges::any_of(addresses_, [&](const AssignedAddress& a) {
    return is_directed_broadcast(address, a.interface.address, a.interface.prefix_length);
  });
}

std::optional<IpAddress> AddressTable::source_for(const IpAddress& destination) const {
  const AssignedAddress* best = nullptr;
  for (const AssignedAddress& a : addresses_) {
    if (!is_usable(a) || a.interface.address.family() != destination.family()) continue;
    if (best == nullptr || is_better(a, *best, destination)) best = &a;
  }
  if (best == nullptr) return std::nullopt;
  return best->interface.address;
}

std::optional<IpAddress> AddressTable::source_to_begin(const IpAddress& destination) const {
  const std::optional<IpAddress> source = source_for(destination);
  const u8 scope = scope_of(destination);
  if (!source.has_value() || scope_of(*source) >= scope) return source;
  const bool better_comes = std::ranges::any_of(addresses_, [&](const AssignedAddress& a) {
    const IpAddress& address = a.interface.address;
    return a.condition == Condition::tentative && address.family() == destination.family() && scope_of(address) >= scope;
  });
  return better_comes ? std::nullopt : source;
}

}  // namespace samara::net
