// FollowingWatcher: a host that asks every server about every zone's SOA, now and then, and hands what it hears to whoever
// judges it; and that sends signed updates to the primary, each until it is answered or was sent often enough.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "dns-core/tsig/key.h"
#include "secondary/soa_query.h"
#include "tests/sim/machine.h"
#include "tests/sim/stack_host.h"

namespace samara::sim {

class FollowingWatcher final : public StackHost {
 public:
  static constexpr Port port{5300};
  // What a server answered about a zone: its serial, or SERVFAIL.
  using Judge = std::function<void(size_t server, size_t zone, const secondary::SoaReply&)>;

  // `key`, if there is one, outlives this.
  FollowingWatcher(net::StackConfig config, u64 seed, std::vector<Endpoint> servers, std::vector<dns::Name> zones,
                   const dns::TsigKey* key, Judge judge);

  void ask(size_t server, size_t zone);
  // Name n`name` of the zone gets this address and no other; none: it gets none.
  void update(Instant now, size_t zone, u32 name, std::optional<std::array<u8, 4>> address);
  u64 updates_done() const { return updates_done_; }

 protected:
  size_t on_datagram(Instant now, const net::UdpDatagram& datagram, MutableBytes reply) override;
  void work(Instant now) override;
  Instant next_work() const override;

 private:
  static constexpr unsigned tries = 6;
  static constexpr Duration patience = Duration::seconds(2);
  static constexpr size_t asked_at_most = 256;  // older questions are forgotten

  struct Question {
    size_t server;
    size_t zone;
    secondary::SoaQuestion question;
    bool sent = false;
  };
  struct Update {
    u16 id;
    std::vector<u8> packet;
    unsigned sent = 0;
    Instant due;
  };
  void send(Instant now, const Endpoint& to, Bytes packet);
  u16 fresh_id() { return ++last_id_; }

  std::vector<Endpoint> servers_;
  std::vector<dns::Name> zones_;
  const dns::TsigKey* key_;
  Judge judge_;
  std::deque<Question> questions_;
  std::vector<Update> updates_;
  u16 last_id_ = 0;
  bool port_open_ = false;
  u64 updates_done_ = 0;
};

}  // namespace samara::sim
