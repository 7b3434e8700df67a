#include "platform/base/heap_room.h"

#include <algorithm>
#include <new>

namespace samara {
namespace {

constexpr size_t reserve = size_t{128} << 10;
// Less than this need not be asked for.
constexpr size_t little = size_t{16} << 10;

}  // namespace

bool heap_has(size_t octets) {
  void* const piece = ::operator new(octets + reserve, std::nothrow);
  ::operator delete(piece);
  return piece != nullptr;
}

size_t capacity_for(size_t needed, size_t capacity, size_t unit) {
  // By a part of what is there at least: who appends one at a time would copy all of it each time.
  for (const size_t wanted : {std::max(needed, 2 * capacity), needed + capacity / 8}) {
    if (wanted * unit <= little || heap_has(wanted * unit)) return wanted;
  }
  return 0;
}

}  // namespace samara
