// UNSAFE, inside this folder only: owners of the C objects of GMP and hogweed.
#pragma once

#include <gmp.h>

#include <algorithm>

#include "platform/base/byte_writer.h"
#include "platform/base/rng.h"
#include "platform/base/types.h"
#include "platform/crypto/secret.h"

namespace samara::crypto {

inline void wipe_limbs(mp_limb_t* limbs, size_t count) {
  wipe({reinterpret_cast<u8*>(limbs), count * sizeof(mp_limb_t)});
}

// Sets a non-negative number from big-endian octets.
inline void import_number(mpz_ptr number, Bytes octets) {
  mpz_import(number, octets.size(), 1, 1, 1, 0, octets.data());
}

// Writes exactly `size` octets, big-endian. The number is below 256^size, and `size` at most that of the longest RSA modulus.
inline void export_number(mpz_srcptr number, size_t size, ByteWriter& out) {
  std::array<u8, 512> octets{};
  const size_t used = (mpz_sizeinbase(number, 2) + 7) / 8;
  size_t written = 0;
  mpz_export(octets.data() + (size - used), &written, 1, 1, 1, 0, number);
  out.bytes(Bytes(octets).first(size));
}

// A number that may be secret.
class Integer {
 public:
  Integer() { mpz_init(value_); }
  explicit Integer(Bytes octets) : Integer() { import_number(value_, octets); }
  Integer(const Integer&) = delete;
  Integer& operator=(const Integer&) = delete;
  ~Integer() {
    wipe_number(value_);
    mpz_clear(value_);
  }
  static void wipe_number(mpz_ptr number) {
    const size_t limbs = mpz_size(number);
    if (limbs == 0) return;
    wipe_limbs(mpz_limbs_modify(number, static_cast<mp_size_t>(limbs)), limbs);
    mpz_limbs_finish(number, 0);
  }

  mpz_ptr get() { return value_; }
  mpz_srcptr get() const { return value_; }
  size_t bits() const { return mpz_sgn(value_) == 0 ? 0 : mpz_sizeinbase(value_, 2); }
  bool is_odd() const { return mpz_odd_p(value_) != 0; }

 private:
  mpz_t value_;
};

// nettle_random_func over an Rng.
inline void draw_random(void* rng, size_t size, u8* into) {
  static_cast<Rng*>(rng)->fill({into, size});
}

}  // namespace samara::crypto
