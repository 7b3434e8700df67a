#include "zone/store/format.h"

#include <algorithm>
#include <array>
#include <bit>

#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"
#include "platform/hal/storage.h"

namespace samara::zone::store {
namespace {

constexpr u32 entry_magic = 0x735a5365;  // "sZSe"
// The half's own checksum needs no secret: it only tells damage.
constexpr crypto::SipHashKey half_key{'h', 'a', 'l', 'f', ' ', 'o', 'f', ' ', 'a', ' ', 's', 't', 'o', 'r', 'e', '.'};

constexpr std::string_view owner_magic = "samaraOW";

void write_text(ByteWriter& out, std::string_view text) {
  for (const char c : text) out.u8(static_cast<u8>(c));
}
bool begins_with(Bytes octets, std::string_view text) {
  return std::ranges::equal(octets.first(text.size()), text, {}, {}, [](char c) { return static_cast<u8>(c); });
}

u64 entry_hash(Bytes header, const EntryPlace& place) {
  std::array<u8, EntryHeader::max_size + 16> covered{};
  ByteWriter out(covered);
  out.bytes(header);
  out.u64(place.instance);
  out.u64(place.offset);
  return crypto::siphash24(place.key, out.written());
}

std::optional<ReadEntry> parse(Bytes at, const EntryPlace& place) {
  constexpr size_t name_at = EntryHeader::fixed_size - 8;
  if (at.size() < hal::min_storage_block || load_be32(at) != entry_magic) return std::nullopt;
  const size_t name_size = at[6];
  if (name_size == 0 || name_size > dns::max_name_size) return std::nullopt;
  const u64 hash = load_be64(at, name_at + name_size);
  if (hash != entry_hash(at.first(name_at + name_size), place)) return std::nullopt;
  EntryHeader header;
  header.kind = static_cast<Kind>(at[4]);
  header.last = at[5] != 0;
  header.payload_size = load_be32(at, 8);
  header.part = load_be32(at, 12);
  header.sequence = load_be64(at, 16);
  header.durable = load_be64(at, 24);
  header.previous = load_be64(at, 32);
  header.group = load_be64(at, 40);
  header.follows = load_be64(at, 48);
  header.from = load_be32(at, 56);
  header.to = load_be32(at, 60);
  header.payload_hash = load_be64(at, 64);
  ByteReader name(at.subspan(name_at, name_size));
  const auto zone = dns::Name::from_wire(name);
  if (!zone.ok() || !name.at_end() || header.payload_size > max_payload) return std::nullopt;
  header.zone = zone.value();
  return ReadEntry{header, hash};
}

}  // namespace

void HalfHeader::write(MutableBytes block_of_it) const {
  ByteWriter out(block_of_it);
  write_text(out, signature);
  out.u16(format_version);
  out.u16(0);
  out.u32(block);
  out.u64(generation);
  out.u64(instance);
  out.u64(size);
  out.u64(reach);
  out.u64(solid);
  out.u64(solid_hash);
  out.u64(solid_sequence);
  out.bytes(key);
  out.u64(crypto::siphash24(half_key, out.written()));
  out.u64(0);
  out.zeros(out.remaining());
}

std::optional<u16> HalfHeader::version_of(Bytes block_of_it) {
  constexpr size_t hash_at = wire_size - 16;
  if (!begins_with(block_of_it, signature) ||
      load_be64(block_of_it, hash_at) != crypto::siphash24(half_key, block_of_it.first(hash_at))) {
    return std::nullopt;
  }
  return load_be16(block_of_it, 8);
}

std::optional<HalfHeader> HalfHeader::read(Bytes block_of_it) {
  const auto version = version_of(block_of_it);
  if (!version.has_value() || !is_readable(*version)) return std::nullopt;
  HalfHeader half;
  half.version = *version;
  half.block = load_be32(block_of_it, 12);
  half.generation = load_be64(block_of_it, 16);
  half.instance = load_be64(block_of_it, 24);
  half.size = load_be64(block_of_it, 32);
  half.reach = load_be64(block_of_it, 40);
  half.solid = load_be64(block_of_it, 48);
  half.solid_hash = load_be64(block_of_it, 56);
  half.solid_sequence = load_be64(block_of_it, 64);
  std::ranges::copy(block_of_it.subspan(72, half.key.size()), half.key.begin());
  if (half.block < hal::min_storage_block || half.block > hal::max_storage_block || !std::has_single_bit(half.block)) {
    return std::nullopt;
  }
  return half;
}

void OwnerMark::write(MutableBytes header_block) const {
  ByteWriter out(header_block.subspan(place, wire_size));
  write_text(out, owner_magic);
  out.u64(opening);
  out.u64(owner);
  out.u64(crypto::siphash24(half_key, out.written()));
}

std::optional<OwnerMark> OwnerMark::read(Bytes header_block) {
  constexpr size_t hash_at = wire_size - 8;
  const Bytes mark = header_block.subspan(place, wire_size);
  if (!begins_with(mark, owner_magic) || load_be64(mark, hash_at) != crypto::siphash24(half_key, mark.first(hash_at))) {
    return std::nullopt;
  }
  return OwnerMark{load_be64(mark, 8), load_be64(mark, 16)};
}

void write_signature(MutableBytes header_block) {
  ByteWriter out(header_block);
  write_text(out, signature);
}

u64 write_entry_header(const EntryHeader& header, const EntryPlace& place, MutableBytes into) {
  ByteWriter out(into);
  out.u32(entry_magic);
  out.u8(static_cast<u8>(header.kind));
  out.u8(header.last ? 1 : 0);
  out.u8(static_cast<u8>(header.zone.size()));
  out.u8(0);
  out.u32(header.payload_size);
  out.u32(header.part);
  out.u64(header.sequence);
  out.u64(header.durable);
  out.u64(header.previous);
  out.u64(header.group);
  out.u64(header.follows);
  out.u32(header.from);
  out.u32(header.to);
  out.u64(header.payload_hash);
  out.bytes(header.zone.wire());
  const u64 hash = entry_hash(out.written(), place);
  out.u64(hash);
  return hash;
}

std::optional<ReadEntry> read_entry_header(Bytes at, const EntryPlace& place) {
  return parse(at, place);
}

}  // namespace samara::zone::store
