#include "server/frontend/tcp_sessions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace samara::server {
namespace {

using Octets = std::vector<u8>;
using Id = TcpSessions::Id;

Octets message(size_t size, u8 fill) {
  return Octets(size, fill);
}

Octets framed(const Octets& content) {
  Octets all{static_cast<u8>(content.size() >> 8), static_cast<u8>(content.size())};
  all.insert(all.end(), content.begin(), content.end());
  return all;
}

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A loop around the sessions that echoes every message.
class TcpSessionsTest : public testing::Test {
 protected:
  void use(TcpSessions::Limits limits) { sessions_.emplace(limits, 1); }
  static Instant at(i64 milliseconds) { return Instant::since_boot(Duration::milliseconds(milliseconds)); }
  bool open(Id id, std::string_view address = "192.0.2.1") {
    return sessions_->open(now_, id, {*IpAddress::parse(address), Port(1053)});
  }
  // Puts octets in as far as there is room, and answers; returns how many went in.
  size_t put(Id id, const Octets& octets, size_t most_at_once = SIZE_MAX) {
    size_t done = 0;
    while (done < octets.size()) {
      const MutableBytes space = sessions_->input_space(id);
      const size_t count = std::min({octets.size() - done, most_at_once, space.size()});
      if (count == 0) break;
      std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(done), count, space.begin());
      sessions_->on_input(now_, id, count);
      done += count;
      answer_waiting(id);
    }
    return done;
  }
  void answer_waiting(Id id) {
    for (auto query = sessions_->next_query(id); query.has_value(); query = sessions_->next_query(id)) {
      const Octets echo(query->begin(), query->end());
      ++answered_;
      sessions_->answer(now_, id, echo);
    }
  }
  // Takes what is ready, at most so much at once.
  Octets take(Id id, size_t most_at_once = SIZE_MAX) {
    Octets all;
    for (;;) {
      const Bytes ready = sessions_->output(id);
      if (ready.empty()) return all;
      const size_t count = std::min(ready.size(), most_at_once);
      all.insert(all.end(), ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(count));
      sessions_->on_sent(now_, id, count);
      answer_waiting(id);
    }
  }
  // All of `octets` through the session, taking what comes as soon as it comes.
  Octets exchange(Id id, const Octets& octets, size_t in_at_once, size_t out_at_once) {
    Octets all;
    for (size_t done = 0; done < octets.size();) {
      const size_t count = std::min(in_at_once, octets.size() - done);
      const auto from = octets.begin() + static_cast<std::ptrdiff_t>(done);
      const size_t taken = put(id, Octets(from, from + static_cast<std::ptrdiff_t>(count)));
      const Octets out = take(id, out_at_once);
      if (taken == 0 && out.empty()) {
        ADD_FAILURE() << "the session stands still after " << done;
        break;
      }
      done += taken;
      all.insert(all.end(), out.begin(), out.end());
    }
    return all;
  }
  std::vector<Id> aborted() {
    std::vector<Id> all;
    for (auto id = sessions_->poll_abort(); id.has_value(); id = sessions_->poll_abort()) {
      all.push_back(*id);
      sessions_->closed(*id);
    }
    return all;
  }

  std::optional<Id> get_in(std::string_view address);

  Instant now_ = at(1'000);
  std::optional<Id> made_room_;  // for the last that got in
  int answered_ = 0;
  std::optional<TcpSessions> sessions_ = std::optional<TcpSessions>(
      std::in_place, TcpSessions::Limits{.streams = 8, .streams_per_prefix = 4, .long_messages = 4}, 1);
};

TEST_F(TcpSessionsTest, answers_a_query_that_comes_octet_by_octet) {
  ASSERT_TRUE(open(0));
  const Octets query = framed(message(40, 7));
  EXPECT_EQ(exchange(0, query, 1, 1), query);
  EXPECT_EQ(answered_, 1);
}

TEST_F(TcpSessionsTest, answers_several_queries_of_one_segment_in_order) {
  ASSERT_TRUE(open(0));
  Octets all;
  for (u8 i = 0; i < 10; ++i) all = all + framed(message(20 + i, i));
  EXPECT_EQ(put(0, all), all.size());
  EXPECT_EQ(answered_, 1);  // the next one waits for the answer to go
  EXPECT_EQ(take(0), all);
  EXPECT_EQ(answered_, 10);
}

TEST_F(TcpSessionsTest, exchanges_messages_of_all_sizes_in_pieces_of_all_sizes) {
  Octets all;
  for (const size_t size : {1U, 597U, 598U, 599U, 600U, 601U, 3U, 65'535U, 2U, 1'200U, 1U, 598U, 5'000U, 65'535U, 12U}) {
    all = all + framed(message(size, static_cast<u8>(size)));
  }
  for (const size_t in_at_once : {1U, 2U, 3U, 599U, 600U, 601U, 1'460U, 70'000U}) {
    for (const size_t out_at_once : {7U, 100'000U}) {
      ASSERT_TRUE(open(0));
      ASSERT_TRUE(exchange(0, all, in_at_once, out_at_once) == all) << in_at_once << ' ' << out_at_once;
      ASSERT_TRUE(aborted().empty());
      sessions_->closed(0);
    }
  }
}

TEST_F(TcpSessionsTest, gives_an_empty_message_for_a_length_of_zero_and_goes_on) {
  ASSERT_TRUE(open(0));
  const Octets query = framed(message(5, 1));
  EXPECT_EQ(exchange(0, Octets{0, 0} + query + Octets{0, 0, 0, 0} + query, 100, 100), query + query);
  EXPECT_EQ(answered_, 5);
}

TEST_F(TcpSessionsTest, says_nothing_where_there_is_no_answer) {
  ASSERT_TRUE(open(0));
  const Octets query = framed(message(5, 1));
  std::ranges::copy(query, sessions_->input_space(0).begin());
  sessions_->on_input(now_, 0, query.size());
  ASSERT_TRUE(sessions_->next_query(0).has_value());
  EXPECT_FALSE(sessions_->next_query(0).has_value());
  sessions_->answer(now_, 0, {});
  EXPECT_TRUE(sessions_->output(0).empty());
  EXPECT_FALSE(sessions_->next_query(0).has_value());
  EXPECT_EQ(exchange(0, query, 100, 100), query);
}

TEST_F(TcpSessionsTest, stops_reading_from_a_client_that_does_not_take_its_answers) {
  ASSERT_TRUE(open(0));
  const Octets query = framed(message(100, 1));
  size_t taken = 0;
  for (int i = 0; i < 1'000; ++i) {
    const size_t count = put(0, query);
    taken += count;
    if (count < query.size()) break;
  }
  EXPECT_LE(taken, 1'200U);
  EXPECT_EQ(answered_, 1);
  EXPECT_TRUE(sessions_->input_space(0).empty());
  // Three idle times, then it has to go, whatever it reads meanwhile.
  now_ = at(20'000);
  sessions_->on_sent(now_, 0, 1);
  sessions_->on_deadline(at(30'999));
  EXPECT_TRUE(aborted().empty());
  sessions_->on_deadline(at(31'250));
  EXPECT_EQ(aborted(), (std::vector<Id>{0}));
}

TEST_F(TcpSessionsTest, ends_a_connection_that_is_idle_or_too_slow_with_its_query) {
  ASSERT_TRUE(open(0));
  ASSERT_TRUE(open(1));
  ASSERT_TRUE(open(2));
  EXPECT_LE(sessions_->next_deadline(), at(1'250));
  put(1, Octets{0, 50, 1});
  now_ = at(9'000);
  put(1, Octets{1, 1, 1});                                   // octets do not win time
  EXPECT_EQ(exchange(2, framed({1}), 10, 10), framed({1}));  // a whole query does
  sessions_->on_deadline(at(10'999));
  EXPECT_TRUE(aborted().empty());
  sessions_->on_deadline(at(11'250));
  std::vector<Id> gone = aborted();
  std::ranges::sort(gone);
  EXPECT_EQ(gone, (std::vector<Id>{0, 1}));
  sessions_->on_deadline(at(19'500));
  EXPECT_EQ(aborted(), (std::vector<Id>{2}));
  EXPECT_EQ(sessions_->open_count(), 0U);
  EXPECT_EQ(sessions_->next_deadline(), Instant::never());
}

TEST_F(TcpSessionsTest, limits_connections_per_block_and_in_all) {
  for (Id id = 0; id < 4; ++id) EXPECT_TRUE(open(id));
  EXPECT_FALSE(open(4));
  EXPECT_TRUE(open(4, "192.0.2.2"));
  sessions_->closed(0);
  EXPECT_TRUE(open(0));
  EXPECT_FALSE(open(5));
  // IPv6 clients are counted by /64.
  EXPECT_TRUE(open(5, "2001:db8::1"));
  EXPECT_TRUE(open(6, "2001:db8::ffff:1"));
  EXPECT_TRUE(open(7, "2001:db8:0:1::1"));
  EXPECT_FALSE(open(8, "203.0.113.1"));
  EXPECT_FALSE(open(7, "203.0.113.1"));  // already open
  EXPECT_EQ(sessions_->open_count(), 8U);
}

// Opens a session for `address` as a loop does: who is in the way ends first. The id it has; nothing: refused.
std::optional<Id> TcpSessionsTest::get_in(std::string_view address) {
  const Endpoint peer{*IpAddress::parse(address), Port(1053)};
  const auto free = [this]() -> std::optional<Id> {
    for (Id id = 0; id < 8; ++id) {
      if (!sessions_->is_open(id)) return id;
    }
    return std::nullopt;
  };
  made_room_ = sessions_->in_the_way(now_, peer, !free().has_value());
  if (made_room_.has_value()) sessions_->closed(*made_room_);
  if (!free().has_value()) return std::nullopt;
  const Id id = *free();
  return sessions_->open(now_, id, peer) ? std::optional(id) : std::nullopt;
}

TEST_F(TcpSessionsTest, the_idlest_of_the_largest_prefix_makes_room_for_a_new_client) {
  // RFC 7766 section 6.2.3. Two prefixes of three and one of two; the largest that was of use longest ago is 192.0.2.1's
  // second.
  for (const char* address :
       {"192.0.2.1", "192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.9", "192.0.2.9"}) {
    ASSERT_TRUE(get_in(address).has_value());
    EXPECT_EQ(made_room_, std::nullopt);
    now_ = now_ + Duration::milliseconds(10);
  }
  const Octets query = framed(message(40, 7));
  EXPECT_EQ(exchange(0, query, 100, 100), query);
  EXPECT_EQ(put(1, Octets{0}), 1U) << "half a query is of no use";
  ASSERT_TRUE(get_in("198.51.100.1").has_value());
  EXPECT_EQ(made_room_, Id{1});
  ASSERT_TRUE(get_in("198.51.100.2").has_value());
  EXPECT_EQ(made_room_, Id{3}) << "three connections of one /64 are more than two of an address";
}

TEST_F(TcpSessionsTest, one_of_a_prefix_that_has_all_it_may_have_makes_room_for_another_when_it_is_idle) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(get_in("192.0.2.1").has_value());
  EXPECT_EQ(get_in("192.0.2.1"), std::nullopt) << "all of them are in use";
  ASSERT_TRUE(get_in("192.0.2.2").has_value());
  EXPECT_EQ(made_room_, std::nullopt);
  now_ = now_ + Duration::milliseconds(900);
  for (const Id id : {0U, 1U, 3U}) {
    const Octets query = framed(message(40, 7));
    EXPECT_EQ(exchange(id, query, 100, 100), query);
  }
  now_ = now_ + Duration::milliseconds(200);
  EXPECT_EQ(get_in("192.0.2.1"), Id{2});
  EXPECT_EQ(made_room_, Id{2});
  EXPECT_EQ(get_in("192.0.2.1"), std::nullopt);
}

TEST_F(TcpSessionsTest, who_takes_zones_is_spared_as_long_as_such_sessions_are_few) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get_in("192.0.2.1").has_value());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get_in("192.0.2.2").has_value());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(get_in("192.0.2.3").has_value());
  sessions_->spare(0);
  sessions_->spare(1);
  sessions_->spare(1);
  ASSERT_TRUE(get_in("198.51.100.1").has_value());
  EXPECT_EQ(made_room_, Id{2}) << "the only one of its prefix that is not spared";
  // More than a quarter: whoever may transfer could keep everybody out.
  sessions_->spare(2);
  EXPECT_EQ(sessions_->in_the_way(now_, {*IpAddress::parse("198.51.100.2"), Port(1)}, true), Id{3}) << "of the largest prefix";
  sessions_->closed(0);
  EXPECT_NE(sessions_->in_the_way(now_, {*IpAddress::parse("198.51.100.2"), Port(1)}, true), Id{1});
}

TEST_F(TcpSessionsTest, who_waits_for_us_is_of_use_and_who_is_done_is_not) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(get_in("192.0.2.1").has_value());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(get_in("192.0.2.2").has_value());
  const Octets query = framed(message(40, 7));
  std::ranges::copy(query, sessions_->input_space(0).begin());
  sessions_->on_input(now_, 0, query.size());
  ASSERT_TRUE(sessions_->next_query(0).has_value());  // answered later
  now_ = now_ + Duration::seconds(3);
  for (const Id id : {1U, 2U}) EXPECT_EQ(exchange(id, query, 100, 100), query);
  for (const Id id : {4U, 5U, 6U, 7U}) EXPECT_EQ(exchange(id, query, 100, 100), query);
  EXPECT_EQ(sessions_->in_the_way(now_, {*IpAddress::parse("198.51.100.2"), Port(1)}, true), Id{3});
  sessions_->on_end(5);
  EXPECT_EQ(sessions_->in_the_way(now_, {*IpAddress::parse("198.51.100.2"), Port(1)}, true), Id{5});
}

// Whoever owns thousands of addresses, and asks for nothing, for halves of queries, or all the time.
TEST_F(TcpSessionsTest, an_honest_client_gets_in_and_has_its_answer_whatever_owners_of_many_addresses_do) {
  const Octets query = framed(message(40, 7));
  for (const int prefixes : {1, 2, 3, 8, 200}) {
    for (const int habit : {0, 1, 2}) {
      SCOPED_TRACE(testing::Message() << prefixes << " prefixes, habit " << habit);
      use({.streams = 8, .streams_per_prefix = 4, .long_messages = 4});
      int served = 0;
      for (int i = 0; i < 2'000; ++i) {
        now_ = now_ + Duration::milliseconds(1);
        const auto id = get_in("203.0.113." + std::to_string(i % prefixes));
        if (id.has_value() && habit == 1) put(*id, Octets{0, 40, 1});
        if (id.has_value() && habit == 2) exchange(*id, query, 100, 100);
        if (i % 50 != 0) continue;
        const auto honest = get_in("192.0.2.1");
        ASSERT_TRUE(honest.has_value());
        EXPECT_EQ(exchange(*honest, query, 100, 100), query);
        sessions_->closed(*honest);
        ++served;
      }
      EXPECT_EQ(served, 40);
    }
  }
}

TEST_F(TcpSessionsTest, keeps_a_closed_place_free_of_what_was_there) {
  ASSERT_TRUE(open(0));
  put(0, Octets{1, 0, 9, 9, 9});
  sessions_->closed(0);
  sessions_->closed(0);
  EXPECT_EQ(sessions_->open_count(), 0U);
  ASSERT_TRUE(open(0));
  const Octets query = framed(message(5, 1));
  EXPECT_EQ(exchange(0, query, 100, 100), query);
}

TEST_F(TcpSessionsTest, finishes_when_the_client_has_ended_and_has_its_answers) {
  ASSERT_TRUE(open(0));
  const Octets two = framed({1}) + framed({2});
  EXPECT_EQ(put(0, two), two.size());
  sessions_->on_end(0);
  answer_waiting(0);
  EXPECT_FALSE(sessions_->finished(0));
  EXPECT_EQ(take(0), two);
  EXPECT_TRUE(sessions_->finished(0));
  EXPECT_TRUE(sessions_->input_space(0).empty());
}

TEST_F(TcpSessionsTest, finishes_when_the_client_ends_inside_a_query) {
  ASSERT_TRUE(open(0));
  put(0, Octets{0, 9, 1});
  EXPECT_FALSE(sessions_->finished(0));
  sessions_->on_end(0);
  answer_waiting(0);
  EXPECT_TRUE(sessions_->finished(0));
}

TEST_F(TcpSessionsTest, finishes_after_the_last_query_allowed) {
  use({.streams = 1, .queries = 2});
  ASSERT_TRUE(open(0));
  put(0, framed({1}) + framed({2}) + framed({3}));
  EXPECT_FALSE(sessions_->finished(0));
  EXPECT_EQ(take(0), framed({1}) + framed({2}));
  EXPECT_TRUE(sessions_->finished(0));
  EXPECT_TRUE(sessions_->input_space(0).empty());
}

TEST_F(TcpSessionsTest, drops_the_slowest_when_memory_for_long_messages_is_short) {
  use({.streams = 4, .long_messages = 2});
  for (Id id = 0; id < 3; ++id) {
    now_ = at(1'000 + id);
    ASSERT_TRUE(open(id));
    put(id, framed(message(2'000, 1)));  // the answer stays where it is: one block each
  }
  EXPECT_EQ(aborted(), (std::vector<Id>{0}));
  EXPECT_EQ(take(1), framed(message(2'000, 1)));
  EXPECT_EQ(take(2), framed(message(2'000, 1)));
  // Blocks come back.
  for (int round = 0; round < 10; ++round)
    EXPECT_EQ(exchange(1, framed(message(60'000, 2)), 1'000, 1'000), framed(message(60'000, 2)));
  EXPECT_TRUE(aborted().empty());
}

TEST_F(TcpSessionsTest, memory_for_long_messages_is_taken_from_the_prefix_that_holds_most_and_last_from_who_takes_zones) {
  use({.streams = 32, .streams_per_prefix = 16, .long_messages = 6});
  // A client that was there first, and one who takes a zone; both are slow.
  ASSERT_TRUE(open(0, "198.51.100.1"));
  ASSERT_TRUE(open(1, "198.51.100.2"));
  sessions_->spare(1);
  put(0, framed(message(2'000, 1)));
  put(1, framed(message(2'000, 2)));
  // Somebody asks for large answers by all the connections that he may have, and takes none.
  for (Id id = 2; id < 18; ++id) {
    now_ = at(2'000 + id);
    ASSERT_TRUE(open(id, "203.0.113.1"));
    put(id, framed(message(2'000, 3)));
  }
  const std::vector<Id> gone = aborted();
  EXPECT_EQ(gone.size(), 12U);
  for (const Id id : gone) EXPECT_GE(id, 2U) << "only his own make room for him";
  EXPECT_EQ(take(0), framed(message(2'000, 1)));
  EXPECT_EQ(take(1), framed(message(2'000, 2)));
  // Whoever comes then finds room.
  ASSERT_TRUE(open(20, "198.51.100.3"));
  EXPECT_EQ(exchange(20, framed(message(60'000, 4)), 1'000, 1'000), framed(message(60'000, 4)));

  // Where each prefix holds as much, who takes a zone goes last.
  use({.streams = 8, .long_messages = 2});
  ASSERT_TRUE(open(0, "198.51.100.1"));
  sessions_->spare(0);
  put(0, framed(message(2'000, 1)));
  now_ = at(3'000);
  for (const Id id : {Id{1}, Id{2}}) {
    ASSERT_TRUE(open(id, "198.51.100." + std::to_string(10 + id)));
    put(id, framed(message(2'000, 2)));
  }
  EXPECT_EQ(aborted(), (std::vector<Id>{1}));
  EXPECT_EQ(take(0), framed(message(2'000, 1)));
}

TEST_F(TcpSessionsTest, drops_a_long_message_when_there_is_no_memory_for_any) {
  use({.streams = 2, .long_messages = 0});
  ASSERT_TRUE(open(0));
  EXPECT_EQ(exchange(0, framed(message(598, 1)), 100, 100), framed(message(598, 1)));
  put(0, framed(message(599, 1)));
  EXPECT_EQ(aborted(), (std::vector<Id>{0}));
}

// ---- answers of many messages
// ------------------------------------------------------------------------------------------------

TEST_F(TcpSessionsTest, sends_the_messages_of_one_answer_one_after_the_other) {
  ASSERT_TRUE(open(0));
  const auto put_octets = [&](const Octets& octets) {
    const MutableBytes space = sessions_->input_space(0);
    ASSERT_GE(space.size(), octets.size());
    std::ranges::copy(octets, space.begin());
    sessions_->on_input(now_, 0, octets.size());
  };
  put_octets(framed({1}) + framed({2}));
  ASSERT_TRUE(sessions_->next_query(0).has_value());
  sessions_->answer(now_, 0, message(10, 7), true);
  sessions_->on_end(0);
  Octets received;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_FALSE(sessions_->wants_message(0));
    EXPECT_FALSE(sessions_->next_query(0).has_value());
    while (!sessions_->output(0).empty()) {
      received.push_back(sessions_->output(0)[0]);
      sessions_->on_sent(now_, 0, 1);
    }
    EXPECT_TRUE(sessions_->wants_message(0));
    EXPECT_FALSE(sessions_->next_query(0).has_value());
    EXPECT_FALSE(sessions_->finished(0));
    const MutableBytes space = sessions_->message_space(0);
    ASSERT_EQ(space.size(), 65'535U);
    std::ranges::fill(space.first(1'000 * i), static_cast<u8>(i));
    sessions_->message(now_, 0, 1'000 * i, i != 4);
  }
  received = received + take(0);
  EXPECT_EQ(received, framed(message(10, 7)) + framed({}) + framed(message(1'000, 1)) + framed(message(2'000, 2)) +
                          framed(message(3'000, 3)) + framed(message(4'000, 4)) + framed({2}));
  EXPECT_TRUE(sessions_->finished(0));
}

TEST_F(TcpSessionsTest, gives_the_client_its_time_for_each_message_of_an_answer) {
  use({.streams = 1, .idle = Duration::seconds(10)});
  ASSERT_TRUE(open(0));
  const MutableBytes space = sessions_->input_space(0);
  const Octets query = framed({1});
  std::ranges::copy(query, space.begin());
  sessions_->on_input(now_, 0, query.size());
  ASSERT_TRUE(sessions_->next_query(0).has_value());
  sessions_->answer(now_, 0, message(10, 7), true);
  for (i64 second = 29; second < 300; second += 29) {
    now_ = at(second * 1'000);
    sessions_->on_deadline(now_);
    EXPECT_TRUE(aborted().empty());
    sessions_->on_sent(now_, 0, sessions_->output(0).size());
    ASSERT_TRUE(sessions_->wants_message(0));
    EXPECT_FALSE(sessions_->message_space(0).empty());
    sessions_->message(now_, 0, 100, true);
  }
  sessions_->on_sent(now_, 0, 50);  // some is not enough
  now_ = now_ + Duration::seconds(29);
  sessions_->on_deadline(now_);
  EXPECT_TRUE(aborted().empty());
  now_ = now_ + Duration::seconds(2);
  sessions_->on_deadline(now_);
  EXPECT_EQ(aborted(), (std::vector<Id>{0}));
}

TEST_F(TcpSessionsTest, drops_an_answer_whose_next_message_has_no_memory) {
  use({.streams = 2, .long_messages = 0});
  ASSERT_TRUE(open(0));
  const MutableBytes space = sessions_->input_space(0);
  const Octets query = framed({1});
  std::ranges::copy(query, space.begin());
  sessions_->on_input(now_, 0, query.size());
  ASSERT_TRUE(sessions_->next_query(0).has_value());
  sessions_->answer(now_, 0, message(10, 7), true);
  take(0);
  EXPECT_TRUE(sessions_->message_space(0).empty());
  EXPECT_FALSE(sessions_->wants_message(0));
  EXPECT_EQ(aborted(), (std::vector<Id>{0}));
}

TEST_F(TcpSessionsTest, survives_what_the_loop_still_tells_of_a_dropped_stream) {
  use({.streams = 4, .long_messages = 1});
  ASSERT_TRUE(open(0));
  put(0, Octets{0x20, 0, 1, 2, 3});
  now_ = at(2'000);
  ASSERT_TRUE(open(1));
  put(1, Octets{0x20, 0, 1, 2, 3});
  EXPECT_TRUE(sessions_->input_space(0).empty());
  EXPECT_TRUE(sessions_->output(0).empty());
  sessions_->on_sent(now_, 0, 0);
  sessions_->on_end(0);
  answer_waiting(0);
  EXPECT_EQ(aborted(), (std::vector<Id>{0}));
  EXPECT_EQ(answered_, 0);
}

}  // namespace
}  // namespace samara::server
