// TSIG keys as a person hands them around: made, written in the words of several servers, and read from files. Secrets are
// never on a command line, where every user of the machine can see them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns-core/tsig/key.h"
#include "ops/diagnostics.h"

namespace samara::ops {

// How a key is written.
enum class KeyFormat : u8 {
  yaml,    // our manifest's `keys`
  bind,    // named's key clause; rndc and nsupdate -k take it too
  nsd,     // nsd's key clause
  knot,    // knotd's key section
  secret,  // the base 64 alone: what a manifest's `secret-file` names
};
// In the order of the enumeration: "yaml", "bind", …
std::span<const std::string> key_format_names();

// A key with a secret of as many random octets as the algorithm's digest has (RFC 2104 section 3). Nothing when the system has
// no random numbers.
std::optional<dns::TsigKey> generate_key(const dns::Name& name, dns::TsigAlgorithm algorithm);
// "tsig-0123456789abcdef", for who needs no better name.
std::optional<std::string> random_key_name();
std::string write_key(const dns::TsigKey& key, KeyFormat format);
std::string key_secret(const dns::TsigKey& key);

// The keys of a manifest, of a file that holds its `keys:` alone, or of key clauses as named has them. Reports what is wrong.
std::vector<dns::TsigKey> read_key_file(std::string_view text, const std::string& file, Diagnostics& found);
// What --key says: FILE, or NAME:ALGORITHM:FILE with a FILE that holds the base 64 alone. `wanted` picks one of several.
std::optional<dns::TsigKey> read_key_option(const std::string& option, const std::string& wanted, Diagnostics& found);

}  // namespace samara::ops
