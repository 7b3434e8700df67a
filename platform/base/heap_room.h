// Room in the heap, asked for before it is taken. Whoever takes memory of a size that somebody outside decides asks first: an
// answer of no is an error that travels, where memory that is not there ends the process, or the machine.
#pragma once

#include "platform/base/types.h"

namespace samara {

// True when the heap has so many octets in one piece, beside a reserve for those who take little and do not ask.
bool heap_has(size_t octets);

// The capacity to give a vector that has `capacity` now and shall hold `needed` elements of `unit` octets: it doubles, or grows
// by an eighth where memory is short. 0 means that there is no room.
size_t capacity_for(size_t needed, size_t capacity, size_t unit);

template <class Vector>
[[nodiscard, gnu::noinline]] bool grow_to(Vector& vector, size_t needed) {
  const size_t wanted = capacity_for(needed, vector.capacity(), sizeof(typename Vector::value_type));
  if (wanted != 0) vector.reserve(wanted);
  return wanted != 0;
}

// Room for `more` elements behind those that a vector has. False: there is none, and the vector is as it was.
template <class Vector>
[[nodiscard]] bool make_room(Vector& vector, size_t more) {
  const size_t needed = vector.size() + more;
  return needed <= vector.capacity() || grow_to(vector, needed);
}

}  // namespace samara
