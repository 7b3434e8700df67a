#include "platform/hal/boot/console.h"

#include <algorithm>

#include "platform/base/text_writer.h"
#include "platform/hal/boot/cpu.h"

namespace samara::hal::console {
namespace {

constexpr u16 port = 0x3f8;
constexpr u16 data = port;
constexpr u16 interrupt_enable = port + 1;
constexpr u16 fifo_control = port + 2;
constexpr u16 line_control = port + 3;
constexpr u16 modem_control = port + 4;
constexpr u16 line_status = port + 5;

constexpr u8 status_data_ready = 0x01;
constexpr u8 status_transmitter_empty = 0x20;
constexpr u8 status_absent = 0xff;
constexpr u32 fifo_size = 16;
// At 115,200 baud a full FIFO takes 1.4 ms; reading the port takes about a microsecond.
constexpr u32 patience = 10'000;
constexpr u64 rest_after_patience = 100;
// Ticks of the time-stamp counter, a second or two: the host may have stopped the machine while it waited.
constexpr u64 longest_rest = u64{1} << 32;

bool present = false;
u32 room = 0;         // octets the FIFO takes without being asked
u64 tries_again = 0;  // the time-stamp counter's value from which a port that was stuck is tried again; 0: it is not stuck
u64 dropped = 0;      // lines, or what is left of them, since it was stuck

// False: the port takes nothing.
bool put(char c) {
  if (room == 0) {
    const u64 begin = read_tsc();
    u32 left = patience;
    while ((in8(line_status) & status_transmitter_empty) == 0) {
      if (--left != 0) continue;
      const u64 now = read_tsc();
      tries_again = now + std::min((now - begin) * rest_after_patience, longest_rest);
      return false;
    }
    room = fifo_size;
  }
  --room;
  out8(data, static_cast<u8>(c));
  return true;
}

bool put_all(std::string_view text) {
  for (const char c : text) {
    if (c == '\n' && !put('\r')) return false;
    if (!put(c)) return false;
  }
  return true;
}

// Whether a port that was stuck works again, and has said what it did not write.
bool is_free_again() {
  if (read_tsc() < tries_again || (in8(line_status) & status_transmitter_empty) == 0) return false;
  TextBuffer<96> note;
  note.writer().put("\n(");
  note.writer().put(dropped);
  note.writer().put(" lines were not written: nobody read them)\n");
  tries_again = 0;
  if (!put_all(note.view())) return false;
  dropped = 0;
  return true;
}

}  // namespace

void start() {
  present = in8(line_status) != status_absent;
  if (!present) return;
  out8(interrupt_enable, 0);
  out8(line_control, 0x80);  // the divisor: 115,200 baud
  out8(data, 1);
  out8(interrupt_enable, 0);
  out8(line_control, 0x03);  // 8 bits, no parity, 1 stop bit
  out8(fifo_control, 0x07);  // on, emptied, an interrupt for each octet
  out8(modem_control, 0x0b);
  room = 0;
}

void write(std::string_view text) {
  if (!present) return;
  if (tries_again != 0 && !is_free_again()) {
    ++dropped;
    return;
  }
  if (!put_all(text)) ++dropped;
}

bool read(char& into) {
  if (!present || (in8(line_status) & status_data_ready) == 0) return false;
  into = static_cast<char>(in8(data));
  return true;
}

void request_interrupts() {
  if (present) out8(interrupt_enable, 0x01);
}

}  // namespace samara::hal::console
