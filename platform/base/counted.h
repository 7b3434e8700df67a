// Counted: a number of things in a line for a person.
#pragma once

#include "platform/base/text_writer.h"

namespace samara {

// "1 record", "2 records".
struct Counted {
  u64 count;
  std::string_view thing;
  constexpr void write_text(TextWriter& out) const {
    out.put(count);
    out.put(' ');
    out.put(thing);
    if (count != 1) out.put('s');
  }
};

}  // namespace samara
