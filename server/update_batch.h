// UpdateBatch: the loader's side of updates. Those that have arrived are applied one after the other and published together;
// then the workers hear the outcomes, and the agent which zones have changed. Outcomes that a worker has no room for wait.
//
// Order of calls: on_update() for each; then settle(), after which what could not be made durable is as it was; while
// is_changed(), a set is made and published, and on_published() says so; then send_all(), again when there is room.
#pragma once

#include <optional>
#include <vector>

#include "server/loader_messages.h"
#include "server/outbox.h"
#include "server/refusal_log.h"
#include "server/reloaded_settings.h"
#include "server/seen_updates.h"
#include "server/update_access.h"
#include "server/update_log.h"
#include "server/zone_loader.h"

namespace samara::server {

class UpdateBatch {
 public:
  // Both outlive this.
  UpdateBatch(const PrimaryConfig& config, ZoneLoader& zones)
      : config_(config), settings_(config), access_(config, settings_), zones_(zones), seen_(config.keys.size()) {}
  UpdateBatch(const UpdateBatch&) = delete;
  UpdateBatch& operator=(const UpdateBatch&) = delete;

  // Zones have these settings of their own from now on; `settings` outlives them. Comes before what depends on it.
  void use_settings(const PrimaryConfig& settings, Bytes blob) {
    settings_ = OverridesByZone(settings);
    put_settings(blob, to_all_);
  }

  // Only those, which need not wait for what is published. As send_all().
  template <class F>
  bool send_settings(u32 workers, F&& send) {
    return to_all_.send_all(workers, send);
  }

  // `wall`: by which what has come before is remembered.
  struct Times {
    Instant now;
    UnixTime wall;
  };
  void on_update(u32 worker, const UpdateRelay& update, const Times& at);
  // When there are updates to sum up in the log, and doing so.
  Instant next_line_at() const { return made_.next_deadline(); }
  void write_lines(Instant now) { made_.sum_up(now); }
  // The note says of a worker's transfer that it is to be kept the zone it reads, or no longer.
  void on_transfer_note(u32 worker, const TransferNote& note);
  // Ends a transfer when memory runs short.
  void make_room();
  // Zones that a reload has changed are told of like those of updates.
  void on_reloaded(std::span<const dns::Name> changed);
  // Zones are changed that are not published.
  bool is_changed() const { return changed_ || !unsettled_.empty() || zones_.is_set_due(); }
  // ZoneLoader::settle() with its consequences: of what was taken back nobody is told but those who asked for it, who hear
  // SERVFAIL and may ask again.
  void settle();
  void on_published() { changed_ = false; }
  // Something is to be sent.
  bool has_output() const { return !to_all_.empty() || !notes_.empty() || !outcomes_.empty() || !changed_zones_.empty(); }
  // send(u32 worker, Bytes message) -> bool. False: a worker had no room.
  template <class F>
  bool send_all(u32 workers, F&& send) {
    if (!send_settings(workers, send) || !notes_.send_all(workers, send)) return false;
    std::array<u8, max_changed_message> memory;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is sent
    while (!outcomes_.empty()) {
      ByteWriter out(memory);
      write_update_done(outcomes_.front().done, out);
      if (!send(outcomes_.front().worker, out.written())) return false;
      outcomes_.erase(outcomes_.begin());
    }
    while (!changed_zones_.empty()) {
      ByteWriter out(memory);
      begin_zones_changed(out);
      size_t count = 0;
      for (; count < changed_zones_.size() && out.remaining() >= dns::max_name_size; ++count) {
        add_changed_zone(changed_zones_[count], out);
      }
      if (!send(agent, out.written())) return false;
      changed_zones_.erase(changed_zones_.begin(), changed_zones_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return true;
  }

 private:
  static constexpr u32 agent = 0;  // the worker that sends NOTIFYs
  static constexpr size_t max_changed_message = 4096;

  struct Outcome {
    u32 worker;
    UpdateDone done;
    bool unsettled;
    std::optional<SeenUpdates::Mark> mark;
  };

  // Who was told SERVFAIL may send the same message again.
  void forget(const std::optional<SeenUpdates::Mark>& mark);
  UpdateDone decide(const UpdateRelay& update, const Times& at);
  void add_changed(const dns::Name& zone);

  const PrimaryConfig& config_;
  OverridesByZone settings_;
  UpdateAccess access_;
  ZoneLoader& zones_;
  SeenUpdates seen_;
  RefusalLog refusals_;
  UpdateLog made_;
  bool changed_ = false;              // and settled
  std::vector<dns::Name> unsettled_;  // a zone for each change
  Outbox to_all_;
  Outbox notes_;  // of transfers
  std::vector<Outcome> outcomes_;
  std::vector<dns::Name> changed_zones_;
};

}  // namespace samara::server
