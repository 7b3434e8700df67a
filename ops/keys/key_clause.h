// TSIG keys as named's configuration has them: key "NAME" { algorithm hmac-sha256; secret "BASE64"; }; with comments of all
// three kinds (`#`, `//`, `/* */`). Other clauses are errors: this is a key file, not a configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns-core/tsig/key.h"
#include "ops/diagnostics.h"

namespace samara::ops {

// Whether a text begins as such a file, and not as YAML.
bool is_key_clause(std::string_view text);
std::vector<dns::TsigKey> read_key_clauses(std::string_view text, const std::string& file, Diagnostics& found);
// Base 64 of a key's secret; what is wrong with it is said without showing it.
std::optional<crypto::SecretBytes> decode_key_secret(std::string_view text, const Place& at, Diagnostics& found);

}  // namespace samara::ops
