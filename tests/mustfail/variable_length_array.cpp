// Nothing of a size from outside lies on the stack.
// library: dns-core
// expect: variable length array
#include <array>

#include "platform/base/types.h"

int use(samara::u16 count) {
#ifdef MUST_FAIL
  int room[count];
  room[0] = 1;
  return room[0];
#else
  std::array<int, 16> room{};
  return room[count % room.size()];
#endif
}
