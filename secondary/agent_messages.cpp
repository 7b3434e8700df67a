#include "secondary/agent_messages.h"

namespace samara::secondary {
namespace {

using Kind = AgentMessageKind;

constexpr auto as_malformed = [](auto) { return AgentMessageError::malformed; };

bool has_transfer(Kind kind) {
  return kind == Kind::batch || kind == Kind::dropped || kind == Kind::installed || kind == Kind::rejected;
}
bool has_zone(Kind kind) {
  return kind == Kind::batch || (kind != Kind::primaries && !has_transfer(kind));
}
bool has_following(Kind kind) {
  return kind == Kind::batch || kind == Kind::expired || kind == Kind::confirmed || kind == Kind::follow;
}

void write_soa(const dns::SoaNumbers& soa, ByteWriter& out) {
  for (const u32 number : {soa.serial.value(), soa.refresh, soa.retry, soa.expire, soa.minimum}) out.u32(number);
}
Result<dns::SoaNumbers, AgentMessageError> read_soa(ByteReader& at) {
  return dns::SoaNumbers::of(TRY(at.bytes(dns::soa_numbers_size).map_error(as_malformed)));
}

void write_duration(Duration duration, ByteWriter& out) {
  out.u64(static_cast<u64>(duration.nanoseconds()));
}
Result<Duration, AgentMessageError> read_duration(ByteReader& at) {
  return Duration::nanoseconds(static_cast<i64>(TRY(at.u64().map_error(as_malformed))));
}

void write_address(const IpAddress& address, ByteWriter& out) {
  const Bytes octets = address.octets();
  out.u8(static_cast<u8>(octets.size()));
  out.bytes(octets);
}
Result<IpAddress, AgentMessageError> read_address(ByteReader& at) {
  const u8 size = TRY(at.u8().map_error(as_malformed));
  const Bytes octets = TRY(at.bytes(size).map_error(as_malformed));
  std::array<u8, 4> v4{};
  std::array<u8, 16> v6{};
  if (size == v4.size()) {
    std::ranges::copy(octets, v4.begin());
    return IpAddress::v4(v4);
  }
  if (size != v6.size()) return fail(AgentMessageError::malformed);
  std::ranges::copy(octets, v6.begin());
  return IpAddress::v6(v6);
}

void write_number(std::optional<u16> number, ByteWriter& out) {
  out.u8(number.has_value() ? 1 : 0);
  if (number.has_value()) out.u16(*number);
}
Result<std::optional<u16>, AgentMessageError> read_number(ByteReader& at) {
  if (TRY(at.u8().map_error(as_malformed)) == 0) return std::optional<u16>();
  return std::optional<u16>(TRY(at.u16().map_error(as_malformed)));
}

void write_members(const std::vector<PrimaryPeer>& members, ByteWriter& out) {
  out.u8(static_cast<u8>(members.size()));
  for (const PrimaryPeer& member : members) {
    write_address(member.endpoint.address, out);
    out.u16(member.endpoint.port.value());
    write_number(member.key, out);
  }
}
Result<std::vector<PrimaryPeer>, AgentMessageError> read_members(ByteReader& at) {
  std::vector<PrimaryPeer> members(TRY(at.u8().map_error(as_malformed)));
  for (PrimaryPeer& member : members) {
    member.endpoint.address = TRY(read_address(at));
    member.endpoint.port = Port(TRY(at.u16().map_error(as_malformed)));
    member.key = TRY(read_number(at));
  }
  return members;
}

}  // namespace

void write_message(const AgentMessage& message, ByteWriter& out) {
  out.u8(static_cast<u8>(message.kind));
  if (has_transfer(message.kind)) out.u32(message.transfer);
  if (has_zone(message.kind)) out.bytes(message.zone.wire());
  if (has_following(message.kind)) out.u32(message.following);
  if (message.kind == Kind::batch) out.bytes(message.items);
  if (message.kind == Kind::confirmed) write_duration(message.expires_in, out);
  if (message.kind == Kind::installed) write_soa(message.soa, out);
  if (message.kind == Kind::primaries) write_members(message.members, out);
  if (message.kind == Kind::follow) {
    out.u16(message.group);
    write_number(message.catalog, out);
    out.u8(message.is_catalog ? 1 : 0);
    out.u8(message.held.has_value() ? 1 : 0);
    if (message.held.has_value()) {
      write_soa(message.held->soa, out);
      write_duration(message.held->expires_in, out);
    }
  }
  if (message.kind == Kind::notified) {
    write_address(message.sender, out);
    out.u8(message.serial.has_value() ? 1 : 0);
    if (message.serial.has_value()) out.u32(message.serial->value());
  }
}

Result<AgentMessage, AgentMessageError> read_message(Bytes octets) {
  ByteReader at(octets);
  AgentMessage message;
  message.kind = static_cast<Kind>(TRY(at.u8().map_error(as_malformed)));
  if (message.kind < Kind::batch || message.kind > Kind::retransfer) return fail(AgentMessageError::malformed);
  if (has_transfer(message.kind)) message.transfer = TRY(at.u32().map_error(as_malformed));
  if (has_zone(message.kind)) message.zone = TRY(dns::Name::from_wire(at).map_error(as_malformed));
  if (has_following(message.kind)) message.following = TRY(at.u32().map_error(as_malformed));
  if (message.kind == Kind::batch) message.items = MUST(at.bytes(at.remaining()));
  if (message.kind == Kind::confirmed) message.expires_in = TRY(read_duration(at));
  if (message.kind == Kind::installed) message.soa = TRY(read_soa(at));
  if (message.kind == Kind::primaries) message.members = TRY(read_members(at));
  if (message.kind == Kind::follow) {
    message.group = TRY(at.u16().map_error(as_malformed));
    message.catalog = TRY(read_number(at));
    message.is_catalog = TRY(at.u8().map_error(as_malformed)) != 0;
    if (TRY(at.u8().map_error(as_malformed)) != 0) {
      message.held.emplace();
      message.held->soa = TRY(read_soa(at));
      message.held->expires_in = TRY(read_duration(at));
    }
  }
  if (message.kind == Kind::notified) {
    message.sender = TRY(read_address(at));
    if (TRY(at.u8().map_error(as_malformed)) != 0) message.serial = dns::Serial(TRY(at.u32().map_error(as_malformed)));
  }
  TRY(at.expect_end().map_error(as_malformed));
  return message;
}

}  // namespace samara::secondary
