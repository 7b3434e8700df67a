// A manifest by whoever writes one: whatever the text, reading it ends, with values that know where they stand or with an error
// that names a place in it. What is a manifest is read as one too, as long as it names no files.
#include <cstdlib>
#include <string>

#include "ops/yaml/document.h"
#include "ops/yaml/manifest.h"

using namespace samara;
using namespace samara::ops;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

size_t count_values(const yaml::Value& value, size_t depth) {
  require(depth <= yaml::max_depth && value.line != 0 && value.column != 0);
  size_t count = 1;
  for (const yaml::Value& item : value.items) count += count_values(item, depth + 1);
  for (const yaml::Entry& entry : value.entries) {
    require(entry.key.is_scalar());
    count += 1 + count_values(entry.value, depth + 1);
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  const std::string text(data, data + size);  // one octet a character
  Diagnostics found;
  const auto value = yaml::parse(text, "fuzz.yaml", found);
  require(value.has_value() == found.good());
  if (!value) return 0;
  require(count_values(*value, 0) <= yaml::max_values);
  // A path could lead anywhere on the machine that fuzzes.
  if (text.find("file") != std::string::npos || text.find('/') != std::string::npos) return 0;
  Diagnostics wrong;
  require(yaml::read_manifest(text, "fuzz.yaml", wrong).has_value() || !wrong.good());
  return 0;
}
