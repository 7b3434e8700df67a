// Outbox: messages on their way to workers, in order; those for all workers go to each. A message that a worker has no room for
// waits, and so do the messages after it.
#pragma once

#include <algorithm>
#include <vector>

#include "platform/base/types.h"

namespace samara::server {

class Outbox {
 public:
  static constexpr u32 everybody = 0xffffffff;

  void put(u32 worker, std::vector<u8> message) {
    octets_ += message.size();
    messages_.push_back({worker, std::move(message)});
  }
  bool empty() const { return messages_.empty(); }
  // Counts the octets that have been put since it was empty.
  size_t octets() const { return octets_; }
  // send(u32 worker, Bytes message) -> bool. False: a worker had no room; the rest is for another time.
  template <class F>
  bool send_all(u32 workers, F&& send) {
    for (; first_ < messages_.size(); ++first_) {
      Message& message = messages_[first_];
      // A worker that does not exist has no room, and never will.
      const u32 end = message.worker == everybody ? workers : std::min(message.worker + 1, workers);
      for (u32 worker = message.worker == everybody ? sent_to_ : message.worker; worker < end; ++worker) {
        if (send(worker, Bytes(message.octets))) continue;
        sent_to_ = message.worker == everybody ? worker : 0;
        return false;
      }
      sent_to_ = 0;
      message.octets = {};
    }
    messages_ = {};
    first_ = 0;
    octets_ = 0;
    return true;
  }

 private:
  struct Message {
    u32 worker;
    std::vector<u8> octets;
  };
  std::vector<Message> messages_;
  size_t first_ = 0;
  size_t octets_ = 0;
  u32 sent_to_ = 0;  // of the first one: the workers below have it
};

}  // namespace samara::server
