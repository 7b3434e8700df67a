// The memory functions of the C library: what the compiler calls for copies and what static libraries expect. Sixteen octets
// at a time, the ends by overlap. Compiled without built-ins, so that no loop here becomes a call to itself.
#include <cstddef>
#include <cstdint>

namespace {

using Block = long long __attribute__((vector_size(16)));
using Word = std::uint64_t;
using HalfWord = std::uint32_t;
using Octet = unsigned char;

// A value anywhere in memory, whatever is there.
template <class T>
struct [[gnu::packed, gnu::may_alias]] Anywhere {
  T value;
};

constexpr std::size_t block = sizeof(Block);
constexpr std::size_t long_fill = 256;  // the processor's loop takes its time to begin

template <class T>
T load(const Octet* at) {
  return reinterpret_cast<const Anywhere<T>*>(at)->value;
}
template <class T>
void store(Octet* at, T value) {
  reinterpret_cast<Anywhere<T>*>(at)->value = value;
}

// Both ends are read before anything is written: right for every overlap.
template <class T>
void move_ends(Octet* to, const Octet* from, std::size_t count) {
  const T first = load<T>(from);
  const T last = load<T>(from + count - sizeof(T));
  store<T>(to, first);
  store<T>(to + count - sizeof(T), last);
}

void move_small(Octet* to, const Octet* from, std::size_t count) {
  if (count >= sizeof(Word)) return move_ends<Word>(to, from, count);
  if (count >= sizeof(HalfWord)) return move_ends<HalfWord>(to, from, count);
  if (count == 0) return;
  const Octet first = from[0];
  const Octet middle = from[count / 2];
  const Octet last = from[count - 1];
  to[0] = first;
  to[count / 2] = middle;
  to[count - 1] = last;
}

void move_forward(Octet* to, const Octet* from, std::size_t count) {
  const Block last = load<Block>(from + count - block);
  for (std::size_t i = 0; i + block < count; i += block) store<Block>(to + i, load<Block>(from + i));
  store<Block>(to + count - block, last);
}

void move_backward(Octet* to, const Octet* from, std::size_t count) {
  const Block first = load<Block>(from);
  for (std::size_t i = count; i > block; i -= block) store<Block>(to + i - block, load<Block>(from + i - block));
  store<Block>(to, first);
}

}  // namespace

extern "C" {

void* memmove(void* to, const void* from, std::size_t count) {
  auto* out = static_cast<Octet*>(to);
  const auto* in = static_cast<const Octet*>(from);
  if (count <= block) {
    move_small(out, in, count);
  } else if (out <= in || out >= in + count) {
    move_forward(out, in, count);
  } else {
    move_backward(out, in, count);
  }
  return to;
}

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t count) {
  return memmove(to, from, count);
}

void* memset(void* to, int value, std::size_t count) {
  auto* out = static_cast<Octet*>(to);
  const Word word = 0x0101010101010101u * static_cast<Octet>(value);
#ifdef __x86_64__
  // Long ones by the processor's own loop: as fast as any with vectors, and few instructions.
  if (count >= long_fill) {
    store<Word>(out + count - sizeof(Word), word);
    void* at = to;
    std::size_t words = count / sizeof(Word);
    asm volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(word) : "memory");
    return to;
  }
#endif
  if (count < sizeof(Word)) {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<Octet>(value);
    return to;
  }
  if (count > block) {
    const Block wide = {static_cast<long long>(word), static_cast<long long>(word)};
    for (std::size_t i = 0; i + block < count; i += block) store<Block>(out + i, wide);
    store<Block>(out + count - block, wide);
    return to;
  }
  store<Word>(out, word);
  store<Word>(out + count - sizeof(Word), word);
  return to;
}

int memcmp(const void* left, const void* right, std::size_t count) {
  const auto* a = static_cast<const Octet*>(left);
  const auto* b = static_cast<const Octet*>(right);
  std::size_t i = 0;
  while (i + sizeof(Word) <= count && load<Word>(a + i) == load<Word>(b + i)) i += sizeof(Word);
  for (; i < count; ++i) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

// What the compiler makes of a memcmp whose sign nobody looks at.
int bcmp(const void* left, const void* right, std::size_t count) {
  return memcmp(left, right, count);
}

void* memchr(const void* in, int value, std::size_t count) {
  const auto* at = static_cast<const Octet*>(in);
  constexpr Word ones = 0x0101010101010101u;
  std::size_t i = 0;
  for (; i + sizeof(Word) <= count; i += sizeof(Word)) {
    const Word zero_where_equal = load<Word>(at + i) ^ (ones * static_cast<Octet>(value));
    if (((zero_where_equal - ones) & ~zero_where_equal & (ones << 7)) != 0) break;
  }
  for (; i < count; ++i) {
    if (at[i] == static_cast<Octet>(value)) return const_cast<Octet*>(at + i);
  }
  return nullptr;
}

// libc++ looks for 32-bit numbers by it.
wchar_t* wmemchr(const wchar_t* in, wchar_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (in[i] == value) return const_cast<wchar_t*>(in + i);
  }
  return nullptr;
}

std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

std::size_t strnlen(const char* text, std::size_t limit) {
  std::size_t length = 0;
  while (length < limit && text[length] != 0) ++length;
  return length;
}

char* strchr(const char* text, int value) {
  for (;; ++text) {
    if (*text == static_cast<char>(value)) return const_cast<char*>(text);
    if (*text == 0) return nullptr;
  }
}

char* strrchr(const char* text, int value) {
  const char* found = nullptr;
  for (;; ++text) {
    if (*text == static_cast<char>(value)) found = text;
    if (*text == 0) return const_cast<char*>(found);
  }
}

}  // extern "C"
