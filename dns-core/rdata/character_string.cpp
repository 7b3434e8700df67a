#include "dns-core/rdata/character_string.h"

namespace samara::dns {

void write_escaped(Bytes octets, TextWriter& out) {
  for (const u8 octet : octets) {
    if (octet < 0x20 || octet > 0x7e) {
      out.put('\\');
      out.decimal(octet, 3);
      continue;
    }
    if (octet == '"' || octet == '\\') out.put('\\');
    out.put(static_cast<char>(octet));
  }
}

void write_quoted(Bytes octets, TextWriter& out) {
  out.put('"');
  write_escaped(octets, out);
  out.put('"');
}

}  // namespace samara::dns
