// The short way through a master file: record lines in their common shape, without quotes, escapes, parentheses or comments.
//
//   OWNER [TTL] [IN] TYPE DATA      or the same with the owner left out
//
// Whatever does not look like that is left to the lexer, which also finds the words for what is wrong; here nothing is ever an
// error. On the way to a million records most lines are of this shape.
#pragma once

#include <optional>
#include <string_view>

#include "dns-core/name.h"
#include "dns-core/types.h"

namespace samara::zone {

struct SimpleHead {
  std::string_view owner;  // empty: that of the record before
  size_t at = 0;           // offset of the first word
  std::optional<dns::Ttl> ttl;
  dns::RrType type{};
  size_t data_at = 0;  // offset of what follows the type
};
// The head of the line that `text` starts with.
std::optional<SimpleHead> read_simple_head(std::string_view text);

struct SimpleData {
  size_t rdata_size = 0;
  size_t line_size = 0;  // of the data and the newline
};
// The data of an A, AAAA, NS, CNAME, PTR, DNAME or MX record and the end of its line, at the start of `text`. The stored form
// goes to `rdata`, which holds at least 2 octets more than a name.
std::optional<SimpleData> read_simple_data(std::string_view text, dns::RrType type, const dns::Name& origin,
                                           MutableBytes rdata);

}  // namespace samara::zone
