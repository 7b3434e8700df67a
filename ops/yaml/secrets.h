// Secrets in a manifest: given in place, or kept in a file of their own so that the manifest can be shown to everybody.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "ops/yaml/reading.h"

namespace samara::ops::yaml {

// `secret: BASE64` or `secret-file: FILE` (which holds base 64) of a TSIG key; the decoded octets. Wipes nothing: the process
// ends soon, and the manifest's text holds the secret too.
std::optional<std::string> read_key_secret(Fields& fields, const Value& key, const Reading& reading);
constexpr size_t hex_secret_size = 16;
using HexSecret = std::array<u8, hex_secret_size>;

// `KEY: HEX` or `KEY-file: FILE` (which holds hex).
std::optional<HexSecret> read_hex_secret(Fields& fields, const std::string& key, const Reading& reading);

}  // namespace samara::ops::yaml
