#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "platform/hal/boot/acpi_definitions.h"
#include "platform/hal/boot/command_line.h"
#include "platform/hal/boot/machine_generation.h"
#include "platform/hal/boot/time_scale.h"

namespace samara::hal {
namespace {

TEST(CommandLine, WordsStandBetweenAnyNumberOfSpaces) {
  std::vector<std::string_view> words;
  CommandLine("  a=1   bb c=  ").each([&](std::string_view word) { words.push_back(word); });
  EXPECT_EQ(words, (std::vector<std::string_view>{"a=1", "bb", "c="}));
  CommandLine("").each([&](std::string_view) { FAIL(); });
}

TEST(CommandLine, TheLastWordOfANameCounts) {
  const CommandLine line("clock=pit clocks=7 clock=apic clock");
  EXPECT_EQ(line.value("clock"), "apic");
  EXPECT_EQ(line.value("cloc"), std::nullopt);
  EXPECT_EQ(CommandLine("clock=").value("clock"), "");
  EXPECT_EQ(CommandLine("clock").value("clock"), std::nullopt);
}

TEST(ParseSize, ReadsDecimalHexadecimalAndUnits) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("4K"), 4096U);
  EXPECT_EQ(parse_size("0xfeb00e00"), 0xfeb00e00U);
  EXPECT_EQ(parse_size("3M"), u64{3} << 20);
  EXPECT_EQ(parse_size("2G"), u64{2} << 30);
  EXPECT_EQ(parse_size("18446744073709551615"), UINT64_MAX);
}

TEST(ParseSize, RefusesWhatIsNoNumberOrTooLarge) {
  for (const std::string_view text :
       {"", "K", "0x", "12a", "-1", " 1", "1 ", "18446744073709551616", "0x10000000000000000", "17179869184G"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(CheckWord, KnowsWhatAWordMayBe) {
  for (const std::string_view word :
       {"clock=pit", "on-failure=reset", "measure=start", "card=52:54:00:aB:CD:0f", "role.anything",
        "virtio_mmio.device=512@0xfeb00000:5", "virtio_mmio.device=4K@0xd0000000:5:1"}) {
    EXPECT_EQ(check_word(word), "") << word;
  }
  for (const std::string_view word :
       {"clock=", "clock=tsc", "on-failure=explode", "measure=foo", "card=52:54:00:ab:cd", "card=", "card=52-54-00-ab-cd-0f",
        "card=52:54:00:ab:cd:0g", "virtio_mmio.device=garbage", "virtio_mmio.device=512@0xfeb00000",
        "virtio_mmio.device=512@16:5", "virtio_mmio.device=512@0xfeb00000:256", "virtio_mmio.device=512@0x400000000000:5"}) {
    ASSERT_TRUE(check_word(word).has_value()) << word;
    EXPECT_NE(check_word(word), "") << word;
  }
  for (const std::string_view word : {"root=/dev/vda", "clock", "quiet", "cloc=pit"}) EXPECT_EQ(check_word(word), std::nullopt);
}

TEST(ParseCard, ReadsSixOctets) {
  EXPECT_EQ(parse_card("52:54:00:ab:CD:0f"), (CardAddress{0x52, 0x54, 0x00, 0xab, 0xcd, 0x0f}));
}

TEST(TimeScale, TurnsTicksIntoNanoseconds) {
  const TimeScale scale(1000, 500, 2'000'000'000);
  EXPECT_EQ(scale.at(1000), 500U);
  EXPECT_EQ(scale.at(3000), 1500U);
  EXPECT_EQ(scale.at(0), 500U);  // a counter that went back does not take the clock with it
}

TEST(TimeScale, StaysExactOverYears) {
  const TimeScale scale(0, 0, 3'000'000'000);
  constexpr u64 year = 31'557'600;
  const u64 shown = scale.at(3'000'000'000 * year * 10);
  EXPECT_NEAR(static_cast<double>(shown), 1e9 * static_cast<double>(year) * 10, 1e9);
}

TEST(TimeScale, ACorrectionGoesOnFromWhatTheClockShows) {
  TimeScale scale(0, 0, 1'000'000'000);
  scale.correct(1'000'000, 2'000'000'000);
  EXPECT_EQ(scale.at(1'000'000), 1'000'000U);
  EXPECT_EQ(scale.at(3'000'000), 2'000'000U);
}

TEST(PvClock, FollowsTheDefinitionOfItsFields) {
  // Nanoseconds are ((tsc - tsc_timestamp) << shift) * multiplier >> 32, added to system_time.
  PvClockTime time;
  time.tsc = 1000;
  time.nanoseconds = 7;
  time.multiplier = 0x80000000;
  time.shift = 1;
  EXPECT_EQ(nanoseconds_at(time, 1000), 7U);
  EXPECT_EQ(nanoseconds_at(time, 1100), 107U);
  EXPECT_EQ(nanoseconds_at(time, 900), 7U);
  time.shift = -1;
  EXPECT_EQ(nanoseconds_at(time, 1400), 107U);
}

TEST(Calendar, CountsDaysFrom1970) {
  EXPECT_EQ(days_since_1970(1970, 1, 1), 0);
  EXPECT_EQ(days_since_1970(2000, 2, 29), 11'016);
  EXPECT_EQ(days_since_1970(2000, 3, 1), 11'017);
  EXPECT_EQ(days_since_1970(2038, 1, 19), 24'855);  // the day 2^31 seconds are over
  EXPECT_EQ(days_since_1970(2100, 3, 1) - days_since_1970(2100, 2, 28), 1);
}

template <size_t Size>
std::vector<u8> octets(const char (&text)[Size]) {
  return std::vector<u8>(text, text + Size - 1);
}

TEST(AcpiDefinitions, FindTheSleepType) {
  EXPECT_EQ(acpi::find_sleep_type(octets("xx\x08_S5_\x12\x08\x04\x0a\x05\x0a\x05\x00\x00")), 5);
  EXPECT_EQ(acpi::find_sleep_type(octets("\x08_S5_\x12\x06\x04\x00\x00\x00\x00\x00")), 0);
  EXPECT_EQ(acpi::find_sleep_type(octets("\x08_S5_\x12\x06\x04\x01\x00\x00\x00\x00")), 1);
}

TEST(AcpiDefinitions, FindWherePciIsConfiguredInMemory) {
  EXPECT_EQ(acpi::find_configuration_base(octets("\x14\x0c_CBA\x00\xa4\x0c\x00\x00\x00\xe0 and more")), 0xe0000000U);
  EXPECT_EQ(acpi::find_configuration_base(octets("\x14\x10_CBA\x00\xa4\x0e\x00\x00\x00\x00\x40\x00\x00\x00")), u64{0x40} << 32);
  EXPECT_EQ(acpi::find_configuration_base(octets("\x08_CBA\x0c\x00\x00\x00\xe0 and more")), 0xe0000000U);
  EXPECT_EQ(acpi::find_configuration_base(octets("\x08_CBA\x0a\x05 and something else")), 0U);
  const auto whole = octets("\x14\x10_CBA\x00\xa4\x0e\x00\x00\x00\x00\x40\x00\x00\x00");
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<u8> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(acpi::find_configuration_base(cut), 0U) << size;
  }
}

TEST(AcpiDefinitions, FindTheMemoryWindowOfAHostBridge) {
  // Ports, a window that is not what it says, one with a translation, the one meant, another.
  const auto block = octets(
      "\x87\x17\x00\x01\x0c\x03\x00\x00\x00\x00\x00\x00\x00\xc0\xff\xff\xff\xdf\x00\x00\x00\x00\x00\x00\x00\x20"
      "\x87\x17\x00\x00\x0c\x03\x00\x00\x00\x00\x00\x00\x00\xc0\xff\xff\xff\xdf\x00\x00\x00\x00\x00\x00\x00\x10"
      "\x87\x17\x00\x00\x0c\x03\x00\x00\x00\x00\x00\x00\x00\xc0\xff\xff\xff\xdf\x00\x00\x00\x01\x00\x00\x00\x20"
      "\x87\x17\x00\x00\x0c\x03\x00\x00\x00\x00\x00\x00\x00\xc0\xff\xff\xff\xdf\x00\x00\x00\x00\x00\x00\x00\x20"
      "\x87\x17\x00\x00\x0c\x03\x00\x00\x00\x00\x00\x00\x00\xe0\xff\xff\xff\xef\x00\x00\x00\x00\x00\x00\x00\x10");
  const PhysicalRange found = acpi::find_memory_window(block);
  EXPECT_EQ(found.begin, 0xc0000000U);
  EXPECT_EQ(found.end, 0xe0000000U);
  for (size_t size = 0; size < 4 * 26; ++size) EXPECT_EQ(acpi::find_memory_window(Bytes(block).first(size)).size(), 0U) << size;
}

TEST(AcpiDefinitions, ReadNothingOutsideABrokenBlock) {
  const auto whole = octets("\x08_S5_\x12\xc8\x04\x0a\x05LNRO0005\x86\x09\x00\x01\x00\x00\xb0\xfe\x89\x06\x00\x01\x01\x0c");
  for (size_t size = 0; size <= whole.size(); ++size) {
    const std::vector<u8> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    acpi::find_sleep_type(cut);
    acpi::find_generic_events(cut);
    acpi::find_generation(cut);
    size_t position = 0;
    while (acpi::next_virtio_device(cut, position).has_value()) EXPECT_LE(position, cut.size());
  }
}

TEST(AcpiDefinitions, ListVirtioDevicesWithTheirAddressesAndLines) {
  auto block = octets(
      "\x08_HID\x0dLNRO0005\x00\x08_CRS\x11\x18\x0a\x15\x86\x09\x00\x01\x00\x0e\xb0\xfe\x00\x02\x00\x00\x89\x06\x00\x03"
      "\x01\x17\x00\x00\x00\x79\x00");
  const auto second = octets("LNRO0005 and nothing else");
  block.insert(block.end(), second.begin(), second.end());
  size_t position = 0;
  auto device = acpi::next_virtio_device(block, position);
  ASSERT_TRUE(device.has_value());
  EXPECT_EQ(device->address, 0xfeb00e00U);
  EXPECT_EQ(device->interrupt, 0x17U);
  device = acpi::next_virtio_device(block, position);
  ASSERT_TRUE(device.has_value());
  EXPECT_EQ(device->address, 0U);
  EXPECT_FALSE(acpi::next_virtio_device(block, position).has_value());
}

TEST(AcpiDefinitions, FindTheGenericEventRegister) {
  const auto found =
      acpi::find_generic_events(octets("\x5b\x80"
                                       "EREG\x00\x0c\x00\x00\xa0\xfe\x0a\x04"));
  EXPECT_TRUE(found.present());
  EXPECT_EQ(found.address, 0xfea00000U);
  EXPECT_FALSE(acpi::find_generic_events(octets("EREG")).present());
}

// As QEMU lays it out: the firmware writes the page's address behind the name.
TEST(AcpiDefinitions, find_the_generation_in_the_page_of_qemu) {
  const auto block = octets(
      "\x08VGIA\x0c\x00\xf0\xe6\x07\x10\x3d\\_SB_\x5b\x82\x36VGEN\x08_HID\x0dQEMUVGID\x00\x08_CID\x0dVM_Gen_Counter\x00"
      "\x14\x0a"
      "ADDR\x00");
  EXPECT_EQ(acpi::find_generation(block), 0x07e6f028U);
  for (size_t size = 0; size < block.size(); ++size) acpi::find_generation(Bytes(block).first(size));
}

// As Firecracker and Hyper-V have it: a package of the low and the high half.
TEST(AcpiDefinitions, find_the_generation_in_a_package) {
  const auto block = octets(
      "\x08_HID\x0d"
      "FCVMGID\x00\x08_CID\x0dVM_Gen_Counter\x00\x08"
      "ADDR\x12\x0b\x02\x0c\xf0\xef\x09\x00\x0a\x03");
  EXPECT_EQ(acpi::find_generation(block), 0x30009eff0U);
  for (size_t size = 0; size < block.size(); ++size) {
    EXPECT_EQ(acpi::find_generation(Bytes(block).first(size)), std::nullopt) << size;
  }
  EXPECT_EQ(acpi::find_generation(octets("VM_GEN_COUNTER\x08"
                                         "ADDR\x12\x06\x02\x0b\x08\x80\x00")),
            0x8008U);
}

TEST(AcpiDefinitions, take_no_generation_from_where_none_can_be) {
  const auto with = [](u32 low, u8 high) {
    auto block = octets(
        "VM_Gen_Counter\x08"
        "ADDR\x12\x0b\x02\x0c");
    for (u32 shift = 0; shift < 32; shift += 8) block.push_back(static_cast<u8>(low >> shift));
    block.insert(block.end(), {0x0b, 0, high});
    return acpi::find_generation(block);
  };
  EXPECT_EQ(with(0x1000, 0), 0x1000U);
  EXPECT_EQ(with(0, 0), std::nullopt);
  EXPECT_EQ(with(0xff8, 0), std::nullopt) << "the first page is not mapped";
  EXPECT_EQ(with(0x1004, 0), std::nullopt) << "it is aligned to 8 octets";
  EXPECT_EQ(with(0x1000, 0x3f), (u64{0x3f00} << 32) + 0x1000);
  EXPECT_EQ(with(0x1000, 0x40), std::nullopt) << "nothing of a machine's lies beyond 2^46";
  EXPECT_EQ(acpi::find_generation(octets("\x08VGIA\x0c\x00\xf0\xe6\x07")), std::nullopt) << "no such device";
  EXPECT_EQ(acpi::find_generation(octets("VM_Gen_Counter\x08VGIA\x0c\x00\x00\x00\x00")), std::nullopt)
      << "the firmware has not written it";
  EXPECT_EQ(acpi::find_generation(octets("VM_Gen_Counter\x08"
                                         "ADDR\x12\x0b\x02\x0e\x00\x10\x00\x00\x00\x00\x00\x00\x00")),
            std::nullopt)
      << "halves have 32 bits";
}

TEST(MachineGeneration, changes_when_any_octet_does) {
  std::array<u8, MachineGeneration::size> memory{1, 2, 3};
  MachineGeneration generation(memory);
  EXPECT_FALSE(generation.changed());
  for (u8& octet : memory) {
    octet ^= 0x80;
    EXPECT_TRUE(generation.changed());
    EXPECT_FALSE(generation.changed());
  }
  MachineGeneration none{Bytes()};
  EXPECT_FALSE(none.changed());
}

}  // namespace
}  // namespace samara::hal
