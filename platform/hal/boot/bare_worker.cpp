#include "platform/hal/boot/bare_worker.h"

#include <algorithm>

#include "platform/base/log.h"
#include "platform/hal/boot/apic.h"
#include "platform/hal/boot/clock.h"
#include "platform/hal/boot/console.h"
#include "platform/hal/boot/machine_log.h"
#include "platform/hal/boot/memory.h"
#include "platform/hal/boot/power.h"
#include "platform/hal/boot/requests.h"
#include "platform/hal/link.h"
#include "platform/runtime/libc/allocator.h"

namespace samara::hal {
namespace {

// After the last frame the card is watched this long before the machine sleeps: a query that follows another at once costs no
// interrupt.
constexpr Duration watch_time = Duration::microseconds(20);
// How often a card whose interrupts nobody hears is looked at.
constexpr Duration look_interval = Duration::milliseconds(1);
constexpr Duration longest_sleep = Duration::seconds(1);
// How often the card is asked for its link.
constexpr Duration link_interval = Duration::seconds(1);
// More than this passes between two turns only where the machine was stopped.
constexpr Duration longest_turn = Duration::seconds(5);
// What is under way when the machine is told to stop gets so long to leave: a card that is well takes microseconds.
constexpr Duration longest_farewell = Duration::milliseconds(100);

[[noreturn]] void give_up(std::string_view why) {
  log(Level::error, why);
  power::end(ExitCode::unavailable);
}

}  // namespace

void BareLoader::release(size_t offset, size_t length) {
  memory::release(offset, length);
}

// The texts are not read again: their memory is the heap's from now on.
void BareLoader::forget(std::string_view part_of_blob) {
  auto* const begin = const_cast<u8*>(reinterpret_cast<const u8*>(part_of_blob.data()));
  runtime::process_heap().donate({begin, part_of_blob.size()});
}

Instant BareLoader::now() const {
  return clock::now();
}

void BareWorker::run_frames(FrameHandler& worker) {
  virtio::NetCard& card = *start_.card;
  LoaderAndWorker handler(*start_.role, *start_.loader, worker);
  ConsoleRequests requests;
  Instant now = clock::now();
  handler.prepare(start_.card->description());
  handler.start(now, start_.wall->at(now), card);
  handler_ = &worker;
  if (start_.storage != nullptr) start_.storage->use(*this);
  if (apic::route(console::interrupt_line)) console::request_interrupts();
  Instant last_frame = now;
  last_turn_ = now;
  u64 frames_seen = 0;
  Instant next_link_look = now + link_interval;
  for (;;) {
    now = clock::now();
    look_for_copies(now);
    if (stood_still_ > Duration()) now = make_up(handler);
    const bool more = handler.turn(now, start_.wall->at(now), card);
    if (more || card.counters().received != frames_seen) {
      frames_seen = card.counters().received;
      last_frame = now;
      continue;
    }
    report(handler);
    if (now >= next_link_look) {
      next_link_look = now + link_interval;
      if (const auto up = card.link_change(); up.has_value()) {
        handler.on_link_change(now, *up);
        continue;
      }
    }
    if (requests.power_off(now)) {
      log(Level::info, "told to stop");
      handler.stop(now, card);
      while (!card.all_sent() && !card.broken() && clock::now() - now < longest_farewell) {
      }
      power::end(ExitCode::good);
    }
    if (now - last_frame < watch_time) continue;
    if (card.broken()) give_up("the network card broke the rules of virtio, or asks to be reset; start the machine again");
    sleep(
        std::min({handler.next_deadline(), requests.next_look(), start_.wall->next_look(), start_.entropy_pool->next_look()}));
  }
}

void BareWorker::turn() {
  const Instant now = clock::now();
  look_for_copies(now);
  handler_->turn(now, start_.wall->at(now), *start_.card);
}

// Hypervisors do not tell a machine that they stopped it, saved it or moved it elsewhere.
void BareWorker::look_at_wall_clock(Instant now) {
  const auto reading = clock::read_wall(clock::Patience::none);
  if (!reading.has_value()) return start_.wall->skip(now);
  const auto behind = start_.wall->compare(*reading);
  if (!behind.has_value()) return;
  const bool ahead = *behind < Duration();
  log(Level::warning, "the wall clock was ", static_cast<u64>(ahead ? -behind->seconds() : behind->seconds()), " s ",
      ahead ? "ahead of" : "behind", " the machine's; it is set (was the machine paused, or its clock set?)");
  if (!ahead) stood_still_ = stood_still_ + *behind;
  renew_secrets(now);
}

// Not while the loader waits for the disk, whose time would be over.
Instant BareWorker::make_up(FrameHandler& handler) {
  clock::skip(stood_still_);
  start_.wall->on_skip(stood_still_);
  stood_still_ = {};
  last_turn_ = clock::now();
  handler.on_gap(last_turn_);
  return last_turn_;
}

// Of a machine that was saved there may be several. What one of them says next, the others, and whoever has the file, are not
// to know: neither ids nor ports, sequence numbers nor cookies.
void BareWorker::look_for_copies(Instant now) {
  const bool stopped = now - last_turn_ > longest_turn;
  last_turn_ = now;
  if (start_.generation.changed()) {
    log(Level::warning, "the machine was started from a snapshot, or copied: its secrets are new");
    renew_secrets(now);
  } else if (stopped) {
    renew_secrets(now);
  }
  if (now >= start_.wall->next_look()) look_at_wall_clock(now);
  if (now >= start_.entropy_pool->next_look() && start_.entropy_pool->look(now)) handler_->renew_secrets();
}

void BareWorker::renew_secrets(Instant now) {
  start_.entropy_pool->on_copy(now, start_.generation.number());
  handler_->renew_secrets();
}

// Says what is to be said about addresses that serve, or why nothing can.
void BareWorker::report(FrameHandler& handler) {
  for (TextBuffer<160> line; handler.poll_ready(line.writer()); line.writer().clear()) {
    print("ready ");
    print(line.view());
    print("\n");
    if (start_.measure) log(Level::info, "measure: ready after ", clock::ticks_since_entry(), " ticks");
  }
  const virtio::NetCounters& frames = start_.card->counters();
  if (start_.measure && !answered_before_ && frames.received != 0 && frames.sent != 0) {
    answered_before_ = true;
    log(Level::info, "measure: ", frames.received, " frames came and were answered before ", clock::ticks_since_entry(),
        " ticks");
  }
  TextBuffer<max_log_line> trouble;
  if (handler.poll_trouble(trouble.writer())) give_up(trouble.view());
}

void BareWorker::sleep(Instant deadline) {
  virtio::NetCard& card = *start_.card;
  if (!card.prepare_sleep()) {
    const Instant now = clock::now();
    clock::sleep_until(std::min(deadline, now + (card.device().interrupts_work() ? longest_sleep : look_interval)));
  }
  card.end_sleep();
}

void BareWorker::run_application(WorkerApplicationRef) {
  panic("this machine has a network card and no sockets: the role must use run_frames()");
}

}  // namespace samara::hal
