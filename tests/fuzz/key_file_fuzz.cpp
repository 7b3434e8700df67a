// A key file by whoever writes one, in any of the formats that are read, and a script of `samara update`: reading them ends,
// and gives keys and messages that can be used or errors.
#include <cstdlib>
#include <string>

#include "ops/keys/tsig_key.h"
#include "ops/update/update_script.h"

using namespace samara;
using namespace samara::ops;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(data + 1, data + size);  // one octet a character
  Diagnostics found;
  if ((data[0] & 1) == 0) {
    const auto keys = read_key_file(text, "fuzz.key", found);
    require(!keys.empty() || !found.good());
    return 0;
  }
  UpdateScript script({}, {}, found);
  script.read(text, "fuzz.update");
  script.send();
  for (const UpdateBatch& batch : script.take()) {
    if (batch.zone) (void)update_message(batch);
  }
  return 0;
}
