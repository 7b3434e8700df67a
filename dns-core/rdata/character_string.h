// Octets as a quoted string in presentation format (RFC 1035 section 5.1), the writing side of decode_text().
#pragma once

#include "platform/base/text_writer.h"
#include "platform/base/types.h"

namespace samara::dns {

// Printable ASCII as it is, with a backslash before `"` and `\`; all else as \DDD. Without the quotes around it.
void write_escaped(Bytes octets, TextWriter& out);
void write_quoted(Bytes octets, TextWriter& out);

}  // namespace samara::dns
