// nettle's description of each hash, for what is built on hashes.
#pragma once

#include <nettle/nettle-meta.h>

#include "platform/crypto/hash.h"

namespace samara::crypto {

const nettle_hash& nettle_table(HashAlgorithm algorithm);

}  // namespace samara::crypto
