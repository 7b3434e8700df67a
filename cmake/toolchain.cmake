# Flavours. The same sources are compiled in these ways (docs/architecture.md):
#   host   clang-19 or g++-12 with libstdc++: the `samara` command, the tests, the sanitizers, the fuzzers
#   linux  clang-19 with hardened libc++: the images that run as a Linux process
#   virtio the same without a C library and an operating system: the images that are one (x86-64)
set(SAMARA_FLAVOUR host CACHE STRING "host | linux | virtio")
set_property(CACHE SAMARA_FLAVOUR PROPERTY STRINGS host linux virtio)
option(SAMARA_TESTS "Build tests (host flavour)" ON)
set(SAMARA_SANITIZE "" CACHE STRING "Sanitizers of the host flavour, as for -fsanitize=")
option(SAMARA_FUZZ "Build libFuzzer targets (host flavour, clang)" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# No NDEBUG: what is asserted stays asserted.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")
if(SAMARA_SANITIZE)  # a report names functions and lines
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -gline-tables-only")
endif()
if(SAMARA_FLAVOUR STREQUAL "host")  # so does a profile; who looks at variables takes preset dev
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -gline-tables-only -fcf-protection=full")
endif()

# Compiling again what did not change is a waste of two cores. What a file depends on is taken from the compiler, and not from
# a run of the preprocessor before it. The two flavours of images compile nearly the same with the same flags: their paths are
# told to ccache as relative ones, so that it is done once. What ccache makes of the paths must not be seen in an image.
find_program(SAMARA_CCACHE ccache)
if(SAMARA_CCACHE)
  set(samara_ccache_settings CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1)
  if(NOT SAMARA_FLAVOUR STREQUAL "host")
    list(APPEND samara_ccache_settings CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1)
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env ${samara_ccache_settings} ${SAMARA_CCACHE})
endif()

set(samara_warnings -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-align -Wcast-qual -Wvla
    -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND samara_warnings -Wswitch-enum -Wunsafe-buffer-usage)
else()
  # g++-12 reports false positives of these through inlined std::variant and std::optional.
  list(APPEND samara_warnings -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
       -Wno-restrict -Wno-dangling-pointer)
endif()

# Paths in binaries do not depend on where the tree was checked out.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${CMAKE_BINARY_DIR}/=build/)
if(NOT SAMARA_FLAVOUR STREQUAL "host")  # nor on ccache's relative ones, nor on the flavour
  file(RELATIVE_PATH samara_up ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})
  add_compile_options(-ffile-prefix-map=${samara_up}= -ffile-prefix-map=include/=build/include/ -ffile-compilation-dir=build)
endif()

if(NOT SAMARA_FLAVOUR STREQUAL "host")
  # What an image is made of. docs/architecture.md explains each group. x86-64-v2 (2009) for popcnt: the trie counts bits.
  # Optimised as a whole (-flto): a query passes through six libraries. The loops on its way are too short to be vectorised.
  # Not -ffreestanding: that would hide what strlen and memcpy do, and the length of each literal would be counted at run time.
  # An image without a C library has those functions of its own (platform/runtime/libc).
  # Position-independent, so that a process is loaded elsewhere at each start. How addresses are formed is decided by the linker
  # when it compiles the whole: a machine of its own stands where its linker script puts it, and pays nothing.
  add_compile_options(
    -fpie -fcf-protection=full -flto -fno-vectorize -fno-slp-vectorize
    -stdlib=libc++ -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-asynchronous-unwind-tables
    -march=x86-64-v2 -mno-red-zone -fno-strict-aliasing -fno-delete-null-pointer-checks -ffunction-sections -fdata-sections
    -fno-omit-frame-pointer
    -fsanitize=bounds,local-bounds,shift,signed-integer-overflow,bool,enum,return,unreachable,builtin,integer-divide-by-zero
    -fsanitize-trap=all -fstack-protector-strong -ftrivial-auto-var-init=zero)
  add_compile_definitions(_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_EXTENSIVE _LIBCPP_ABI_BOUNDED_ITERATORS
    _LIBCPP_ABI_BOUNDED_ITERATORS_IN_VECTOR _LIBCPP_ABI_BOUNDED_ITERATORS_IN_STRING)
  add_link_options(-fuse-ld=lld-19 -flto -Wl,--gc-sections -Wl,--icf=safe -Wl,--build-id=sha1 -Wl,-z,noexecstack)
  if(SAMARA_FLAVOUR STREQUAL "linux")
    add_link_options(-static-pie -nostdlib++ -Wl,-z,relro,-z,now -Wl,--pack-dyn-relocs=relr)
  else()
    set(samara_link_script ${CMAKE_SOURCE_DIR}/platform/hal/boot/image.ld)
    set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
    add_link_options(-static -nostdlib -Wl,-T,${samara_link_script})
  endif()
else()
  add_compile_options(-fno-omit-frame-pointer)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_link_options(-fuse-ld=lld-19 -Wl,-z,relro,-z,now)
  endif()
  if(SAMARA_SANITIZE)
    add_compile_options(-fsanitize=${SAMARA_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SAMARA_SANITIZE})
  endif()
  if(SAMARA_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
endif()
