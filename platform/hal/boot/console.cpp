#include "platform/hal/boot/console.h"

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

bool present = false;
u32 room = 0;  // octets the FIFO takes without being asked

void put(char c) {
  if (room == 0) {
    u32 left = patience;
    while ((in8(line_status) & status_transmitter_empty) == 0) {
      if (--left == 0) return;
    }
    room = fifo_size;
  }
  --room;
  out8(data, static_cast<u8>(c));
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
  for (const char c : text) {
    if (c == '\n') put('\r');
    put(c);
  }
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
