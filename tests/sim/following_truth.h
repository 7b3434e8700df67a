// FollowingTruth: what a primary and its secondaries may serve and what they may not, judged from outside the roles. It hears
// what each loader publishes and what loader and worker say to each other, knows who could have talked to whom, and ends the
// run when one of these does not hold:
//
//   - what a secondary serves is, record by record, a version that the primary has served
//   - the serial never goes back while a machine runs, nor over a restart of one whose storage had a later one
//   - a zone is served as long as it was promised to be good: by what its primary said, and by the storage after a restart
//   - no longer than that, and never longer than EXPIRE after the primary itself can have vouched for it, through however many
//     servers (RFC 7314)
//   - a child's promise is not much shorter than what its parent has left
//
// Times without another word are the world's.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "secondary/soa_query.h"
#include "tests/sim/machine.h"
#include "tests/sim/runner.h"

namespace samara::sim {

class FollowingTruth {
 public:
  struct Zone {
    dns::Name apex;
    Duration expire;
  };
  // Server 0 is the primary; from[i] are those that server i asks.
  FollowingTruth(Run& run, std::vector<Zone> zones, std::vector<std::vector<size_t>> from);

  // The machine of the next server; outlives this, but for its own callbacks.
  void add(Machine& machine);

  // Before and after the power of a server changes.
  void before_power_off(size_t server);
  void before_power_on(size_t server);
  void on_clock_off(size_t server);
  void on_cut(size_t a, size_t b, bool cut);
  // What a client got as an answer.
  void on_answer(size_t server, size_t zone, const secondary::SoaReply& reply);
  // What must hold at every moment.
  void check();

  // Nothing: all have what the primary has, and a promise that it is good which is not older than this.
  // Else "server 3: zone 0 has serial 4, the primary has serial 7".
  std::string what_differs(Instant since) const;
  bool serves(size_t server, size_t zone) const { return at(server, zone).served; }
  u64 servfails(size_t server, size_t zone) const { return at(server, zone).servfails; }

 private:
  // A promise of a primary: when it came, and until when the zone is good.
  struct Promise {
    Instant at;
    Instant until;
  };
  struct State {
    bool served = false;
    u32 serial = 0;
    Instant served_since;
    Instant changed;            // when it was served or not served any more
    bool promised = false;      // in this life of the machine
    Instant good_until;         // by the machine's clock
    Instant extended;           // when a promise came last
    Instant vouched;            // the primary can have vouched for it then, and not later
    std::deque<Promise> kept;   // over restarts
    std::optional<u32> stored;  // the serial that the storage must have at the next start, or a later one
    u64 servfails = 0;
  };
  State& at(size_t server, size_t zone) { return states_[server * zones_.size() + zone]; }
  const State& at(size_t server, size_t zone) const { return states_[server * zones_.size() + zone]; }
  size_t index_of(const dns::Name& apex) const;

  void on_published(size_t server);
  void on_said(size_t server, bool to_loader, Bytes message);
  void on_promise(size_t server, size_t zone, Duration expires_in);
  void check_serving(size_t server, size_t zone, const zone::Zone& now);
  bool could_ask(size_t server, size_t whom) const;
  Duration left(size_t server, size_t zone) const;

  Run& run_;
  std::vector<Zone> zones_;
  std::vector<std::vector<size_t>> from_;
  std::vector<Machine*> machines_;
  std::vector<State> states_;
  std::vector<std::map<u32, u64>> versions_;  // of each zone at the primary: digests by serial
  std::vector<std::optional<u32>> latest_;
  std::vector<Instant> off_since_;   // never: it is on
  std::vector<bool> clock_was_off_;  // so that what its storage says of times is not to be believed
  std::vector<bool> fresh_;          // the first publication of this life is still to come
  std::map<std::pair<size_t, size_t>, Instant> cut_since_;
};

}  // namespace samara::sim
