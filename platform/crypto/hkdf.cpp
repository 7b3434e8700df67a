#include "platform/crypto/hkdf.h"

#include <algorithm>

#include "platform/crypto/hmac.h"

namespace samara::crypto {

Digest hkdf_extract(HashAlgorithm algorithm, Bytes salt, Bytes input_key) {
  return Hmac::of(algorithm, salt, input_key);
}

Result<void, HkdfError> hkdf_expand(HashAlgorithm algorithm, Bytes pseudorandom_key, Bytes info, MutableBytes out) {
  if (out.size() > 255 * digest_size(algorithm)) return fail(HkdfError::too_long);
  Hmac hmac(algorithm, pseudorandom_key);
  Digest block;
  for (u8 counter = 1; !out.empty(); ++counter) {
    hmac.update(block.bytes());
    hmac.update(info);
    hmac.update(std::array<u8, 1>{counter});
    block = hmac.finish();
    const size_t taken = std::min(out.size(), block.size());
    std::ranges::copy(block.bytes().first(taken), out.begin());
    out = out.subspan(taken);
  }
  return {};
}

}  // namespace samara::crypto
