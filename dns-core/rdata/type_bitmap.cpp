#include "dns-core/rdata/type_bitmap.h"

#include <algorithm>
#include <array>

#include "dns-core/rdata/rdata_text.h"

namespace samara::dns {
namespace {

constexpr std::string_view expected_type = "a type mnemonic such as NS, or TYPEnnn";

Result<RrType, SyntaxError> read_type(const Token& token) {
  const auto type = token.kind == Token::Kind::word ? parse_type(token.text) : std::nullopt;
  if (!type.has_value()) return wrong(token, "unknown record type", expected_type, nearest_type(token.text));
  return *type;
}

// Up to `capacity` windows of 256 types, in order.
template <size_t capacity>
class Windows {
 public:
  // False when the type needs a window more than there are.
  bool add(RrType type) {
    const auto number = static_cast<u8>(code(type) >> 8);
    const auto used = std::span(windows_).first(count_);
    const auto place = std::ranges::lower_bound(used, number, {}, &Window::number);
    const auto index = static_cast<size_t>(place - used.begin());
    if (index == count_ || windows_[index].number != number) {
      if (count_ == capacity) return false;
      for (size_t i = count_++; i > index; --i) windows_[i] = windows_[i - 1];
      windows_[index] = {number, {}};
    }
    windows_[index].bits[(code(type) & 0xff) / 8] |= static_cast<u8>(0x80 >> (code(type) & 7));
    return true;
  }
  template <size_t other>
  void add_all(const Windows<other>& from) {
    for (const auto& window : from.used()) {
      windows_[count_].number = window.number;
      windows_[count_++].bits = window.bits;
    }
  }
  auto used() const { return std::span(windows_).first(count_); }
  void write(ByteWriter& out) const {
    for (const Window& window : used()) {
      size_t size = window.bits.size();
      while (window.bits[size - 1] == 0) --size;
      out.u8(window.number);
      out.u8(static_cast<u8>(size));
      out.bytes(Bytes(window.bits).first(size));
    }
  }

 private:
  struct Window {
    u8 number;
    std::array<u8, 32> bits;
  };
  std::array<Window, capacity> windows_{};
  size_t count_ = 0;
};

constexpr size_t usual_windows = 4;

// The rare case: more windows than types are defined in. Apart, because its memory is 8 KB.
[[gnu::noinline]] Result<void, SyntaxError> read_many_windows(TextFields& fields, const Windows<usual_windows>& so_far,
                                                              RrType next) {
  Windows<256> windows;
  windows.add_all(so_far);
  windows.add(next);
  for (Token token = TRY(fields.next_or_end()); token.is_text(); token = TRY(fields.next_or_end())) {
    windows.add(TRY(read_type(token)));
  }
  windows.write(fields.out());
  return {};
}

void write_bits(u16 base, Bytes bits, TextWriter& out) {
  for (size_t i = 0; i < bits.size() * 8; ++i) {
    if ((bits[i / 8] & (0x80 >> (i % 8))) == 0) continue;
    out.put(' ');
    write_type(RrType{static_cast<u16>(base + i)}, out);
  }
}

}  // namespace

void check_type_bitmap(RdataCursor& at) {
  int previous = -1;
  while (!at.at_end()) {
    const u8 number = at.u8();
    const u8 size = at.u8();
    const Bytes bits = at.bytes(size);
    if (at.failed()) return;
    at.require(number > previous && size >= 1 && size <= 32 && bits.back() != 0);
    previous = number;
  }
}

Result<void, SyntaxError> read_type_bitmap(TextFields& fields) {
  Windows<usual_windows> windows;
  for (Token token = TRY(fields.next_or_end()); token.is_text(); token = TRY(fields.next_or_end())) {
    const RrType type = TRY(read_type(token));
    if (!windows.add(type)) return read_many_windows(fields, windows, type);
  }
  windows.write(fields.out());
  return {};
}

void write_type_bitmap(RdataCursor& at, TextWriter& out) {
  while (!at.at_end()) {
    const auto base = static_cast<u16>(at.u8() << 8);
    write_bits(base, at.string(), out);
  }
}

bool type_bitmap_contains(Bytes bitmap, RrType type) {
  RdataCursor at(bitmap);
  while (!at.at_end()) {
    const u8 number = at.u8();
    const Bytes bits = at.string();
    if (number != code(type) >> 8) continue;
    const size_t octet = (code(type) & 0xff) / 8;
    return octet < bits.size() && (bits[octet] & (0x80 >> (code(type) & 7))) != 0;
  }
  return false;
}

void check_nxt_bitmap(RdataCursor& at) {
  if (at.at_end()) at.fail(RdataError::truncated);
  const Bytes bits = at.all();
  if (bits.empty() || (bits[0] & 0x80) != 0) return;
  at.require(bits.size() <= 16 && bits.back() != 0);
}

Result<void, SyntaxError> read_nxt_bitmap(TextFields& fields) {
  std::array<u8, 16> bits{};
  size_t size = 0;
  const Token first = TRY(fields.word(expected_type));
  for (Token token = first; token.is_text(); token = TRY(fields.next_or_end())) {
    const RrType type = TRY(read_type(token));
    if (code(type) == 0 || code(type) > 127) return wrong(token, "type cannot stand in NXT", "types from 1 to 127");
    const size_t octet = code(type) / 8;
    bits[octet] |= static_cast<u8>(0x80 >> (code(type) & 7));
    size = std::max(size, octet + 1);
  }
  fields.out().bytes(Bytes(bits).first(size));
  return {};
}

bool write_nxt_bitmap(RdataCursor& at, TextWriter& out) {
  const Bytes bits = at.all();
  if (bits.empty() || (bits[0] & 0x80) != 0) return false;
  write_bits(0, bits, out);
  return true;
}

}  // namespace samara::dns
