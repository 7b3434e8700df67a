// What every holder of a secret needs: comparing without telling where the difference is, and leaving nothing behind.
#pragma once

#include <vector>

#include "platform/base/types.h"

namespace samara::crypto {

// Whether the octets are the same; takes as long for any contents of the same sizes.
bool equal_in_constant_time(Bytes a, Bytes b);

// Overwrites with zeros; the compiler may not leave it out.
void wipe(MutableBytes octets);

// Octets that are wiped when they go. They move, and are copied only by asking for it.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(Bytes octets) : octets_(octets.begin(), octets.end()) {}
  SecretBytes(SecretBytes&& other) noexcept = default;
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    octets_.swap(other.octets_);
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(octets_); }

  SecretBytes copy() const { return SecretBytes(octets_); }
  Bytes bytes() const { return octets_; }
  size_t size() const { return octets_.size(); }
  bool empty() const { return octets_.empty(); }

 private:
  std::vector<u8> octets_;
};

}  // namespace samara::crypto
