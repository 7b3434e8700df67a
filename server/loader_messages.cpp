#include "server/loader_messages.h"

#include <algorithm>

namespace samara::server {
namespace {

// In place of a number there is none of.
constexpr u32 absent = 0xffffffff;

std::optional<u16> optional_u16(u32 value) {
  if (value > 0xffff) return std::nullopt;
  return static_cast<u16>(value);
}

}  // namespace

std::optional<LoaderMessage> kind_of(Bytes message) {
  if (message.empty() || message[0] < 1 || message[0] > 8) return std::nullopt;
  return static_cast<LoaderMessage>(message[0]);
}

void write_update(const UpdateRelay& update, ByteWriter& out) {
  out.u8(static_cast<u8>(LoaderMessage::update));
  out.u16(update.worker);
  out.u32(update.tag);
  out.u8(static_cast<u8>(update.peer.address.family()));
  const Bytes address = update.peer.address.octets();
  out.bytes(address);
  out.zeros(16 - address.size());
  out.u16(update.peer.port.value());
  out.u8(update.address_shown ? 1 : 0);
  out.u32(update.key.has_value() ? u32{*update.key} : absent);
  out.u64(update.signed_at);
  out.u64(update.mac_start);
  out.bytes(update.message);
}

std::optional<UpdateRelay> read_update(Bytes message) {
  if (message.size() < update_relay_head) return std::nullopt;
  ByteReader at(message.subspan(1));
  UpdateRelay update;
  update.worker = at.u16().value_or(0);
  update.tag = at.u32().value_or(0);
  const u8 family = at.u8().value_or(0);
  const Bytes address = at.bytes(16).value_or(Bytes());
  if (family == static_cast<u8>(IpFamily::v4)) {
    std::array<u8, 4> octets{};
    std::ranges::copy(address.first(4), octets.begin());
    update.peer.address = IpAddress::v4(octets);
  } else {
    std::array<u8, 16> octets{};
    std::ranges::copy(address, octets.begin());
    update.peer.address = IpAddress::v6(octets);
  }
  update.peer.port = Port(at.u16().value_or(0));
  update.address_shown = at.u8().value_or(0) != 0;
  update.key = optional_u16(at.u32().value_or(absent));
  update.signed_at = at.u64().value_or(0);
  update.mac_start = at.u64().value_or(0);
  update.message = at.rest();
  return update;
}

void write_update_done(const UpdateDone& done, ByteWriter& out) {
  out.u8(static_cast<u8>(LoaderMessage::update_done));
  out.u16(done.worker);
  out.u32(done.tag);
  out.u16(dns::code(done.rcode));
  out.u32(done.why.has_value() ? u32{dns::code(*done.why)} : absent);
  const std::string_view reason = done.reason.view();
  out.u8(static_cast<u8>(reason.size()));
  out.text(reason);
  out.bytes(done.response);
}

std::optional<UpdateVerdict> read_update_done(Bytes message) {
  if (message.empty()) return std::nullopt;
  ByteReader at(message.subspan(1));
  const auto worker = at.u16();
  const auto tag = at.u32();
  const auto rcode = at.u16();
  const auto why = at.u32();
  const auto reason_size = at.u8();
  if (!worker.ok() || !tag.ok() || !rcode.ok() || !why.ok() || !reason_size.ok()) return std::nullopt;
  const auto reason = at.bytes(reason_size.value());
  if (!reason.ok()) return std::nullopt;
  UpdateVerdict done;
  done.worker = worker.value();
  done.tag = tag.value();
  done.rcode = static_cast<dns::Rcode>(rcode.value());
  if (const auto code = optional_u16(why.value()); code.has_value()) done.why = static_cast<dns::ExtendedError>(*code);
  done.reason = reason.value();
  done.response = at.rest();
  return done;
}

void write_transfer_note(const TransferNote& note, ByteWriter& out) {
  out.u8(static_cast<u8>(note.kind));
  out.u32(note.tag);
  out.u64(note.generation);
  out.bytes(note.zone.wire());
}

std::vector<u8> encoded(TransferNote note, LoaderMessage kind) {
  note.kind = kind;
  std::vector<u8> message(max_transfer_note);
  ByteWriter out(message);
  write_transfer_note(note, out);
  message.resize(out.size());
  return message;
}

std::optional<TransferNote> read_transfer_note(Bytes message) {
  const auto kind = kind_of(message);
  if (!kind.has_value() || *kind < LoaderMessage::hold) return std::nullopt;
  ByteReader at(message.subspan(1));
  const auto tag = at.u32();
  const auto generation = at.u64();
  const auto zone = dns::Name::from_wire(at);
  if (!tag.ok() || !generation.ok() || !zone.ok()) return std::nullopt;
  return TransferNote{.kind = *kind, .tag = tag.value(), .generation = generation.value(), .zone = zone.value()};
}

void begin_zones_changed(ByteWriter& out) {
  out.u8(static_cast<u8>(LoaderMessage::zones_changed));
}

void add_changed_zone(const dns::Name& zone, ByteWriter& out) {
  out.bytes(zone.wire());
}

}  // namespace samara::server
