#include "secondary/forward_updates.h"

#include <map>

#include "refresh_world.h"

namespace samara::secondary {
namespace {

using dns::Rcode;

constexpr const char* a = "192.0.2.1";
constexpr const char* b = "192.0.2.2";

Octets update_of(u16 id, size_t more = 0) {
  Octets memory(400 + more);
  ByteWriter out(memory);
  for (const u16 word : {id, u16{5 << 11}, u16{1}, u16{0}, u16{0}, u16{0}}) out.u16(word);
  out.bytes(name_of("example.").wire());
  out.u16(6);
  out.u16(1);
  out.zeros(more);
  memory.resize(out.size());
  return memory;
}

// What a primary makes of an update, framed; `id`: the one it was asked with.
Octets answer_of(u16 id, Rcode rcode, u16 opcode = 5) {
  Octets memory(400);
  ByteWriter out(memory);
  for (const u16 word : {id, static_cast<u16>(0x8000 | opcode << 11 | code(rcode)), u16{0}, u16{0}, u16{0}, u16{0}})
    out.u16(word);
  memory.resize(out.size());
  return framed(memory);
}

// A network around a forwarder: what it connects to, and what came of its updates.
struct Net {
  SeededRng rng{7};
  Primaries primaries;
  Primaries::Group group;
  std::optional<UpdateForwarder> forwarder;
  Instant now;
  std::vector<UpdateForwarder::Connect> connects;
  std::vector<u32> aborts;
  std::vector<ForwardOutcome> outcomes;
  Lines failures;
  u16 last_id = 0;  // of what was sent

  explicit Net(std::initializer_list<const char*> addresses = {a}, u32 streams = forward_streams) {
    group = add_group(addresses);
    forwarder.emplace(primaries, streams, rng);
  }
  Primaries::Group add_group(std::initializer_list<const char*> addresses) {
    std::vector<Primary> members;
    for (const char* address : addresses) members.push_back({World::endpoint(address)});
    return *primaries.add_group(members);
  }
  void turn() {
    if (forwarder->next_deadline() <= now) forwarder->on_deadline(now);
    // As the loop does: a stream that is dropped, or done with, is closed.
    while (const auto slot = forwarder->poll_abort()) {
      aborts.push_back(*slot);
      forwarder->on_closed(now, *slot);
    }
    while (const auto connect = forwarder->poll_connect(now)) connects.push_back(*connect);
    while (auto outcome = forwarder->poll_outcome()) outcomes.push_back(std::move(*outcome));
    while (const auto failure = forwarder->poll_failure()) failures.push_back(std::string(failure->reason));
  }
  void wait(Duration duration) {
    const Instant end = now + duration;
    while (now < end) {
      now = std::max(now, std::min(end, forwarder->next_deadline()));
      turn();
    }
  }
  void add(Bytes message, u32 tag = 1, std::string_view client = "192.0.2.77",
           std::optional<Primaries::Group> of = std::nullopt) {
    forwarder->add(now, {.worker = 3,
                         .tag = tag,
                         .client = World::endpoint(client),
                         .zone = name_of("example."),
                         .group = of.value_or(group),
                         .message = message});
    turn();
  }
  // Takes what is sent on the last stream: a message with its length in front.
  Octets sent() {
    const u32 slot = connects.back().slot;
    forwarder->on_connected(slot);
    Octets all;
    for (Bytes output = forwarder->output(slot); !output.empty(); output = forwarder->output(slot)) {
      all.push_back(output[0]);  // an octet at a time
      forwarder->on_sent(slot, 1);
    }
    if (!all.empty()) last_id = load_be16(all, 2);
    return all;
  }
  u16 sent_id() {
    sent();
    return last_id;
  }
  void receive(u32 slot, Bytes octets, size_t at_a_time = 1) {
    while (!octets.empty()) {
      const MutableBytes space = forwarder->input_space(slot);
      const size_t count = std::min({space.size(), octets.size(), at_a_time});
      if (count == 0) break;
      std::ranges::copy(octets.first(count), space.begin());
      forwarder->on_input(now, slot, count);
      octets = octets.subspan(count);
    }
    turn();
  }
  void answer(Rcode rcode) {
    const u32 slot = connects.back().slot;
    receive(slot, answer_of(sent_id(), rcode));
  }
  void close(u32 slot) {
    forwarder->on_closed(now, slot);
    turn();
  }
  // The last stream comes to nothing.
  void refuse() { close(connects.back().slot); }
};

TEST(UpdateForwarder, PassesAnUpdateOnAsItCameButForItsId) {
  Net net;
  const Octets update = update_of(0x1234, 20);
  net.add(update);
  ASSERT_EQ(net.connects.size(), 1u);
  EXPECT_EQ(net.connects[0].peer, World::endpoint(a));
  const Octets sent = net.sent();
  ASSERT_EQ(sent.size(), update.size() + 2);
  EXPECT_EQ(load_be16(sent), update.size());
  EXPECT_NE(load_be16(sent, 2), 0x1234);
  EXPECT_EQ(Octets(sent.begin() + 4, sent.end()), Octets(update.begin() + 2, update.end()));
}

TEST(UpdateForwarder, BringsBackThePrimarysWordsWithTheRequestersId) {
  for (const Rcode rcode : {Rcode::NOERROR, Rcode::YXDOMAIN, Rcode::NXRRSET, Rcode::REFUSED, Rcode::NOTZONE, Rcode::FORMERR}) {
    Net net({a, b});
    net.add(update_of(0x1234), 9);
    net.now = net.now + Duration::milliseconds(30);
    net.answer(rcode);
    ASSERT_EQ(net.outcomes.size(), 1u);
    const ForwardOutcome& outcome = net.outcomes[0];
    EXPECT_EQ(outcome.worker, 3);
    EXPECT_EQ(outcome.tag, 9u);
    EXPECT_EQ(outcome.primary, World::endpoint(a));
    EXPECT_EQ(outcome.rcode, rcode);
    EXPECT_EQ(outcome.took, Duration::milliseconds(30));
    EXPECT_EQ(framed(outcome.response), answer_of(0x1234, rcode));
    EXPECT_TRUE(net.forwarder->finished(net.connects[0].slot));
    EXPECT_EQ(net.connects.size(), 1u);
    EXPECT_EQ(net.forwarder->pending(), 0u);
    EXPECT_EQ(net.forwarder->next_deadline(), Instant::never());
    EXPECT_TRUE(net.forwarder->input_space(net.connects[0].slot).empty());
  }
}

TEST(UpdateForwarder, AsksTheNextPrimaryWhenOneIsOfNoUse) {
  const std::map<Rcode, std::string> answers{
      {Rcode::SERVFAIL, "it answers SERVFAIL"}, {Rcode::NOTIMP, "it answers NOTIMP"}, {Rcode::NOTAUTH, "it answers NOTAUTH"}};
  for (const auto& [rcode, reason] : answers) {
    Net net({a, b});
    net.add(update_of(1));
    net.answer(rcode);
    ASSERT_EQ(net.connects.size(), 2u);
    EXPECT_EQ(net.failures, Lines{reason});
    EXPECT_EQ(net.connects[1].peer, World::endpoint(b));
    EXPECT_TRUE(net.outcomes.empty());
    net.answer(Rcode::NOERROR);
    ASSERT_EQ(net.outcomes.size(), 1u);
    EXPECT_EQ(net.outcomes[0].rcode, Rcode::NOERROR);
    EXPECT_EQ(net.outcomes[0].primary, World::endpoint(b));
  }
}

TEST(UpdateForwarder, SaysWhatAUselessPrimarySaidWhenNobodyHasBetter) {
  Net net({a, b});
  net.add(update_of(7));
  net.answer(Rcode::NOTAUTH);
  net.refuse();
  net.wait(forward_pause);
  net.refuse();
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_EQ(net.outcomes[0].rcode, Rcode::NOTAUTH);
  EXPECT_EQ(framed(net.outcomes[0].response), answer_of(7, Rcode::NOTAUTH));
  EXPECT_EQ(net.forwarder->counters().answered, 1u);
}

TEST(UpdateForwarder, AsksWhoWasOutOfReachOnceMoreAndThenGivesUp) {
  Net net({a, b});
  net.add(update_of(1));
  net.refuse();
  ASSERT_EQ(net.connects.size(), 2u);
  net.refuse();
  EXPECT_TRUE(net.outcomes.empty());
  EXPECT_EQ(net.connects.size(), 2u);
  net.wait(forward_pause);
  ASSERT_EQ(net.connects.size(), 3u);
  EXPECT_EQ(net.connects[2].peer, World::endpoint(a));
  net.refuse();
  ASSERT_EQ(net.connects.size(), 4u);
  net.refuse();
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_TRUE(net.outcomes[0].response.empty());
  EXPECT_EQ(net.outcomes[0].reason, "no primary could be reached");
  EXPECT_EQ(net.outcomes[0].took, forward_pause);
  EXPECT_EQ(net.forwarder->counters().failed, 1u);
  EXPECT_EQ(net.forwarder->counters().primaries_of_no_use, 4u);
}

TEST(UpdateForwarder, FindsAPrimaryThatIsBackAfterThePause) {
  Net net;
  net.add(update_of(1));
  net.refuse();
  net.wait(forward_pause);
  net.answer(Rcode::NOERROR);
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_EQ(net.outcomes[0].rcode, Rcode::NOERROR);
}

TEST(UpdateForwarder, DoesNotAskAgainWhoMayHaveMadeTheChange) {
  Net net;
  net.add(update_of(1));
  net.sent();
  net.refuse();  // the connection breaks behind the message
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_EQ(net.outcomes[0].reason, "no primary answered");
  EXPECT_EQ(net.connects.size(), 1u);
  EXPECT_EQ(net.failures, Lines{"it closed the connection without an answer"});
}

TEST(UpdateForwarder, TakesTheEndOfInputForNoAnswer) {
  Net net({a, b});
  net.add(update_of(1));
  net.sent();
  net.receive(0, Bytes(answer_of(1, Rcode::NOERROR)).first(5));
  net.forwarder->on_end(net.now, 0);
  net.turn();
  EXPECT_EQ(net.aborts, std::vector<u32>{0});
  ASSERT_EQ(net.connects.size(), 2u);
  EXPECT_EQ(net.connects[1].peer, World::endpoint(b));
}

TEST(UpdateForwarder, LeavesASilentPrimaryForTheNextAndEndsInTime) {
  Net net({a, b});
  net.add(update_of(1));
  net.sent();
  net.wait(forward_primary_limit - Duration::milliseconds(1));
  EXPECT_EQ(net.connects.size(), 1u);
  net.wait(Duration::milliseconds(1));
  EXPECT_EQ(net.aborts, std::vector<u32>{0});
  ASSERT_EQ(net.connects.size(), 2u);
  net.sent();
  net.wait(forward_limit - forward_primary_limit);
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_EQ(net.outcomes[0].reason, "no primary answered");
  EXPECT_EQ(net.outcomes[0].took, forward_limit);
  EXPECT_EQ(net.connects.size(), 2u);
}

TEST(UpdateForwarder, GivesASinglePrimaryAllItsTime) {
  Net net;
  net.add(update_of(1));
  net.sent();
  net.wait(forward_limit - Duration::milliseconds(1));
  EXPECT_TRUE(net.outcomes.empty());
  net.answer(Rcode::NOERROR);
  EXPECT_EQ(net.outcomes.size(), 1u);
}

TEST(UpdateForwarder, TellsOneThatCannotBeReachedInTimeFromOneThatIsSilent) {
  Net net;
  net.add(update_of(1));
  net.wait(forward_limit);  // never connected
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_EQ(net.outcomes[0].reason, "no primary could be reached");
}

TEST(UpdateForwarder, BelievesOnlyAnAnswerToWhatItAsked) {
  const auto garbage = [](u16 id) {
    return std::vector<Octets>{
        answer_of(static_cast<u16>(id + 1), Rcode::NOERROR),  // another's id
        answer_of(id, Rcode::NOERROR, 0),                     // to a query
        framed(update_of(id)),                                // no response
        framed(Octets(11)),                                   // no header
        {0xff, 0xff, 0},                                      // longer than can be handed back
        [&] {
          Octets cut = answer_of(id, Rcode::NOERROR);
          cut[7] = 1;  // a question that is not there
          return cut;
        }(),
    };
  };
  for (size_t i = 0; i < garbage(0).size(); ++i) {
    SCOPED_TRACE(i);
    Net net({a, b});
    net.add(update_of(1));
    const u16 id = net.sent_id();
    net.receive(net.connects[0].slot, garbage(id)[i], 1000);
    EXPECT_EQ(net.failures, Lines{"its answer cannot be read"});
    EXPECT_EQ(net.connects.size(), 2u);
    EXPECT_TRUE(net.outcomes.empty());
  }
}

TEST(UpdateForwarder, AsksFirstWhoHasFailedLeast) {
  Net net({a, b});
  net.primaries[0].failures = 2;
  net.add(update_of(1));
  ASSERT_EQ(net.connects.size(), 1u);
  EXPECT_EQ(net.connects[0].peer, World::endpoint(b));
}

TEST(UpdateForwarder, LeavesConnectionsForOtherPrimaries) {
  Net net;
  const Primaries::Group other = net.add_group({b});
  for (u32 i = 0; i < forward_streams_per_primary + 2; ++i) net.add(update_of(1), i);
  EXPECT_EQ(net.connects.size(), forward_streams_per_primary);
  net.add(update_of(1), 100, "192.0.2.78", other);
  ASSERT_EQ(net.connects.size(), forward_streams_per_primary + 1);
  EXPECT_EQ(net.connects.back().peer, World::endpoint(b));
  // The next goes when one is done, the oldest first.
  net.sent();
  const u32 done = net.connects[0].slot;
  net.forwarder->on_connected(done);
  const u16 id = load_be16(net.forwarder->output(done), 2);
  net.receive(done, answer_of(id, Rcode::NOERROR));
  EXPECT_EQ(net.connects.size(), forward_streams_per_primary + 1);
  net.close(done);
  ASSERT_EQ(net.connects.size(), forward_streams_per_primary + 2);
  EXPECT_EQ(net.connects.back().peer, World::endpoint(a));
}

TEST(UpdateForwarder, DoesNotSpinWhileAllConnectionsAreTaken) {
  Net net({a}, 1);
  net.add(update_of(1), 1);
  net.add(update_of(1), 2);
  EXPECT_EQ(net.connects.size(), 1u);
  net.now = net.now + Duration::seconds(1);
  net.turn();
  EXPECT_GT(net.forwarder->next_deadline(), net.now);
  // The one that waits has its end too.
  net.wait(forward_limit);
  EXPECT_EQ(net.outcomes.size(), 2u);
}

TEST(UpdateForwarder, TurnsAwayWhatIsTooMuchOfOneClientAndInAll) {
  Net net({a}, 1);
  for (u32 i = 0; i <= max_forwards_per_client; ++i) net.add(update_of(1), i);
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_EQ(net.outcomes[0].reason, "too many updates are waiting");
  EXPECT_EQ(net.outcomes[0].tag, max_forwards_per_client);
  const std::array<const char*, 4> others{"192.0.2.78", "192.0.2.79", "192.0.2.80", "192.0.2.81"};
  for (u32 i = 0; net.forwarder->pending() < max_forwards; ++i) net.add(update_of(1), i, others[i % 4]);
  EXPECT_EQ(net.outcomes.size(), 1u);
  net.add(update_of(1), 9999, "192.0.2.90");
  ASSERT_EQ(net.outcomes.size(), 2u);
  EXPECT_EQ(net.outcomes[1].tag, 9999u);
  EXPECT_EQ(net.forwarder->counters().turned_away, 2u);
  EXPECT_EQ(net.forwarder->counters().taken, max_forwards + 2);
}

TEST(UpdateForwarder, KnowsAClientByItsAddressWhateverThePort) {
  Net net({a}, 1);
  for (u32 i = 0; i <= max_forwards_per_client; ++i) {
    net.forwarder->add(net.now, {.worker = 3,
                                 .tag = i,
                                 .client = {*IpAddress::parse("192.0.2.77"), Port(static_cast<u16>(1'000 + i))},
                                 .zone = name_of("example."),
                                 .group = net.group,
                                 .message = update_of(1)});
  }
  net.turn();
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_EQ(net.outcomes[0].tag, max_forwards_per_client);
}

TEST(UpdateForwarder, TurnsAwayWhatHasTooManyOctets) {
  Net net({a}, 1);
  const size_t whole = max_forward_octets / 60'000;
  for (u32 i = 0; i < whole; ++i) net.add(update_of(1, 60'000), i);
  EXPECT_TRUE(net.outcomes.empty());
  net.add(update_of(1, 60'000), 100);
  EXPECT_EQ(net.outcomes.size(), 1u);
  net.answer(Rcode::NOERROR);
  net.add(update_of(1, 60'000), 101);  // its place is free again
  EXPECT_EQ(net.outcomes.size(), 2u);
  EXPECT_EQ(net.forwarder->counters().turned_away, 1u);
}

TEST(UpdateForwarder, TurnsAwayAnUpdateOfAZoneThatHasGone) {
  Net net;
  net.forwarder->add(net.now, {.worker = 0,
                               .tag = 5,
                               .client = World::endpoint(b),
                               .zone = name_of("example."),
                               .group = std::nullopt,
                               .message = update_of(1)});
  net.turn();
  ASSERT_EQ(net.outcomes.size(), 1u);
  EXPECT_EQ(net.outcomes[0].reason, "the zone has just gone");
}

}  // namespace
}  // namespace samara::secondary
