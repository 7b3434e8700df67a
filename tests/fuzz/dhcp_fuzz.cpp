// The DHCP client: replies from the input (with or without its own transaction and address written in), jumps of time,
// conflicts, a link that comes up. Whatever is said, it sends little, keeps a deadline unless its lease is for ever, and a
// lease it holds has sense.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "platform/net/dhcp/dhcp_client.h"
#include "platform/net/wire/address_kind.h"

using namespace samara;
using namespace samara::net;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

class CountingRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = static_cast<u8>((state_ = state_ * 6364136223846793005U + 1442695040888963407U) >> 56);
  }

 private:
  u64 state_ = 1;
};

constexpr MacAddress mac{{2, 0, 0, 0, 0, 1}};

struct Driver {
  CountingRng rng;
  dhcp::Client client;
  Instant now = Instant::since_boot(Duration::seconds(1));
  u32 transaction = 0;

  explicit Driver(bool remembers)
      : client({.mac = mac,
                .host_name = "host",
                .remembered = remembers ? std::optional(IpAddress::v4({192, 0, 2, 9})) : std::nullopt},
               rng) {
    client.start(now);
  }
  void drain() {
    for (int messages = 0;; ++messages) {
      const auto message = client.poll_message();
      if (!message.has_value()) break;
      require(messages < 3);
      require(message->size >= 300 && message->size <= message->octets.size());
      transaction = load_be32(message->octets, 4);
    }
    while (client.poll_event().has_value()) continue;
    const dhcp::State state = client.state();
    if (state == dhcp::State::bound || state == dhcp::State::checking) {
      require(is_peer_unicast(client.lease().address));
      require(client.lease().prefix_length >= 1 && client.lease().prefix_length <= 32);
    } else {
      require(state == dhcp::State::stopped || client.next_deadline() != Instant::never());
    }
  }
  void wait(Duration duration) {
    const Instant end = now + duration;
    for (int steps = 0; client.next_deadline() <= end; ++steps) {
      require(steps < 2000);  // 8,192 seconds in the shortest lease
      now = std::max(now, client.next_deadline());
      client.on_deadline(now);
      drain();
    }
    now = end;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  if (size < 1) return 0;
  Bytes rest(data, size);
  Driver driver((rest[0] & 1) != 0);
  rest = rest.subspan(1);
  for (int steps = 0; rest.size() >= 3 && steps < 64; ++steps) {
    const u8 what = rest[0];
    const size_t value = load_be16(rest, 1);
    rest = rest.subspan(3);
    switch (what % 6) {
      case 0:
      case 1: {
        const Bytes octets = rest.first(std::min(value % 1500, rest.size()));
        rest = rest.subspan(octets.size());
        std::vector<u8> message(octets.begin(), octets.end());
        if (what % 6 == 1) {
          // The options alone; the fixed fields are made good.
          std::vector<u8> head(240);
          head[0] = 2;
          head[1] = 1;
          head[2] = 6;
          store_be32(head, 4, driver.transaction);
          store_address(head, 16, IpAddress::v4({192, 0, 2, static_cast<u8>(1 + what % 200)}));
          store_mac(head, 28, mac);
          store_be32(head, 236, 0x63825363);
          message.insert(message.begin(), head.begin(), head.end());
        }
        driver.client.on_message(driver.now, message);
        break;
      }
      case 2: driver.wait(Duration::milliseconds(static_cast<i64>(value))); break;
      case 3: driver.wait(Duration::seconds(static_cast<i64>(value % 8192))); break;
      case 4: driver.client.on_address_free(driver.now); break;
      case 5:
        if ((value & 1) != 0) {
          driver.client.on_conflict(driver.now);
        } else if ((value & 6) == 2) {
          driver.client.on_link_up(driver.now);
        } else if ((value & 6) == 6) {
          driver.client.release(driver.now);
        }
        break;
    }
    driver.drain();
  }
  return 0;
}
