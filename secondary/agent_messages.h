// These are the messages between the secondary's agent (agent.h) and its loader. The loader knows which zones there are, what
// is stored of them, and what a transfer became; the agent knows the primaries and the time. Each message is at most 64 KiB.
// Workers that are not the agent are told which zones there are, too: they judge NOTIFYs.
#pragma once

#include <optional>
#include <vector>

#include "platform/base/ip_address.h"
#include "secondary/batch.h"
#include "secondary/refresh.h"

namespace samara::secondary {

enum class AgentMessageKind : u8 {
  // to the loader; server::LoaderMessage has the numbers below
  batch = 16,  // transfer, zone, following, items: the next batch of a transfer; the first begins it
  dropped,     // transfer: no more of it will come
  expired,     // zone, following: it is no longer to be served
  confirmed,   // zone, following, expires_in: what is stored is good for so long
  // to every worker; confirmed too, so that each can tell others
  primaries,  // members: of the next group
  follow,     // zone, following, group, catalog, is_catalog, held
  unfollow,   // zone
  // to the agent
  installed,   // transfer, soa: it is a zone, which the next set has
  rejected,    // transfer: it is not
  notified,    // zone, sender, serial: a NOTIFY that another worker was sent and found to be allowed
  refresh,     // zone: look now
  retransfer,  // zone: take it whole
};

struct AgentMessage {
  AgentMessageKind kind{};
  u32 transfer = 0;
  dns::Name zone = {};
  // Each time that a zone is followed anew, from other primaries or for another catalog, has a number of its own: what comes of
  // an earlier one is not taken for it. The loader's `confirmed` to workers has none.
  u32 following = 0;
  u16 group = 0;                    // of Primaries
  std::optional<u16> catalog = {};  // the zone is a member of it; its place in the configuration
  bool is_catalog = false;          // it says which zones there are
  std::vector<PrimaryPeer> members = {};
  std::optional<HeldVersion> held = {};
  Duration expires_in = {};
  dns::SoaNumbers soa = {};
  IpAddress sender = {};
  std::optional<dns::Serial> serial = {};
  Bytes items = {};  // an argument on its way: a view into the message
};

// Octets of a message without its items.
constexpr size_t max_message_head = 320;
// A message that is not a batch: a group with all the primaries it may have is the longest.
constexpr size_t max_short_message = 2 + max_primaries_per_group * (1 + 16 + 2 + 1 + 2);

void write_message(const AgentMessage& message, ByteWriter& out);
enum class AgentMessageError : u8 { malformed };
Result<AgentMessage, AgentMessageError> read_message(Bytes octets);

}  // namespace samara::secondary
