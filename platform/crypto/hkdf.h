// HKDF (RFC 5869): a key out of input that is secret but uneven, and any number of keys out of one.
#pragma once

#include "platform/base/result.h"
#include "platform/crypto/hash.h"

namespace samara::crypto {

enum class HkdfError : u8 {
  too_long,  // more than 255 times the digest size was asked for
};

// RFC 5869 section 2.2.
Digest hkdf_extract(HashAlgorithm algorithm, Bytes salt, Bytes input_key);
// RFC 5869 section 2.3: fills `out`.
Result<void, HkdfError> hkdf_expand(HashAlgorithm algorithm, Bytes pseudorandom_key, Bytes info, MutableBytes out);

}  // namespace samara::crypto
