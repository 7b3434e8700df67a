// Listeners: who accepts connections to which endpoint. One for an address of ours goes before one for all addresses of its
// family (RFC 9293 MUST-42, MUST-43).
#pragma once

#include <vector>

#include "platform/net/tcp/tcp.h"

namespace samara::net::tcp {

struct Listener {
  Endpoint local;
  u32 backlog = 0;
  u32 untold = 0;  // established, and poll_event() has not said so yet
  Options options;
  bool open = false;
  u32 generation = 0;
};

class Listeners {
 public:
  static constexpr u32 none = 0xffffffff;

  explicit Listeners(u32 capacity) : all_(capacity) {}

  Result<ListenerId, Error> open(const Endpoint& local, u32 backlog, const Options& options) {
    u32 unused = none;
    for (u32 i = 0; i < all_.size(); ++i) {
      if (all_[i].open && all_[i].local == local) return fail(Error::address_in_use);
      if (!all_[i].open && unused == none) unused = i;
    }
    if (unused == none) return fail(Error::table_full);
    const u32 generation = all_[unused].generation;
    all_[unused] = {local, backlog, 0, options, true, generation};
    return ListenerId{unused, generation};
  }
  void close(ListenerId id) {
    Listener* listener = get(id);
    if (listener == nullptr) return;
    listener->open = false;
    ++listener->generation;
  }
  Listener* get(ListenerId id) {
    if (id.index >= all_.size()) return nullptr;
    Listener& listener = all_[id.index];
    return listener.open && listener.generation == id.generation ? &listener : nullptr;
  }
  std::optional<ListenerId> find(const Endpoint& local) const {
    std::optional<ListenerId> found;
    for (u32 i = 0; i < all_.size(); ++i) {
      const Listener& listener = all_[i];
      if (!listener.open || listener.local.port != local.port) continue;
      if (listener.local.address == local.address) return ListenerId{i, listener.generation};
      if (listener.local.address.is_unspecified() && listener.local.address.family() == local.address.family()) {
        found = ListenerId{i, listener.generation};
      }
    }
    return found;
  }

 private:
  std::vector<Listener> all_;
};

}  // namespace samara::net::tcp
