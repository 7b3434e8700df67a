// Record data as people write it: the first octet chooses the type, the rest is text. What is read must be valid and read the
// same after it was written; an error must be showable; and one broken line must not stop the lines after it.
#include <cstdlib>
#include <string_view>
#include <vector>

#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/rdata_text.h"

namespace {

using namespace samara;
using namespace samara::dns;

void require(bool good) {
  if (!good) std::abort();
}

void check_read(RrType type, Bytes stored) {
  require(check_rdata(type, stored).ok());
  std::vector<char> text_memory(stored.size() * max_text_per_octet + 1000);
  TextWriter text(text_memory);
  write_rdata_text(type, stored, text);
  require(!text.overflowed());
  Lexer lexer(text.view());
  std::vector<u8> again_memory(stored.size());
  ByteWriter again(again_memory);
  require(parse_rdata(type, lexer, Name(), again).ok());
  require(std::ranges::equal(again.written(), stored));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  if (size == 0) return 0;
  const auto known = all_descriptors();
  const RrType type = data[0] < known.size() ? known[data[0]].type : RrType{65280};
  const std::vector<char> characters(data + 1, data + size);
  const std::string_view text(characters.data(), characters.size());
  Lexer lexer(text);
  const Name origin = MUST(Name::parse("example.", Name()));
  std::vector<u8> memory(70000);
  // Each step uses up at least one octet, except at the end.
  for (size_t steps = 0; steps <= text.size(); ++steps) {
    ByteWriter stored(memory);
    const auto read = parse_rdata(type, lexer, origin, stored);
    if (read.ok()) {
      check_read(type, stored.written());
    } else {
      TextBuffer<2000> message;
      read.error().write_text(message.writer());
      require(!message.view().empty() && stored.size() == 0);
      lexer.skip_line();
    }
    const auto next = lexer.peek();
    if (next.ok() && next.value().kind == Token::Kind::end_of_file) return 0;
  }
  return 0;
}
