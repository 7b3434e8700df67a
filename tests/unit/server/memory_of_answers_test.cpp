// Whether questions make a worker take memory: none does, whatever it asks and however broken it is.
#include <cstdlib>
#include <new>

#include "worker_fixture.h"

// Counts what is taken from the heap by all of this program.
namespace {
size_t heap_calls = 0;
}
void* operator new(size_t size) {
  ++heap_calls;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++heap_calls;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace samara::server {
namespace {

class PrimaryWorkerMemory : public WorkerTest {};

TEST_F(PrimaryWorkerMemory, is_not_taken_for_questions) {
  config_.rate_limit.emplace();
  start();
  std::vector<Octets> packets;
  for (const char* line :
       {"www.example. A", "www.example. A do", "nothing.example. A do", "example. ANY", "x.wild.example. TXT",
        "x.cut.example. A", "example. TXT", "elsewhere. A", "example. AXFR", "version.bind. TXT class=CH"}) {
    packets.push_back(query_of(line).packet);
  }
  for (size_t size = 0; size < packets[0].size(); ++size) {
    packets.emplace_back(packets[0].begin(), packets[0].begin() + static_cast<std::ptrdiff_t>(size));
  }
  Octets reply(runtime::min_reply_room);
  const Endpoint local = endpoint("192.0.2.53");
  std::vector<Endpoint> peers;
  for (int i = 0; i < 200; ++i) peers.push_back(endpoint("198.51.100." + std::to_string(i)));
  const auto ask_all = [&] {
    size_t answered = 0;
    for (const Endpoint& peer : peers) {
      for (const Octets& packet : packets) {
        answered += worker_->on_datagram(now_, {.peer = peer, .local = local, .payload = packet, .reply = reply}) != 0;
      }
    }
    return answered;
  };
  const size_t before = heap_calls;
  const size_t answered = ask_all();
  EXPECT_EQ(heap_calls, before);
  EXPECT_GT(answered, peers.size() * 10);
}

}  // namespace
}  // namespace samara::server
