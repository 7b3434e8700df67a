// The primary's workers and its loader exchange these messages (platform/hal/hal.h, Role::on_message): updates go to the
// loader, their outcomes come back, and the agent, which is the worker that sends NOTIFYs, receives which zones have changed. A
// secondary's loader hands updates on to its agent and the outcomes back. All workers hear what zones have of their own when a
// reload has changed it (reloaded_settings.h). Transfers that outlive the generation they began in are made known to the
// loader, which then keeps their zone alone (zone/retired_extents.h). Both ends are one image, so a message that cannot be read
// is a bug; the readers still believe nothing.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "dns-core/message/edns.h"
#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"
#include "platform/base/ip_address.h"
#include "platform/base/short_text.h"

namespace samara::server {

enum class LoaderMessage : u8 {
  update = 1,
  update_done = 2,
  zones_changed = 3,
  zone_settings = 4,
  hold = 5,          // to the loader: a transfer reads a zone of an earlier generation; its answer:
  held = 6,          // the zone is kept for it, and the generation need not be
  let_go = 7,        // to the loader: the transfer is over
  end_transfer = 8,  // to the worker: memory is short
};
std::optional<LoaderMessage> kind_of(Bytes message);

// An UPDATE whose sender may change something in the zone, or have it passed on.
struct UpdateRelay {
  u16 worker = 0;  // a secondary's loader says to the agent whose it is; comes back with the outcome, as does …
  u32 tag = 0;
  Endpoint peer;
  bool address_shown = false;  // the peer's address is its own: a connection, or a good server cookie
  std::optional<u16> key;      // it was signed with; index into the configuration's keys
  u64 signed_at = 0;           // with a key: the time, in seconds since 1970, and …
  u64 mac_start = 0;           // … the first octets of the MAC, by which it is known when it comes again
  Bytes message;               // at a primary without the TSIG record: up to the end of the update section at least
};
// Octets in front of the message.
constexpr size_t update_relay_head = 1 + 2 + 4 + 1 + 16 + 2 + 1 + 4 + 8 + 8;
void write_update(const UpdateRelay& update, ByteWriter& out);
std::optional<UpdateRelay> read_update(Bytes message);

constexpr size_t max_update_reason = 126;  // as the text of an answer's extended error (server/response.h)
struct UpdateDone {
  u16 worker = 0;
  u32 tag = 0;
  dns::Rcode rcode = dns::Rcode::NOERROR;
  std::optional<dns::ExtendedError> why;
  ShortText<max_update_reason> reason;
  Bytes response = {};  // at a secondary: what the primary answered, which says all; empty: nobody did
};
constexpr size_t max_update_done = 1 + 2 + 4 + 2 + 4 + 1 + max_update_reason;  // without a response
void write_update_done(const UpdateDone& done, ByteWriter& out);
// As it arrives: the text is octets of the message.
struct UpdateVerdict {
  u16 worker = 0;
  u32 tag = 0;
  dns::Rcode rcode = dns::Rcode::NOERROR;
  std::optional<dns::ExtendedError> why;
  Bytes reason;
  Bytes response;
};
std::optional<UpdateVerdict> read_update_done(Bytes message);

// About a transfer, which the worker calls `tag`: hold, held, let_go and end_transfer. Zone and generation are those of hold.
struct TransferNote {
  LoaderMessage kind = LoaderMessage::hold;
  u32 tag = 0;
  u64 generation = 0;
  dns::Name zone;
};
constexpr size_t max_transfer_note = 1 + 4 + 8 + dns::max_name_size;
void write_transfer_note(const TransferNote& note, ByteWriter& out);
// The same with another kind, as a message of its own.
std::vector<u8> encoded(TransferNote note, LoaderMessage kind);
// Returns nothing when it is none.
std::optional<TransferNote> read_transfer_note(Bytes message);

// Zones whose serial changed: any number of names behind the kind.
void begin_zones_changed(ByteWriter& out);
void add_changed_zone(const dns::Name& zone, ByteWriter& out);
// Calls f(const dns::Name&) for each.
template <class F>
void for_each_changed_zone(Bytes message, F&& f) {
  ByteReader at(message);
  if (!at.skip(1).ok()) return;
  while (!at.at_end()) {
    const auto name = dns::Name::from_wire(at);
    if (!name.ok()) return;
    f(name.value());
  }
}

}  // namespace samara::server
