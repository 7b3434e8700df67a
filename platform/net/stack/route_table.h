// RouteTable: to whom on the link a packet is given (RFC 1122 section 3.3.1, RFC 4861 section 5.2). The longest prefix wins,
// then a gateway that answers, then the lowest metric. A gateway that stopped answering is passed over for a while if there is
// another way, and used again when there is none (RFC 1122 section 3.3.1.4, RFC 4861 section 6.3.6).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "platform/base/time.h"
#include "platform/net/stack/stack_config.h"

namespace samara::net {

enum class RouteOrigin : u8 { configured, dhcp, router_advertisement };

class RouteTable {
 public:
  static constexpr size_t capacity = 64;  // all origins together
  static constexpr Duration retry_dead_gateway = Duration::seconds(60);

  RouteTable() { routes_.reserve(capacity); }
  // False: full. A route to the same destination by the same gateway is replaced.
  bool add(const Route& route, RouteOrigin origin);
  void remove(const Route& route, RouteOrigin origin);
  void remove_all(RouteOrigin origin);
  bool is_gateway(const IpAddress& address) const;

  struct Choice {
    IpAddress gateway;
    bool alive = true;
  };
  // The gateway for `destination`, which is not on the link itself.
  std::optional<Choice> gateway_for(Instant now, const IpAddress& destination) const;
  bool mark_dead(Instant now, const IpAddress& gateway);  // false: no route goes by it
  void mark_alive(const IpAddress& gateway);

 private:
  struct Entry {
    Route route;
    RouteOrigin origin = RouteOrigin::configured;
    Instant dead_until;
  };
  std::vector<Entry> routes_;
};

}  // namespace samara::net
