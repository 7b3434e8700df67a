// What a machine is told before it runs: the PVH boot protocol's start info with the lists it points to, the command line, the
// definition block of ACPI. Memory is read where the loader can have written and nowhere else; what is believed of it is
// possible; and free memory is main memory that nobody uses.
//
// The input: pieces of [where, in units of 8 octets below 512 KiB: u16] [how long: u8] [octets], the first of which is where
// the start info lies. Addresses inside are whatever stands there. What is left is the definition block.
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "platform/base/byte_order.h"
#include "platform/hal/boot/acpi_definitions.h"
#include "platform/hal/boot/command_line.h"
#include "platform/hal/boot/start_info.h"

using namespace samara;
using namespace samara::hal;

namespace {

constexpr size_t max_pieces = 16;
constexpr PhysicalRange image{megabyte, megabyte + 0x123456};

void require(bool good) {
  if (!good) std::abort();
}

// The first gigabyte of a machine; what is not written reads as zeros and takes no memory.
MutableBytes memory() {
  static const MutableBytes all = [] {
    void* const at =
        ::mmap(nullptr, first_gigabyte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(at != MAP_FAILED);
    return MutableBytes(static_cast<u8*>(at), first_gigabyte);
  }();
  return all;
}

Bytes read_memory(u64 address, size_t size) {
  require(address != 0 && address < first_gigabyte && size <= first_gigabyte - address);
  return memory().subspan(address, size);
}

bool inside(const PhysicalRange& inner, const PhysicalRange& outer) {
  return outer.begin <= inner.begin && inner.end <= outer.end;
}

bool overlap(const PhysicalRange& a, const PhysicalRange& b) {
  return a.begin < b.end && b.begin < a.end;
}

// Whether the memory map has all of a range: a module may lie in several entries that touch, and in memory that firmware keeps
// (types 1 to 4 of e820).
bool in_memory_map(u64 start_info, const PhysicalRange& range) {
  const u64 map = load_le64(read_memory(start_info + 40, 8), 0);
  const u32 count = std::min<u32>(load_le32(read_memory(start_info + 48, 4), 0), 128);
  std::vector<PhysicalRange> entries;
  for (u32 i = 0; i < count; ++i) {
    const Bytes entry = read_memory(map + u64{i} * 24, 24);
    const u64 begin = load_le64(entry, 0);
    const u64 size = load_le64(entry, 8);
    const u32 type = load_le32(entry, 16);
    if (type >= 1 && type <= 4 && size <= UINT64_MAX - begin) entries.push_back({begin, begin + size});
  }
  std::ranges::sort(entries, {}, &PhysicalRange::begin);
  u64 end = range.begin;
  for (const PhysicalRange& entry : entries) {
    if (entry.begin <= end) end = std::max(end, entry.end);
  }
  return end >= range.end;
}

void check_free_memory(const StartInfo& start) {
  FreeMemory free(start, image);
  for (const PhysicalRange& piece : free.pieces()) {
    if (piece.size() == 0) continue;
    require(piece.begin < piece.end && piece.begin >= megabyte);
    require(piece.begin % page_size == 0 && piece.end % page_size == 0);
    require(!overlap(piece, image) && !overlap(piece, start.module()));
    require(std::ranges::any_of(start.ram(), [&](const PhysicalRange& ram) { return inside(piece, ram); }));
  }
  const PhysicalRange* const largest = free.largest();
  require((largest == nullptr) == free.pieces().empty());
  if (const PhysicalRange* const first = free.reachable(64 * page_size)) {
    require(first->size() >= 64 * page_size && first->begin + 64 * page_size <= first_gigabyte);
    require(largest->size() >= first->size());
  }
}

void check_command_line(std::string_view text) {
  require(text.size() <= StartInfo::max_command_line && text.find('\0') == std::string_view::npos);
  size_t octets = 0;
  CommandLine(text).each([&](std::string_view word) {
    require(!word.empty() && word.find(' ') == std::string_view::npos);
    octets += word.size();
    (void)parse_size(word);
    (void)parse_size(word.substr(word.find('=') + 1));
  });
  require(octets <= text.size());
  (void)CommandLine(text).value("virtio_mmio.device");
}

void check_definitions(Bytes block) {
  size_t position = 0;
  for (size_t before = 0; acpi::next_virtio_device(block, position).has_value(); before = position) {
    require(position > before && position <= block.size());
  }
  (void)acpi::find_generic_events(block);
  (void)acpi::find_sleep_type(block);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  Bytes rest(data, size);
  std::vector<std::pair<u64, size_t>> written;
  while (written.size() < max_pieces && rest.size() >= 3) {
    const u64 where = u64{load_be16(rest, 0)} * 8;
    const size_t length = std::min<size_t>(rest[2], rest.size() - 3);
    std::ranges::copy(rest.subspan(3, length), memory().subspan(where).begin());
    written.emplace_back(where, length);
    rest = rest.subspan(3 + length);
  }
  StartInfo start;
  if (!written.empty() && start.read(written.front().first, read_memory)) {
    for (const PhysicalRange& ram : start.ram()) require(ram.begin < ram.end && ram.end <= end_of_addresses);
    const PhysicalRange module = start.module();
    require(module.size() == 0 || in_memory_map(written.front().first, module));
    check_command_line(start.command_line());
    check_free_memory(start);
  }
  check_definitions(rest);
  for (const auto& [where, length] : written) std::ranges::fill(memory().subspan(where, length), u8{0});
  return 0;
}
