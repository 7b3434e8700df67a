// How packets become smaller when the path gives no word of its own (RFC 8899's reason; docs/tcp.md).
#include "platform/net/tcp/path_mtu.h"

#include <gtest/gtest.h>

namespace samara::net::tcp {
namespace {

TEST(TcpPathMtu, a_short_packet_that_gave_up_on_the_path_does_not_keep_longer_ones_from_becoming_short) {
  PathMtu path(IpFamily::v4, 1'280);
  EXPECT_TRUE(path.on_timeouts(2 * PathMtu::timeouts_per_step, 300));  // it showed nothing about longer ones
  EXPECT_FALSE(path.dont_fragment());
  EXPECT_EQ(path.value(), 1'280);
  EXPECT_TRUE(path.on_timeouts(2 * PathMtu::timeouts_per_step, 1'280));
  EXPECT_EQ(path.value(), min_ipv4_mtu);
  EXPECT_FALSE(path.on_timeouts(3 * PathMtu::timeouts_per_step, min_ipv4_mtu));
}

}  // namespace
}  // namespace samara::net::tcp
