// SystemError: an errno value as it goes into a line for a person.
#pragma once

#include <cerrno>
#include <cstring>

#include "platform/base/text_writer.h"

namespace samara::hal {

struct SystemError {
  int number = errno;
  void write_text(TextWriter& out) const {
    const char* text = strerrordesc_np(number);
    out.put(text != nullptr ? text : "unknown system error");
  }
};

}  // namespace samara::hal
