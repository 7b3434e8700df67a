// Record data by type: the text side of the descriptor table (descriptor.h).
#pragma once

#include "dns-core/rdata/rdata.h"
#include "dns-core/text/lexer.h"

namespace samara::dns {

// Reads the rest of the line as the presentation format of `type` and writes the stored form; consumes the end of line.
// `\# LENGTH HEX` (RFC 3597 section 5) is accepted for every type and checked against the type's wire rules.
Result<void, SyntaxError> parse_rdata(RrType type, Lexer& lexer, const Name& origin, ByteWriter& stored);

// What an octet of record data may grow to in text: in a type bitmap each of its bits may be a TYPEnnnnn of ten characters.
constexpr size_t max_text_per_octet = 80;

// Writes a valid stored form as one line without the owner, TTL, class and type. Unknown types, and data that its type's
// format cannot express, are written as `\# …`. What is written parses back to the same octets.
void write_rdata_text(RrType type, Bytes stored, TextWriter& out);
// True for a type that other servers read by its number only; it and its data are written in the generic form (RFC 3597).
constexpr bool is_written_by_number(RrType type) {
  return type == RrType::CLA || type == RrType::IPN;  // neither named 9.18 nor NSD 4.6 nor Knot DNS 3.2 has them
}

// "AAAA" or "TYPE65280" (RFC 3597 section 5); the parsers take either, any case.
std::optional<RrType> parse_type(std::string_view text);
void write_type(RrType type, TextWriter& out);
// The same as a piece of a message.
struct TypeText {
  RrType type;
  void write_text(TextWriter& out) const { write_type(type, out); }
};
std::optional<RrClass> parse_class(std::string_view text);
void write_class(RrClass rr_class, TextWriter& out);
std::string_view rcode_name(Rcode rcode);  // "NXDOMAIN"; empty when it has none
// The same for a line of text; "RCODE12" when it has none.
struct RcodeText {
  Rcode rcode;
  void write_text(TextWriter& out) const;
};
// Seconds, or units "1w2d3h4m5s" in any case and order; at most 2^31 - 1 (RFC 2308 section 4 names BIND's units).
std::optional<Ttl> parse_ttl(std::string_view text);
// The known type mnemonic nearest to `text`, or empty: for error messages.
std::string_view nearest_type(std::string_view text);

}  // namespace samara::dns
