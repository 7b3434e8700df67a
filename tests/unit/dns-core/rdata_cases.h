// What the tests of record data share: cases from tests/data/rdata, hex, and the three functions under test with memory of
// exactly the size they may use.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "dns-core/rdata/rdata_text.h"

namespace samara::dns::test {

struct Case {
  size_t line = 0;
  std::vector<std::string> columns;
};

// The lines of a data file, split at " | "; `#` starts a comment line, and "(nothing)" is an empty column.
inline std::vector<Case> read_cases(const std::string& file, size_t columns) {
  std::ifstream in(SAMARA_TEST_DATA "/rdata/" + file);
  EXPECT_TRUE(in.good()) << file;
  std::vector<Case> cases;
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    Case c{number, {}};
    for (size_t start = 0; start <= line.size();) {
      const size_t end = std::min(line.find(" | ", start), line.size());
      c.columns.push_back(line.substr(start, end - start));
      if (c.columns.back() == "(nothing)") c.columns.back().clear();
      start = end + 3;
    }
    EXPECT_EQ(c.columns.size(), columns) << file << ":" << number;
    if (c.columns.size() == columns) cases.push_back(std::move(c));
  }
  EXPECT_FALSE(cases.empty()) << file;
  return cases;
}

inline std::string to_hex(Bytes octets) {
  std::string hex;
  for (const u8 octet : octets) {
    hex += "0123456789abcdef"[octet >> 4];
    hex += "0123456789abcdef"[octet & 15];
  }
  return hex;
}

// Blanks are skipped.
inline std::vector<u8> from_hex(std::string_view hex) {
  std::vector<u8> octets;
  std::string digits;
  for (const char c : hex) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() < 2) continue;
    octets.push_back(static_cast<u8>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  EXPECT_TRUE(digits.empty()) << hex;
  return octets;
}

inline RrType type_of(std::string_view text) {
  const auto type = parse_type(text);
  EXPECT_TRUE(type.has_value()) << text;
  return type.value_or(RrType{0});
}

inline Name name_of(std::string_view text) {
  return Name::parse(text, Name()).value();
}

inline std::string message_of(const SyntaxError& error) {
  std::vector<char> memory(1000);
  TextWriter out(memory);
  error.write_text(out);
  return std::string(out.view());
}

// Parses text that stands alone in memory of exactly its size; on failure the error's message is put into `error`.
struct Parsed {
  bool ok = false;
  std::vector<u8> wire;
  std::string error;
  TextPosition at;
};
inline Parsed parse(RrType type, std::string_view text, std::string_view origin = "example.") {
  const auto exact = std::make_unique<char[]>(text.size());
  std::copy_n(text.begin(), text.size(), exact.get());
  Lexer lexer(std::string_view(exact.get(), text.size()));
  std::vector<u8> memory(70000);
  ByteWriter stored(memory);
  const Name base = name_of(origin);
  const auto done = parse_rdata(type, lexer, base, stored);
  if (!done.ok()) {
    EXPECT_EQ(stored.size(), 0U) << text << ": a failed parse leaves nothing behind";
    return {false, {}, message_of(done.error()), done.error().at};
  }
  return {true, {stored.written().begin(), stored.written().end()}, {}, {}};
}

inline std::string write(RrType type, Bytes stored) {
  std::vector<char> memory(400000);
  TextWriter out(memory);
  write_rdata_text(type, stored, out);
  EXPECT_FALSE(out.overflowed());
  return std::string(out.view());
}

// check_rdata() on memory of exactly the data's size, so that the sanitizers see a step beyond it.
inline bool is_valid(RrType type, Bytes data) {
  const auto exact = std::make_unique<u8[]>(data.size());
  std::ranges::copy(data, exact.get());
  return check_rdata(type, Bytes(exact.get(), data.size())).ok();
}

}  // namespace samara::dns::test
