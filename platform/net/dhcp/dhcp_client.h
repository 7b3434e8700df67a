// Client: how a host gets its IPv4 address by DHCP (RFC 2131 section 4.4), as one state machine.
//
//   Getters   state(), next_deadline(), lease()
//   Inputs    start(), on_message(), on_address_free(), on_conflict(), on_deadline()
//   Commands  release()
//   Outputs   poll_message() and poll_event() until they yield nothing, after any input or command
//
// Event::check gives an address that is not to be used yet: the owner finds out whether anybody else has it (RFC 2131
// section 2.2, RFC 5227) and says on_address_free() or on_conflict(). `now` never goes back.
//
// Left out: INFORM, as our addresses come from DHCP or not at all; the random wait of 1 to 10 seconds before the first message
// (section 4.4.1), which is for many machines switched on at once and would be paid by every boot: the first message waits a
// quarter of a second at most, and all later ones are spread by the jitter of the back-off.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/dhcp/dhcp_message.h"

namespace samara::net::dhcp {

// RFC 2131 figure 5; `checking` is its "ARP check" between REQUESTING or REBOOTING and BOUND, `confirming` its REBOOTING with a
// lease that is in use meanwhile.
enum class State : u8 {
  stopped,
  init,
  init_reboot,
  rebooting,
  selecting,
  requesting,
  checking,
  bound,
  renewing,
  rebinding,
  confirming
};

struct Lease {
  IpAddress address;
  u8 prefix_length = 24;
  IpAddress server;
  std::optional<u16> mtu;
  Values<ClasslessRoute, 32> routes;
  Values<IpAddress, 8> name_servers;
  friend bool operator==(const Lease&, const Lease&) = default;
};

struct Event {
  enum class Kind : u8 {
    check,     // lease() is offered and acknowledged: is its address free?
    bound,     // lease() holds
    renewed,   // and holds longer; its routes and the like may have changed
    lost,      // lease() ended: it is not to be used any more
    silence,   // no server answers; it goes on trying
    unusable,  // a server gives an address that no host can have where it says; told once for each search for a lease
  };
  Kind kind = Kind::check;
};

// A message on its way out, from client_port to server_port.
struct Outgoing {
  IpAddress source;       // unspecified: no address yet
  IpAddress destination;  // of a server, or 255.255.255.255
  std::array<u8, max_request_size> octets{};
  size_t size = 0;
};

class Client {
 public:
  struct Config {
    MacAddress mac;
    std::string_view host_name;           // may be empty; a copy is kept
    u16 largest_message = 1472;           // that fits a frame: the MTU less 28
    std::optional<IpAddress> remembered;  // had at the last start: asked for first (section 4.4.2)
  };
  Client(const Config& config, Rng& rng);

  // ---- Getters
  State state() const { return state_; }
  Instant next_deadline() const { return deadline_; }
  const Lease& lease() const { return lease_; }

  // ---- Inputs
  void start(Instant now);
  // The data of a datagram to client_port.
  void on_message(Instant now, Bytes message);
  void on_address_free(Instant now);
  // Somebody else has the lease's address: the server is told, and another one asked for.
  void on_conflict(Instant now);
  // The link was down and is up again, perhaps on another network: servers are asked whether the lease holds here (section 3.7,
  // 4.3.2). It is kept while nobody says no (section 3.2), as it is when nobody answers.
  void on_link_up(Instant now);
  void on_deadline(Instant now);

  // ---- Commands
  // Gives the lease back (section 4.4.6); nothing happens until the next start().
  void release(Instant now);

  // ---- Outputs
  std::optional<Outgoing> poll_message();
  std::optional<Event> poll_event();

 private:
  bool in_use() const;
  void begin(Instant now, Duration wait);
  void on_offer(Instant now, const Reply& reply);
  void on_ack(Instant now, const Reply& reply);
  void on_nak(Instant now);
  void send_discover(Instant now);
  void send_request(Instant now);
  void send(Instant now, MessageType type);
  void back_off(Instant now);
  void arm_renewal(Instant now, Instant until);
  void lose(Instant now, Duration wait);
  void take_lease(const Reply& reply);
  bool refuse(const Reply& reply);
  Duration jitter(Duration around);
  void tell(Event::Kind kind);

  MacAddress mac_;
  std::vector<char> host_name_;
  u16 largest_message_;
  std::optional<IpAddress> remembered_;
  Rng& rng_;

  State state_ = State::stopped;
  Instant deadline_ = Instant::never();
  u32 transaction_ = 0;
  Instant began_;
  u8 tries_ = 0;
  u8 naks_ = 0;  // in a row
  bool told_unusable_ = false;
  Lease lease_;
  Instant asked_at_;  // when the request for the lease left: its time counts from then (section 4.4.1)
  Instant renew_at_ = Instant::never();
  Instant rebind_at_ = Instant::never();
  Instant expires_at_ = Instant::never();
  std::array<std::optional<Outgoing>, 2> messages_;  // the newest wins
  std::array<Event, 8> events_{};
  size_t event_count_ = 0;
  size_t events_taken_ = 0;
};

}  // namespace samara::net::dhcp
