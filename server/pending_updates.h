// PendingUpdates: UPDATE requests of one worker while its loader decides on them, and for a while afterwards. A client that
// hears nothing sends a datagram again, octet by octet the same; it must not be applied twice, so it is known by its sender and
// a keyed hash of it. While the first is with the loader the second is let fall; afterwards it gets the same outcome.
//
// Order of calls: find(), and if it is new add(); poll_message() takes it to the loader; on_done() brings the outcome; then
// poll_answer() yields it, to be composed and sent, with what its request was. forget_stream() when a stream is gone.
//
// Capacities, all taken when it is made: max_pending_updates entries, of which the oldest answered one makes room;
// max_staged_octets of messages that wait, which they do while the loader has no room for one. One client, known by its
// key or else its address, has no more than a quarter of the entries and half of the octets: the others' updates go on.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "dns-core/message/query.h"
#include "dns-core/tsig/server.h"
#include "platform/crypto/siphash.h"
#include "platform/runtime/application.h"
#include "server/frontend/cookies.h"
#include "server/loader_messages.h"
#include "server/response.h"

namespace samara::server {

// A loader decides thousands a second; more than this wait only when it is busy with a large zone.
constexpr size_t max_pending_updates = 256;
constexpr size_t max_staged_octets = 4 * size_t{65'536};
constexpr size_t max_pending_of_client = max_pending_updates / 4;
constexpr size_t max_staged_octets_of_client = max_staged_octets / 2;
// nsupdate sends again for up to 15 seconds (3 tries of 3 seconds, by default), knsupdate for 6.
constexpr Duration outcome_kept = Duration::seconds(20);

class PendingUpdates {
 public:
  // Asker keeps what the answer needs of the request, which is gone by then.
  struct Asker {
    Endpoint peer;
    Endpoint local;                           // of a datagram
    std::optional<runtime::StreamId> stream;  // absent: a datagram
    dns::Query query;
    AnswerRules rules;  // its texts are the configuration's; the cookie is empty here
    ServerCookies::Full cookie{};
    bool has_cookie = false;
    bool address_shown = false;  // the peer's is its own
    std::optional<dns::TsigServer> tsig;
    std::array<u8, dns::header_size + dns::max_name_size + 4> head{};  // header and zone section
    size_t head_size = 0;
  };
  struct Outcome {
    dns::Rcode rcode = dns::Rcode::SERVFAIL;
    std::optional<dns::ExtendedError> why;
    std::array<char, max_update_reason> reason{};
    size_t reason_size = 0;
    std::vector<u8> response;  // a primary's own words, where it was passed on to one: nothing else counts then
    std::string_view text() const { return {reason.data(), reason_size}; }
  };
  enum class Known : u8 { no, waiting, answered };

  explicit PendingUpdates(const crypto::SipHashKey& key);
  // Octets that it takes.
  static size_t memory();

  // Found says whether this datagram has come before, and the outcome if it is known.
  struct Found {
    Known known = Known::no;
    const Outcome* outcome = nullptr;
  };
  Found find(Instant now, const Endpoint& peer, Bytes packet) const;
  // poll_answer() is to yield the outcome of a datagram that was found answered once more.
  void answer_again(Instant now, const Endpoint& peer, Bytes packet);
  // Takes a request in; `relayed` is what of it goes to the loader. False: there is no room.
  bool add(Instant now, Bytes packet, Bytes relayed, std::optional<u16> key, const Asker& asker);
  // As runtime::ClientApplication::poll_message.
  size_t poll_message(MutableBytes room);
  void on_done(Instant now, const UpdateVerdict& verdict);
  struct Answer {
    Asker asker;
    Outcome outcome;
  };
  // The next answer that became known, to streams (those that are gone excepted) or to datagrams.
  enum class To : u8 { stream, datagram };
  std::optional<Answer> poll_answer(To to);
  void forget_stream(runtime::StreamId id);
  size_t waiting() const;

 private:
  struct Entry {
    enum class State : u8 { unused, staged, sent, decided, answered };
    State state = State::unused;
    u16 turn = 0;  // of the slot: makes tags of earlier uses void
    u64 hash = 0;
    Instant at;  // when it came, then when it was decided
    std::optional<u16> key;
    size_t message_at = 0;  // in staged_octets_
    size_t message_size = 0;
    Asker asker;
    bool by_stream = false;
    bool forgotten = false;  // its stream is gone
    Outcome outcome;
  };
  std::optional<size_t> slot_of(Instant now, const Endpoint& peer, Bytes packet) const;
  u32 tag_of(size_t slot) const { return u32{entries_[slot].turn} << 16 | static_cast<u32>(slot); }
  bool has_share(const std::optional<u16>& key, const IpAddress& address, size_t octets) const;
  std::optional<size_t> slot_for_new(Instant now);

  crypto::SipHashKey hash_key_;
  std::vector<Entry> entries_;
  std::vector<u16> staged_;                  // slots, the oldest first
  std::array<std::vector<u16>, 2> decided_;  // slots, by To
  std::vector<u8> staged_octets_;            // begun anew when all have gone to the loader
};

}  // namespace samara::server
