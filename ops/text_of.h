// Names, addresses and endpoints as people read them.
#pragma once

#include <string>

#include "dns-core/name.h"
#include "platform/base/text_writer.h"

namespace samara::ops {

// Of anything that has write_text(TextWriter&) and is no longer than a name.
template <class Item>
std::string text_of(const Item& item) {
  TextBuffer<dns::max_name_text> text;
  item.write_text(text.writer());
  return std::string(text.view());
}

}  // namespace samara::ops
