// Included in front of every source file of the product outside the unsafe budget (docs/architecture.md): names that must
// not appear there. The standard headers below come first because they may use those names; a header that is missing here
// and needs one of them does not belong into an image.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#undef alloca  // a macro in glibc; as a name it is poisoned below
// clang-format off
#pragma GCC poison memcpy memmove memset strcpy strcat strncpy strncat sprintf vsprintf gets alloca
#pragma GCC poison malloc calloc realloc free
#pragma GCC poison reinterpret_cast
// clang-format on
