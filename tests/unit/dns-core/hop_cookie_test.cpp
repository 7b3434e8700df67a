#include "dns-core/message/hop_cookie.h"

#include <gtest/gtest.h>

#include <vector>

namespace samara::dns {
namespace {

using Octets = std::vector<u8>;

// A response to an update with an OPT record of these options, and what comes after it.
Octets message_with(const Octets& options, u8 additional = 1, const Octets& after = {}) {
  Octets message{0, 7, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, additional};
  const Octets opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, static_cast<u8>(options.size())};
  for (const Octets& part : {opt, options, after}) message.insert(message.end(), part.begin(), part.end());
  return message;
}

Octets written(const Octets& message, const Octets& cookie, size_t room = 500) {
  Octets memory(room);
  ByteWriter out(memory);
  write_with_cookie(message, cookie, out);
  if (out.overflowed()) return {};
  memory.resize(out.size());
  return memory;
}

const Octets nsid{0, 3, 0, 2, 'n', 's'};
const Octets theirs{0, 10, 0, 8, 1, 1, 1, 1, 1, 1, 1, 1};
const Octets ours{2, 2, 2, 2, 2, 2, 2, 2};

Octets joined(const Octets& first, const Octets& second) {
  Octets all = first;
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

TEST(HopCookie, takes_the_place_of_every_other_and_leaves_the_other_options) {
  EXPECT_EQ(written(message_with(joined(theirs, joined(nsid, theirs))), ours),
            message_with(joined(nsid, joined({0, 10, 0, 8}, ours))));
  EXPECT_EQ(written(message_with(joined(theirs, nsid)), {}), message_with(nsid));
  EXPECT_EQ(written(message_with(theirs), {}), message_with({}));
  EXPECT_EQ(written(message_with({}), ours), message_with(joined({0, 10, 0, 8}, ours)));
}

TEST(HopCookie, is_not_given_to_a_message_without_edns) {
  const Octets message{0, 7, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(written(message, ours), message);
}

// TSIG (250) and SIG(0) (24) cover the options as they came.
TEST(HopCookie, leaves_a_message_alone_that_has_a_record_after_the_options) {
  for (const u8 type : {u8{250}, u8{24}}) {
    const Octets message = message_with(theirs, 2, {0, 0, type, 0, 255, 0, 0, 0, 0, 0, 1, 9});
    EXPECT_EQ(written(message, ours), message);
  }
}

TEST(HopCookie, that_does_not_fit_is_an_overflow) {
  const Octets message = message_with({});
  EXPECT_TRUE(written(message, ours, message.size() + 11).empty());
  EXPECT_FALSE(written(message, ours, message.size() + 12).empty());
}

}  // namespace
}  // namespace samara::dns
