// Names from octets and from text: whatever is accepted keeps the limits, and what is written reads back as the same name.
#include <array>
#include <cstdlib>
#include <string_view>

#include "dns-core/name.h"

using namespace samara;
using dns::Name;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void check(const Name& name) {
  require(name.size() >= 1 && name.size() <= dns::max_name_size && name.label_count() <= dns::max_labels);
  require(dns::wire_name_size(name.wire()) == name.size());
  require(name == name && name == name.lowercased() && name.is_at_or_below(name) && name.is_at_or_below(Name()));
  require(dns::canonical_compare(name, name.lowercased()) == 0);

  std::array<char, dns::max_name_text> memory;
  TextWriter text(memory);
  name.write_text(text);
  require(!text.overflowed());
  const auto again = Name::parse(text.view(), Name());
  require(again.ok() && std::ranges::equal(again.value().wire(), name.wire()));

  ByteReader wire(name.wire());
  require(Name::from_wire(wire).ok() && wire.at_end());

  const Name parent = name.parent();
  require(name.is_root() || (name.is_below(parent) && name.suffix(parent.label_count()) == parent));
  require(name.common_labels(parent) == parent.label_count());
  require(name.is_root() || dns::canonical_compare(parent, name) < 0);
  if (!name.is_root()) {
    const auto child = parent.child(name.wire().subspan(1, name.wire()[0]));
    require(child.ok() && child.value() == name);
  }
  const auto moved = name.replace_suffix(parent, Name());
  require(moved.ok() && moved.value().label_count() == name.label_count() - parent.label_count());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  if (size < 1) return 0;
  const Bytes input(data, size);
  const Bytes body = input.subspan(1);

  // The first octet says where in the message a name is read.
  ByteReader message(body);
  if (message.skip(input[0]).ok()) {
    const size_t start = message.position();
    const auto name = Name::from_message(message);
    if (name.ok()) {
      check(name.value());
      require(message.position() > start);
    } else {
      require(message.position() == start && !describe(name.error()).empty());
    }
  }
  ByteReader plain(body);
  const auto first = Name::from_wire(plain);
  if (first.ok()) check(first.value());

  // As text, relative to the first name.
  const std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
  const auto parsed = Name::parse(text, first.value_or(Name()));
  if (parsed.ok()) {
    check(parsed.value());
    if (first.ok()) {
      const auto order = dns::canonical_compare(parsed.value(), first.value());
      require((order == 0) == (parsed.value() == first.value()));
      require((dns::canonical_compare(first.value(), parsed.value()) < 0) == (order > 0));
    }
  }
  return 0;
}
