#include "platform/hal/boot/machine_log.h"

#include <array>

#include "platform/base/log.h"
#include "platform/hal/boot/console.h"

namespace samara::hal {
namespace {

constexpr size_t events_kept = 16;
constexpr size_t event_size = 160;

struct Event {
  std::array<char, event_size> text;
  size_t size = 0;
};

std::string_view image_name = "samara";
constinit std::array<Event, events_kept> events{};
u64 events_seen = 0;

void log_to_console(Level level, std::string_view line) {
  Event& event = events[events_seen++ % events_kept];
  event.size = std::min(line.size(), event_size);
  std::copy_n(line.begin(), event.size, event.text.begin());

  TextBuffer<max_log_line + 96> text;
  TextWriter& out = text.writer();
  out.put(image_name);
  out.put(": ");
  if (level == Level::warning) out.put("warning: ");
  if (level == Level::debug) out.put("debug: ");
  out.put(line);
  out.put('\n');
  console::write(text.view());
}

}  // namespace

void install_machine_log(std::string_view name) {
  image_name = name.substr(0, 64);
  set_log_sink(log_to_console);
}

void print(std::string_view text) {
  console::write(text);
}

void put_last_events(TextWriter& out) {
  for (u64 i = events_seen > events_kept ? events_seen - events_kept : 0; i < events_seen; ++i) {
    const Event& event = events[i % events_kept];
    out.put("  ");
    out.put(std::string_view(event.text.data(), event.size));
    out.put('\n');
  }
}

}  // namespace samara::hal
