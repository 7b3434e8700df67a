// What can go wrong with a signature, whatever its algorithm.
#pragma once

#include "platform/base/types.h"

namespace samara::crypto {

enum class VerifyError : u8 {
  bad_key,        // malformed, out of the limits, or not a point of the curve
  bad_signature,  // malformed, out of range, or not made over this message by this key
};

enum class SignError : u8 {
  bad_key,  // malformed, out of the limits, or its parts do not belong together
  no_room,  // the signature does not fit
};

}  // namespace samara::crypto
