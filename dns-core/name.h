// Name: an absolute domain name as a value (RFC 1034 section 3.1, RFC 1035 sections 3.1 and 4.1.4, RFC 4343). It holds the
// wire form with the case it arrived in; comparison ignores the case of ASCII letters. At most 255 octets and 127 labels
// besides the root; nothing else is a Name.
#pragma once

#include <array>
#include <compare>
#include <string_view>
#include <type_traits>

#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"
#include "platform/base/result.h"
#include "platform/base/text_writer.h"

namespace samara::dns {

enum class NameError : u8 {
  truncated,       // the octets end inside the name
  too_long,        // more than 255 octets (RFC 1035 section 2.3.4)
  label_too_long,  // more than 63 octets
  empty_label,     // two dots in a row, or a dot in front
  bad_label_type,  // upper bits 01 or 10 (RFC 6891 section 5), or a pointer where none may be
  bad_pointer,     // a compression pointer that does not point backwards
  bad_escape,      // `\` at the end, or \DDD above 255
};
// What is wrong, for people: "label is longer than 63 octets".
std::string_view describe(NameError error);

constexpr size_t max_name_size = 255;
constexpr size_t max_label_size = 63;
constexpr size_t max_labels = 127;  // without the root's
// A name's longest text: each of 250 octets as \DDD, and the dots.
constexpr size_t max_name_text = 1004;

// ASCII to lower case (RFC 4343 section 3); all other octets as they are.
constexpr u8 to_lower(u8 c) {
  return c >= 'A' && c <= 'Z' ? static_cast<u8>(c + 32) : c;
}
// The same for eight octets at once. Length octets (0 to 63) are below 'A', so whole wire forms may go through it.
constexpr u64 to_lower8(u64 octets) {
  constexpr u64 ones = 0x0101010101010101;
  const u64 low_bits = octets & (ones * 0x7f);
  const u64 from_a = low_bits + ones * (0x80 - 'A');    // top bit: at least 'A'
  const u64 beyond_z = low_bits + ones * (0x7f - 'Z');  // top bit: above 'Z'
  const u64 upper = (from_a ^ beyond_z) & ~octets & (ones * 0x80);
  return octets | (upper >> 2);
}

class Name {
 public:
  constexpr Name() {  // the root; octets behind the name are left as they are
    if (std::is_constant_evaluated()) wire_ = {};
    wire_[0] = 0;
  }
  // An uncompressed name at the reader's position, which moves past it.
  static Result<Name, NameError> from_wire(ByteReader& at);
  // A name in a message; `at.whole()` is the message from its first header octet. Pointers must point to before the part they
  // end, so that following them always comes to an end.
  static Result<Name, NameError> from_message(ByteReader& at);
  // Presentation format (RFC 1035 section 5.1): `\.` and `\DDD` escapes, "@" is the origin, a name without final dot is
  // relative to the origin. The text is the raw token, escapes included.
  static Result<Name, NameError> parse(std::string_view text, const Name& origin);
  // parse() into this name, which is not `origin`; on an error it is left without a useful value (but valid).
  Result<void, NameError> assign(std::string_view text, const Name& origin);

  constexpr size_t size() const { return size_; }
  constexpr Bytes wire() const { return Bytes(wire_).first(size_); }
  constexpr bool is_root() const { return size_ == 1; }
  constexpr bool is_wildcard() const { return size_ > 2 && wire_[0] == 1 && wire_[1] == '*'; }  // RFC 4592 section 2.1.1
  // Labels without the root's: 0 for ".", 2 for "example.com.".
  size_t label_count() const;
  // The last `labels` labels: suffix(1) of "www.example.com." is "com.". `labels <= label_count()`.
  Name suffix(size_t labels) const;
  // Without the leftmost label; the root is its own parent.
  Name parent() const;
  // `label` (1 to 63 octets) put in front.
  Result<Name, NameError> child(Bytes label) const;
  // The part of this name above `old_suffix` put on `new_suffix` (DNAME, RFC 6672 section 2.2); this name is at or below
  // `old_suffix`.
  Result<Name, NameError> replace_suffix(const Name& old_suffix, const Name& new_suffix) const;
  bool is_at_or_below(const Name& ancestor) const;
  bool is_below(const Name& ancestor) const { return size_ != ancestor.size_ && is_at_or_below(ancestor); }
  // Labels the two names share, counted from the root.
  size_t common_labels(const Name& other) const;
  Name lowercased() const;
  // Presentation format with the final dot; special characters escaped so that parse() gives the same name.
  void write_text(TextWriter& out) const;

  friend bool operator==(const Name& a, const Name& b) { return a.equals(b.wire()); }
  // Case-insensitive comparison with a valid uncompressed wire-format name.
  bool equals(Bytes wire) const;

 private:
  static Name copy_of(Bytes valid);

  u8 size_ = 1;
  std::array<u8, max_name_size> wire_;
};

// Name::parse() to wire form in other memory of at least max_name_size octets that does not hold `origin`, a valid wire form.
// Returns the size.
Result<size_t, NameError> parse_name(std::string_view text, Bytes origin, MutableBytes out);

// Canonical order (RFC 4034 section 6.1).
std::strong_ordering canonical_compare(const Name& a, const Name& b);
// The same for valid uncompressed wire-format names.
std::strong_ordering canonical_compare(Bytes a, Bytes b);
// Octets at the end of two such names that make the same labels, the root's included; they may also be names' first labels,
// without the root's.
size_t common_suffix_size(Bytes a, Bytes b);
// Copies octets, ASCII letters in lower case, to the start of `to`.
void copy_lowered(Bytes from, MutableBytes to);
// Size in octets of the valid uncompressed wire-format name that `wire` starts with.
size_t wire_name_size(Bytes wire);

}  // namespace samara::dns
