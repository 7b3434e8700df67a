// UNSAFE: calls into nettle, whose contexts live in Hash's own memory.
#include "platform/crypto/hmac.h"

#include <nettle/hmac.h>

#include "platform/crypto/nettle_hash.h"
#include "platform/crypto/secret.h"

namespace samara::crypto {

Hmac::Hmac(HashAlgorithm algorithm, Bytes key) : inner_(algorithm), outer_(algorithm), running_(algorithm) {
  hmac_set_key(outer_.state().data(), inner_.state().data(), running_.state().data(), &nettle_table(algorithm), key.size(),
               key.data());
}

Hmac::~Hmac() {
  wipe(inner_.state());
  wipe(outer_.state());
  wipe(running_.state());
}

Digest Hmac::finish() {
  Digest code(digest_size(running_.algorithm()));
  hmac_digest(outer_.state().data(), inner_.state().data(), running_.state().data(), &nettle_table(running_.algorithm()),
              code.size(), code.mutable_bytes().data());
  return code;
}

Digest Hmac::of(HashAlgorithm algorithm, Bytes key, Bytes message) {
  Hmac hmac(algorithm, key);
  hmac.update(message);
  return hmac.finish();
}

}  // namespace samara::crypto
