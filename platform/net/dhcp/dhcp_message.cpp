#include "platform/net/dhcp/dhcp_message.h"

#include <algorithm>
#include <bit>

#include "platform/base/byte_writer.h"

namespace samara::net::dhcp {
namespace {

constexpr u8 boot_request = 1;
constexpr u8 boot_reply = 2;
constexpr u32 magic = 0x63825363;
constexpr size_t name_offset = 44;  // sname
constexpr size_t name_size = 64;
constexpr size_t file_offset = 108;
constexpr size_t file_size = 128;
constexpr size_t magic_offset = 236;
constexpr size_t options_offset = 240;
constexpr size_t least_size = 300;  // of BOOTP

namespace option {
constexpr u8 pad = 0;
constexpr u8 subnet_mask = 1;
constexpr u8 routers = 3;
constexpr u8 name_servers = 6;
constexpr u8 host_name = 12;
constexpr u8 mtu = 26;
constexpr u8 broadcast = 28;
constexpr u8 requested_address = 50;
constexpr u8 lease_time = 51;
constexpr u8 overload = 52;
constexpr u8 message_type = 53;
constexpr u8 server = 54;
constexpr u8 parameters = 55;
constexpr u8 largest_message = 57;
constexpr u8 renewal_time = 58;
constexpr u8 rebinding_time = 59;
constexpr u8 client = 61;
constexpr u8 classless_routes = 121;
constexpr u8 end = 255;
}  // namespace option

// What came of an option that may be split into several (RFC 3396).
struct Joined {
  std::array<u8, 320> octets{};
  size_t size = 0;
  bool overflowed = false;
  void add(Bytes more) {
    if (more.size() > octets.size() - size) {
      overflowed = true;
      return;
    }
    std::ranges::copy(more, MutableBytes(octets).subspan(size).begin());
    size += more.size();
  }
  Bytes all() const { return Bytes(octets).first(size); }
};

struct OptionReader {
  explicit OptionReader(Reply& into) : reply(into) {}
  Reply& reply;
  u8 type = 0;
  u8 overload = 0;
  Joined routes;

  void read(Bytes options) {
    while (!options.empty()) {
      const u8 code = options[0];
      if (code == option::end) return;
      if (code == option::pad) {
        options = options.subspan(1);
        continue;
      }
      if (options.size() < 2 || options.size() - 2 < options[1]) return;  // what was read so far counts
      take(code, options.subspan(2, options[1]));
      options = options.subspan(size_t{2} + options[1]);
    }
  }
  void take(u8 code, Bytes value) {
    switch (code) {
      case option::message_type: number(value, type); break;
      case option::overload: number(value, overload); break;
      case option::server: address(value, reply.server); break;
      case option::broadcast: address(value, reply.broadcast); break;
      case option::lease_time: number(value, reply.lease_seconds); break;
      case option::renewal_time: number(value, reply.renewal_seconds); break;
      case option::rebinding_time: number(value, reply.rebinding_seconds); break;
      case option::routers: addresses(value, reply.routers); break;
      case option::name_servers: addresses(value, reply.name_servers); break;
      case option::mtu:
        if (value.size() == 2 && load_be16(value) >= 68) reply.mtu = load_be16(value);
        break;
      case option::subnet_mask:
        if (value.size() == 4) {
          const u32 mask = load_be32(value);
          const int ones = std::countl_one(mask);
          reply.usable_mask = std::popcount(mask) == ones && ones > 0;
          if (reply.usable_mask) reply.prefix_length = static_cast<u8>(ones);
        }
        break;
      case option::classless_routes: routes.add(value); break;
      default: break;
    }
  }
  static void number(Bytes value, u8& into) {
    if (value.size() == 1) into = value[0];
  }
  static void number(Bytes value, std::optional<u32>& into) {
    if (value.size() == 4) into = load_be32(value);
  }
  static void address(Bytes value, std::optional<IpAddress>& into) {
    if (value.size() == 4) into = load_v4(value, 0);
  }
  template <size_t N>
  static void addresses(Bytes value, Values<IpAddress, N>& into) {
    if (value.size() % 4 != 0) return;
    for (size_t at = 0; at < value.size(); at += 4) into.add(load_v4(value, at));
  }
  // RFC 3442: width, as many octets of the destination as it covers, gateway.
  void finish_routes() {
    Bytes rest = routes.all();
    while (!routes.overflowed && !rest.empty()) {
      const u8 width = rest[0];
      const size_t octets = (size_t{width} + 7) / 8;
      if (width > 32 || rest.size() < 1 + octets + 4) break;
      std::array<u8, 4> destination{};
      std::ranges::copy(rest.subspan(1, octets), destination.begin());
      const auto prefix = IpPrefix::create(masked(IpAddress::v4(destination), width), width);
      if (prefix.has_value()) reply.routes.add({*prefix, load_v4(rest, 1 + octets)});
      rest = rest.subspan(1 + octets + 4);
    }
  }
};

void write_address(ByteWriter& w, u8 code, const std::optional<IpAddress>& address) {
  if (!address.has_value()) return;
  w.u8(code);
  w.u8(4);
  w.bytes(address->octets());
}

}  // namespace

Result<Reply, WireError> Reply::parse(Bytes message) {
  if (message.size() < options_offset) return fail(WireError::truncated);
  if (message[0] != boot_reply || message[1] != 1) return fail(WireError::version);
  if (message[2] != 6) return fail(WireError::length);
  if (load_be32(message, magic_offset) != magic) return fail(WireError::value);
  Reply reply;
  reply.transaction = load_be32(message, 4);
  reply.your_address = load_v4(message, 16);
  reply.client_mac = load_mac(message, 28);
  OptionReader reader(reply);
  reader.read(message.subspan(options_offset));
  // RFC 2131 section 4.1: `file` first, then `sname`. Option 52 in them says nothing.
  const u8 overload = reader.overload;
  if ((overload & 1) != 0) reader.read(message.subspan(file_offset, file_size));
  if ((overload & 2) != 0) reader.read(message.subspan(name_offset, name_size));
  reader.finish_routes();
  if (reader.type != static_cast<u8>(MessageType::offer) && reader.type != static_cast<u8>(MessageType::ack) &&
      reader.type != static_cast<u8>(MessageType::nak)) {
    return fail(WireError::value);
  }
  reply.type = MessageType{reader.type};
  return reply;
}

size_t write(const Request& request, MutableBytes out) {
  ByteWriter w(out);
  w.u8(boot_request);
  w.u8(1);
  w.u8(6);
  w.u8(0);
  w.u32(request.transaction);
  w.u16(request.seconds);
  w.u16(request.broadcast ? 0x8000 : 0);
  w.bytes(request.client_address.octets());
  w.zeros(12);
  w.bytes(request.client_mac.octets);
  w.zeros(10 + name_size + file_size);
  w.u32(magic);
  w.u8(option::message_type);
  w.u8(1);
  w.u8(static_cast<u8>(request.type));
  // RFC 4361 section 6.1: type 255, an identifier of the interface, and a DUID, here of its link-layer address (RFC 8415
  // section 11.4).
  w.u8(option::client);
  w.u8(15);
  w.u8(255);
  w.bytes(Bytes(request.client_mac.octets).last(4));
  w.u16(3);
  w.u16(1);
  w.bytes(request.client_mac.octets);
  write_address(w, option::requested_address, request.requested);
  write_address(w, option::server, request.server);
  // RFC 2131 section 4.4.1, table 5: these only where an answer is expected.
  if (request.type == MessageType::discover || request.type == MessageType::request) {
    w.u8(option::largest_message);
    w.u8(2);
    w.u16(request.largest_message);
    if (!request.host_name.empty()) {
      const std::string_view name = request.host_name.substr(0, 63);
      w.u8(option::host_name);
      w.u8(static_cast<u8>(name.size()));
      w.text(name);
    }
    // RFC 3442: 121 before 3.
    constexpr std::array<u8, 8> wanted = {
        option::subnet_mask, option::classless_routes, option::routers,      option::name_servers,
        option::mtu,         option::broadcast,        option::renewal_time, option::rebinding_time};
    w.u8(option::parameters);
    w.u8(wanted.size());
    w.bytes(wanted);
  }
  w.u8(option::end);
  if (w.size() < least_size) w.zeros(least_size - w.size());
  return w.overflowed() ? 0 : w.size();
}

}  // namespace samara::net::dhcp
