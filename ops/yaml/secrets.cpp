#include "ops/yaml/secrets.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "ops/files.h"
#include "ops/keys/key_clause.h"
#include "platform/codec/base64.h"
#include "platform/codec/hex.h"

namespace samara::ops::yaml {

namespace {

constexpr size_t longest_secret_text = 1024;

// The secret's text and the value to blame for it.
struct SecretText {
  std::string text;
  const Value* at;
};

std::string trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

std::optional<SecretText> secret_text(Fields& fields, const std::string& key, const std::string& expected,
                                      const Reading& reading) {
  const Value* inline_value = fields.find(key);
  const Value* file_value = fields.find(key + "-file");
  if (inline_value != nullptr && file_value != nullptr) {
    reading.error(*file_value, "both " + key + " and " + key + "-file", "one of them");
    return {};
  }
  if (inline_value != nullptr) {
    // What is wrong with a secret is said without showing it.
    if (inline_value->is_scalar() && inline_value->text.size() <= longest_secret_text)
      return SecretText{inline_value->text, inline_value};
    reading.error(*inline_value,
                  inline_value->is_scalar() ? "a secret that is too long"
                                            : std::string(kind_name(*inline_value)) + " where a secret belongs",
                  expected);
    return {};
  }
  if (file_value == nullptr) return {};
  const std::optional<std::string> path =
      reading.text(*file_value, "the path of a file that holds the secret", server::max_path_size);
  if (!path) return {};
  const std::string beside = path_beside(reading.file(), *path);
  reading.add_secret_file(beside);
  const auto content = [&]() -> Result<std::string, FileError> {
    return TRY(RegularFile::find(beside)).read(longest_secret_text);
  }();
  if (!content && content.error().code == EFBIG) {
    reading.error(*file_value, "secret file " + in_quotes(*path, longest_path) + " is too long", expected);
    return {};
  }
  if (!content) {
    reading.error(*file_value, "secret file " + in_quotes(*path, longest_path) + " " + content.error().problem,
                  "a readable file");
    return {};
  }
  return SecretText{trimmed(content.value()), file_value};
}

}  // namespace

std::optional<std::string> read_key_secret(Fields& fields, const Value& key, const Reading& reading) {
  const std::string expected = "base 64 of " + std::to_string(server::key_secret_size.low) + " to " +
                               std::to_string(server::key_secret_size.high) + " octets";
  const size_t errors_before = reading.found().error_count();
  const std::optional<SecretText> secret = secret_text(fields, "secret", expected, reading);
  if (!secret) {
    if (key.is_mapping() && reading.found().error_count() == errors_before) {
      reading.error(key, "a key without secret", "secret: BASE64, or secret-file: FILE");
    }
    return {};
  }
  std::vector<u8> octets(longest_secret_text);
  ByteWriter out(octets);
  const auto decoded = codec::decode_base64(secret->text, out);
  if (!decoded && (is_key_clause(secret->text) || secret->text.starts_with("key"))) {
    reading.error(*secret->at, "the secret file holds a whole key, not its secret alone",
                  "a file made by `samara key generate --format secret`, or the secret copied out of it");
    return {};
  }
  if (!decoded) {
    reading.error(*secret->at, "the secret is not base 64: " + std::string(codec::describe(decoded.error())), expected);
    return {};
  }
  if (!server::key_secret_size.holds(out.size())) {
    reading.error(*secret->at, "a secret of " + std::to_string(out.size()) + " octets", expected);
    return {};
  }
  return std::string(out.written().begin(), out.written().end());
}

std::optional<HexSecret> read_hex_secret(Fields& fields, const std::string& key, const Reading& reading) {
  const std::string expected = std::to_string(2 * hex_secret_size) + " hex digits";
  const std::optional<SecretText> secret = secret_text(fields, key, expected, reading);
  if (!secret) return {};
  HexSecret octets{};
  ByteWriter out(octets);
  const auto decoded = codec::decode_hex(secret->text, out);
  if (!decoded || out.size() != octets.size()) {
    reading.error(*secret->at, "the secret is not " + expected, expected);
    return {};
  }
  return octets;
}

}  // namespace samara::ops::yaml
