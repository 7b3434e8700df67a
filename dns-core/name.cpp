#include "dns-core/name.h"

#include <algorithm>
#include <array>
#include <bit>

namespace samara::dns {
namespace {

// A name needs no more pointers than it has labels; a longer chain is there to waste our time.
constexpr size_t max_pointers = max_labels;

// Whether two spans of the same size differ in nothing but the case of ASCII letters.
bool equal_ignoring_case(Bytes a, Bytes b) {
  const size_t size = a.size();
  if (size < 8) {
    for (size_t i = 0; i < size; ++i) {
      if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
  }
  for (size_t i = 0; i + 8 < size; i += 8) {
    const u64 x = load_le64(a, i);
    const u64 y = load_le64(b, i);
    if (x != y && to_lower8(x) != to_lower8(y)) return false;
  }
  return to_lower8(load_le64(a, size - 8)) == to_lower8(load_le64(b, size - 8));
}

// The sixteen octets at `at` in lower case: to_lower8() in the width of a vector register.
void lower16(Bytes from, MutableBytes to, size_t at) {
  using Octets [[gnu::vector_size(16)]] = u8;
  const auto octets = std::bit_cast<Octets>(std::array{load_le64(from, at), load_le64(from, at + 8)});
  const auto upper = std::bit_cast<Octets>((octets - u8{'A'}) < u8{26});
  const Octets lowered = octets | (upper & u8{'a' - 'A'});
  __builtin_memcpy(to.subspan(at, sizeof lowered).data(), &lowered, sizeof lowered);
}

// Octets from the end up to the first that differs; 8 when none does.
size_t common_octets(u64 a, u64 b) {
  if (a == b) return 8;
  const u64 difference = to_lower8(a) ^ to_lower8(b);
  return static_cast<size_t>(std::countl_zero(difference)) / 8;
}

// Octets that two names, or the first labels of two, have in common from the end, ignoring case.
size_t common_tail(Bytes a, Bytes b) {
  const size_t shorter = std::min(a.size(), b.size());
  const Bytes x = a.last(shorter);
  const Bytes y = b.last(shorter);
  size_t left = shorter;
  if (shorter < 8) {
    while (left > 0 && (x[left - 1] == y[left - 1] || to_lower(x[left - 1]) == to_lower(y[left - 1]))) --left;
    return shorter - left;
  }
  for (; left > 8; left -= 8) {
    const size_t common = common_octets(load_le64(x, left - 8), load_le64(y, left - 8));
    if (common != 8) return shorter - left + common;
  }
  return shorter - 8 + common_octets(load_le64(x), load_le64(y));  // some of them once more
}

// The start of the first label at or behind `offset`.
size_t label_from(Bytes name, size_t offset) {
  size_t at = 0;
  while (at < offset) at += size_t{1} + name[at];
  return at;
}

// Labels as left-justified unsigned octet strings in lower case; absence of an octet sorts first (RFC 4034 section 6.1).
std::strong_ordering compare_labels(Bytes a, Bytes b) {
  const size_t shared = std::min(a.size(), b.size());
  size_t i = 0;
  while (i + 8 <= shared && to_lower8(load_le64(a, i)) == to_lower8(load_le64(b, i))) i += 8;
  for (; i < shared; ++i) {
    const u8 x = to_lower(a[i]);
    const u8 y = to_lower(b[i]);
    if (x != y) return x <=> y;
  }
  return a.size() <=> b.size();
}

size_t count_labels(Bytes wire) {
  size_t count = 0;
  for (size_t at = 0; wire[at] != 0; at += size_t{1} + wire[at]) ++count;
  return count;
}

// Where the name starts that is left when `labels` are taken off the front.
size_t skip_labels(Bytes wire, size_t labels) {
  size_t at = 0;
  for (; labels > 0; --labels) at += size_t{1} + wire[at];
  return at;
}

Bytes label_at(Bytes wire, size_t at) {
  return wire.subspan(at + 1, wire[at]);
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The octet that the escape at text[at] == '\\' stands for; `at` moves past it.
Result<u8, NameError> read_escape(std::string_view text, size_t& at) {
  if (text.size() - at < 2) return fail(NameError::bad_escape);
  const char first = text[at + 1];
  if (!is_digit(first)) {
    at += 2;
    return static_cast<u8>(first);
  }
  if (text.size() - at < 4 || !is_digit(text[at + 2]) || !is_digit(text[at + 3])) return fail(NameError::bad_escape);
  const int value = (first - '0') * 100 + (text[at + 2] - '0') * 10 + (text[at + 3] - '0');
  if (value > 255) return fail(NameError::bad_escape);
  at += 4;
  return static_cast<u8>(value);
}

}  // namespace

std::string_view describe(NameError error) {
  switch (error) {
    case NameError::truncated: return "name ends too early";
    case NameError::too_long: return "name is longer than 255 octets";
    case NameError::label_too_long: return "label is longer than 63 octets";
    case NameError::empty_label: return "name has an empty label";
    case NameError::bad_label_type: return "name has a label of an unknown type";
    case NameError::bad_pointer: return "compression pointer does not point backwards";
    case NameError::bad_escape: return "bad escape: `\\` is followed by one character or by three digits up to 255";
  }
  return "bad name";
}

Result<Name, NameError> Name::from_wire(ByteReader& at) {
  const Bytes rest = at.rest();
  size_t used = 0;
  for (;;) {
    if (used >= rest.size()) return fail(NameError::truncated);
    const u8 length = rest[used];
    if (length > max_label_size) return fail(NameError::bad_label_type);
    used += size_t{1} + length;
    if (used > max_name_size) return fail(NameError::too_long);
    if (length == 0) break;
  }
  MUST(at.skip(used));
  return copy_of(rest.first(used));
}

Result<Name, NameError> Name::from_message(ByteReader& at) {
  const Bytes message = at.whole();
  size_t here = at.position();
  size_t part = here;  // where the labels being read began; a pointer at their end leads to before it
  size_t after = 0;    // where the reader goes on: behind the first pointer
  size_t pointers = 0;
  size_t used = 0;
  Name name;
  for (;;) {
    if (here >= message.size()) return fail(NameError::truncated);
    const u8 length = message[here];
    if (length <= max_label_size) {
      const size_t step = size_t{1} + length;
      if (step > message.size() - here) return fail(NameError::truncated);
      if (step > max_name_size - used) return fail(NameError::too_long);
      const Bytes label = message.subspan(here, step);
      const MutableBytes into = MutableBytes(name.wire_).subspan(used, step);
      for (size_t i = 0; i < step; ++i) into[i] = label[i];  // a few octets: cheaper than a call
      here += step;
      used += step;
      if (length == 0) break;
    } else if (length >= 0xc0) {
      if (message.size() - here < 2) return fail(NameError::truncated);
      const size_t target = load_be16(message, here) & 0x3fffU;
      if (pointers == 0) after = here + 2;
      if (target >= part || ++pointers > max_pointers) return fail(NameError::bad_pointer);
      here = part = target;
    } else {
      return fail(NameError::bad_label_type);
    }
  }
  name.size_ = static_cast<u8>(used);
  MUST(at.skip((pointers == 0 ? here : after) - at.position()));
  return name;
}

Result<size_t, NameError> parse_name(std::string_view text, Bytes origin, MutableBytes out) {
  const MutableBytes wire = out.first(max_name_size);
  if (text == "@") {
    std::ranges::copy(origin, wire.begin());
    return origin.size();
  }
  if (text == ".") {
    wire[0] = 0;
    return size_t{1};
  }
  if (text.empty()) return fail(NameError::empty_label);
  size_t label = 0;  // where the open label's length octet goes
  size_t used = 1;
  for (size_t i = 0; i < text.size();) {
    u8 octet = static_cast<u8>(text[i]);
    if (octet == '.') {
      const size_t length = used - label - 1;
      if (length == 0) return fail(NameError::empty_label);
      if (length > max_label_size) return fail(NameError::label_too_long);
      if (used >= max_name_size) return fail(NameError::too_long);
      wire[label] = static_cast<u8>(length);
      label = used++;
      ++i;
      continue;
    }
    if (octet == '\\') [[unlikely]] {
      octet = TRY(read_escape(text, i));
    } else {
      ++i;
    }
    if (used >= max_name_size) {
      return fail(used - label > max_label_size ? NameError::label_too_long : NameError::too_long);
    }
    wire[used++] = octet;
  }
  const size_t length = used - label - 1;
  if (length == 0) {  // the text ended in a dot
    wire[label] = 0;
    return used;
  }
  if (length > max_label_size) return fail(NameError::label_too_long);
  if (origin.size() > max_name_size - used) return fail(NameError::too_long);
  wire[label] = static_cast<u8>(length);
  std::ranges::copy(origin, wire.subspan(used).begin());
  return used + origin.size();
}

Result<void, NameError> Name::assign(std::string_view text, const Name& origin) {
  const Result<size_t, NameError> size = parse_name(text, origin.wire(), wire_);
  if (!size.ok()) {
    size_ = 1;
    wire_[0] = 0;
    return fail(size.error());
  }
  size_ = static_cast<u8>(size.value());
  return {};
}

Result<Name, NameError> Name::parse(std::string_view text, const Name& origin) {
  Name name;
  TRY(name.assign(text, origin));
  return name;
}

Name Name::copy_of(Bytes valid) {
  Name name;
  std::ranges::copy(valid, MutableBytes(name.wire_).first(valid.size()).begin());
  name.size_ = static_cast<u8>(valid.size());
  return name;
}

size_t Name::label_count() const {
  return count_labels(wire());
}

Name Name::suffix(size_t labels) const {
  return copy_of(wire().subspan(skip_labels(wire(), label_count() - labels)));
}

Name Name::parent() const {
  if (is_root()) return *this;
  return copy_of(wire().subspan(size_t{1} + wire_[0]));
}

Result<Name, NameError> Name::child(Bytes label) const {
  if (label.empty()) return fail(NameError::empty_label);
  if (label.size() > max_label_size) return fail(NameError::label_too_long);
  if (label.size() + 1 > max_name_size - size_) return fail(NameError::too_long);
  Name name;
  const MutableBytes into = MutableBytes(name.wire_).first(1 + label.size() + size_);
  into[0] = static_cast<u8>(label.size());
  std::ranges::copy(label, into.subspan(1).begin());
  std::ranges::copy(wire(), into.subspan(1 + label.size()).begin());
  name.size_ = static_cast<u8>(into.size());
  return name;
}

Result<Name, NameError> Name::replace_suffix(const Name& old_suffix, const Name& new_suffix) const {
  const Bytes above = wire().first(size_t{size_} - old_suffix.size_);
  if (above.size() > max_name_size - new_suffix.size_) return fail(NameError::too_long);
  Name name;
  const MutableBytes into = MutableBytes(name.wire_).first(above.size() + new_suffix.size_);
  std::ranges::copy(above, into.begin());
  std::ranges::copy(new_suffix.wire(), into.subspan(above.size()).begin());
  name.size_ = static_cast<u8>(into.size());
  return name;
}

bool Name::is_at_or_below(const Name& ancestor) const {
  if (ancestor.size_ > size_) return false;
  const size_t start = size_t{size_} - ancestor.size_;
  size_t at = 0;
  while (at < start) at += size_t{1} + wire_[at];
  return at == start && equal_ignoring_case(wire().subspan(start), ancestor.wire());
}

size_t Name::common_labels(const Name& other) const {
  const size_t ours = label_count();
  const size_t theirs = other.label_count();
  size_t left = std::min(ours, theirs);
  size_t here = skip_labels(wire(), ours - left);
  size_t there = skip_labels(other.wire(), theirs - left);
  size_t shared = 0;  // labels that agree since the last one that did not
  for (; left > 0; --left) {
    const Bytes a = label_at(wire(), here);
    const Bytes b = label_at(other.wire(), there);
    shared = a.size() == b.size() && equal_ignoring_case(a, b) ? shared + 1 : 0;
    here += 1 + a.size();
    there += 1 + b.size();
  }
  return shared;
}

Name Name::lowercased() const {
  Name name;
  copy_lowered(wire(), name.wire_);
  name.size_ = size_;
  return name;
}

void Name::write_text(TextWriter& out) const {
  if (is_root()) {
    out.put('.');
    return;
  }
  for (size_t at = 0; wire_[at] != 0; at += size_t{1} + wire_[at]) {
    for (const u8 octet : label_at(wire(), at)) {
      if (octet <= ' ' || octet >= 0x7f) {
        out.put('\\');
        out.decimal(octet, 3);
        continue;
      }
      // Special in RFC 1035 section 5.1; "$" starts a directive.
      if (std::string_view(".\\\"();@$").find(static_cast<char>(octet)) != std::string_view::npos) out.put('\\');
      out.put(static_cast<char>(octet));
    }
    out.put('.');
  }
}

bool Name::equals(Bytes wire) const {
  return wire.size() == size_ && equal_ignoring_case(this->wire(), wire);
}

std::strong_ordering canonical_compare(const Name& a, const Name& b) {
  return canonical_compare(a.wire(), b.wire());
}

std::strong_ordering canonical_compare(Bytes a, Bytes b) {
  // The rightmost label that differs decides, so walking forward the last difference seen is the answer.
  const size_t labels_a = count_labels(a);
  const size_t labels_b = count_labels(b);
  const size_t shared = std::min(labels_a, labels_b);
  size_t at_a = skip_labels(a, labels_a - shared);
  size_t at_b = skip_labels(b, labels_b - shared);
  std::strong_ordering order = labels_a <=> labels_b;
  for (size_t left = shared; left > 0; --left) {
    const Bytes label_a = label_at(a, at_a);
    const Bytes label_b = label_at(b, at_b);
    const std::strong_ordering here = compare_labels(label_a, label_b);
    if (here != std::strong_ordering::equal) order = here;
    at_a += 1 + label_a.size();
    at_b += 1 + label_b.size();
  }
  return order;
}

size_t common_suffix_size(Bytes a, Bytes b) {
  // Equal octets are equal labels only where labels of both begin.
  const size_t common = common_tail(a, b);
  size_t left_a = a.size() - label_from(a, a.size() - common);
  size_t left_b = b.size() - label_from(b, b.size() - common);
  while (left_a != left_b) [[unlikely]] {
    if (left_a > left_b) {
      left_a -= size_t{1} + a[a.size() - left_a];
    } else {
      left_b -= size_t{1} + b[b.size() - left_b];
    }
  }
  return left_a;
}

void copy_lowered(Bytes from, MutableBytes to) {
  const size_t size = from.size();
  const MutableBytes into = to.first(size);
  if (size >= 16) {
    for (size_t i = 0; i < size - 16; i += 16) lower16(from, into, i);
    lower16(from, into, size - 16);
  } else if (size >= 8) {
    store_le64(into, 0, to_lower8(load_le64(from)));
    store_le64(into, size - 8, to_lower8(load_le64(from, size - 8)));
  } else {
    for (size_t i = 0; i < size; ++i) into[i] = to_lower(from[i]);
  }
}

size_t wire_name_size(Bytes wire) {
  size_t at = 0;
  while (wire[at] != 0) at += size_t{1} + wire[at];
  return at + 1;
}

}  // namespace samara::dns
