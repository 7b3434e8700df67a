// Record data from a peer: the first two octets choose the type, the next one how much of the rest is message before the data.
// What the check accepts must be found again after decompression, in its canonical form and through text.
#include <cstdlib>
#include <span>
#include <vector>

#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/rdata_text.h"

namespace {

using namespace samara;
using namespace samara::dns;

void require(bool good) {
  if (!good) std::abort();
}

bool equal(Bytes a, Bytes b) {
  return std::ranges::equal(a, b);
}

RrType choose_type(u8 high, u8 low) {
  // Mostly types that are known.
  const auto known = all_descriptors();
  if ((high & 1) == 0) return known[low % known.size()].type;
  return RrType{static_cast<u16>(high << 8 | low)};
}

void check_names(RrType type, Bytes stored) {
  for (size_t i = 0;; ++i) {
    const auto name = rdata_name(type, stored, i);
    if (!name.has_value()) return;
    ByteReader reader(stored.subspan(name->offset, name->size));
    require(Name::from_wire(reader).ok() && reader.at_end());
  }
}

// What another server's zone may hold.
void check_copied(RrType type, Bytes stored) {
  require(check_copied_rdata(type, stored).ok());
  require(broken_rule(type, stored).empty() == check_rdata(type, stored).ok());
  check_names(type, stored);

  std::vector<u8> canonical_memory(stored.size());
  ByteWriter canonical(canonical_memory);
  write_canonical_rdata(type, stored, canonical);
  require(!canonical.overflowed() && canonical.size() == stored.size());
  require(canonical_compare_rdata(type, stored, canonical.written()) == 0);
}

void check_accepted(RrType type, Bytes stored) {
  require(check_rdata(type, stored).ok());
  check_copied(type, stored);

  std::vector<char> text_memory(stored.size() * max_text_per_octet + 1000);
  TextWriter text(text_memory);
  write_rdata_text(type, stored, text);
  require(!text.overflowed());
  Lexer lexer(text.view());
  std::vector<u8> again_memory(stored.size());
  ByteWriter again(again_memory);
  require(parse_rdata(type, lexer, Name(), again).ok());
  require(equal(again.written(), stored));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  const Bytes input(data, size);
  if (input.size() < 3) return 0;
  const RrType type = choose_type(input[0], input[1]);
  const Bytes message = input.subspan(3);
  const size_t start = std::min<size_t>(input[2], message.size());
  const size_t length = std::min<size_t>(message.size() - start, 65535);

  ByteReader reader(message);
  require(reader.skip(start).ok());
  std::vector<u8> memory(70000);
  ByteWriter stored(memory);
  if (rdata_from_message(type, reader, static_cast<u16>(length), stored).ok()) {
    require(reader.position() == start + length);
    check_accepted(type, stored.written());
  } else {
    require(stored.size() == 0);
  }
  ByteReader again(message);
  require(again.skip(start).ok());
  std::vector<u8> copy_memory(70000);
  ByteWriter copy(copy_memory);
  if (rdata_from_message(type, again, static_cast<u16>(length), copy, RdataRules::copied).ok()) {
    check_copied(type, copy.written());
  } else {
    require(copy.size() == 0 && stored.size() == 0);
  }
  const Bytes plain = message.subspan(start, length);
  if (check_copied_rdata(type, plain).ok()) check_copied(type, plain);
  if (check_rdata(type, plain).ok()) check_accepted(type, plain);
  return 0;
}
