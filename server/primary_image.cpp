// The primary's image: what an authoritative server is made of. The loader turns the boot configuration's zone texts into a set
// of zones in shared memory; each worker answers from it.
#include <algorithm>
#include <optional>

#include "server/authoritative_image.h"
#include "server/config/changes.h"
#include "server/config/control.h"
#include "server/config/primary_config.h"
#include "server/primary_worker.h"
#include "server/update_batch.h"
#include "server/zone_loader.h"
#include "zone/signature_times.h"
#include "zone/store/zone_archive.h"

namespace samara::server {
namespace {

Result<PrimaryConfig, hal::Refusal> read_config(Bytes blob) {
  return read_role_config(blob, read_primary_config);
}

void log_load(void*, Level level, std::string_view line) {
  log_line(level, line);
}

// For a reload the lines go to the log, and what is wrong back to whoever asked: with a hundred thousand zones the first of it.
constexpr size_t max_reply_text = 16'384;

struct ReplyText {
  std::vector<u8>& payload;
  u32 left_out = 0;

  void put(std::string_view line) {
    payload.insert(payload.end(), line.begin(), line.end());
    payload.push_back('\n');
  }
};

void log_and_reply(void* context, Level level, std::string_view line) {
  log_line(level, line);
  if (level != Level::error && level != Level::warning) return;
  auto& reply = *static_cast<ReplyText*>(context);
  if (reply.payload.size() + line.size() > max_reply_text) {
    ++reply.left_out;
  } else {
    reply.put(line);
  }
}

// The last line is for whoever wants no more than that.
void sum_up(const ZoneLoader& zones, size_t changed, ReplyText& reply) {
  TextBuffer<128> text;
  TextWriter& out = text.writer();
  if (reply.left_out != 0) {
    out.put("and ");
    out.put(reply.left_out);
    out.put(" more lines in the log");
    reply.put(text.view());
    out.clear();
  }
  const size_t configured = zones.zones_configured();
  const size_t without_data = configured - zones.zones_served();
  put_piece(out, configured);
  out.put(configured == 1 ? " zone, " : " zones, ");
  put_piece(out, changed);
  out.put(" changed");
  if (without_data != 0) {
    out.put(", ");
    put_piece(out, without_data);
    out.put(" without data");
  }
  reply.put(text.view());
}

class Primary final : public hal::Role {
 public:
  Result<hal::Plan, hal::Refusal> configure(Bytes blob, const hal::Entropy& entropy) override {
    config_.emplace(TRY(read_config(blob)));
    std::copy_n(entropy.begin(), cookie_secret_.size(), cookie_secret_.begin());
    set_log_level(config_->log_level);
    hal::Plan plan = service_plan(*config_);
    plan.client_datagrams = notifies_anybody(*config_);
    if (plan.client_datagrams) plan.fixed_tables += NotifyAgent::memory();
    plan.zones_grow = UpdateAccess::is_needed(*config_);
    if (plan.zones_grow) plan.fixed_tables += PendingUpdates::memory() + SeenUpdates::memory();
    // A reload may bring settings, and with them the first zone that takes updates; a worker gets no memory by then.
    plan.worker_memory = memory_for_settings + PendingUpdates::memory() + SeenUpdates::memory();
    return plan;
  }

  Result<u64, hal::Refusal> load(Bytes, hal::Loader& loader) override {
    if (loader.storage() != nullptr) {
      rng_.emplace(std::span<const u8>(loader.entropy()).first<crypto::Drbg::seed_size>());
      archive_ = zone::store::ZoneArchive::open(*loader.storage(), *rng_);
      // Without the updates it has confirmed it would serve what was, under serials that secondaries have left behind.
      if (archive_ == nullptr) {
        return fail(hal::Refusal(hal::ExitCode::bad_data,
                                 "storage: cannot be used, and updates may be kept there; not started without them"));
      }
    }
    crypto::SipHashKey text_key{};
    std::ranges::copy(std::span(loader.entropy()).last<sizeof text_key>(), text_key.begin());
    zones_.emplace(loader.region(), archive_.get(), text_key);
    LoadReport report(log_load, nullptr);
    const auto set = zones_->load(*config_, loader.wall(), report);
    // The zones made of the texts are in the region; the texts are not read again.
    for (const ZoneSource& zone : config_->zones) {
      for (const ZoneFile& file : zone.files) loader.forget(file.text);
    }
    if (!set.has_value() || (zones_->zones_served() == 0 && zones_->zones_configured() != 0)) {
      return fail(hal::Refusal(hal::ExitCode::bad_data, "no zone could be loaded"));
    }
    zones_->published(1);
    look_at_signatures_at_ = loader.now() + zone::signatures_looked_at_every;
    updates_.emplace(*config_, *zones_);
    return set->root();
  }

  void serve(hal::Worker& worker) override {
    serve_role(worker, *config_, [&](auto seed) {
      return ServingWorker<PrimaryWorker>(*config_, cookie_secret_, seed, worker.region(), worker.max_streams(),
                                          worker.client_datagrams());
    });
  }

  void on_region_end(size_t octets) override { zones_->end_memory_at(octets); }

  hal::Reply on_request(u32 kind, Bytes payload, hal::Loader& loader) override {
    hal::Reply reply;
    ReplyText text{reply.payload};
    LoadReport report(log_and_reply, &text);
    if (kind != static_cast<u32>(ControlKind::reload)) {
      report.line(Level::error, "control: request ", kind, " is not known");
      reply.status = static_cast<u32>(hal::ExitCode::usage);
      return reply;
    }
    const auto config = read_config(payload);
    if (!config.ok()) {
      report.line(Level::error, config.error().text(), "; nothing was changed");
      reply.status = static_cast<u32>(config.error().code());
      return reply;
    }
    TextBuffer<256> changes;
    write_fixed_changes(*config_, config.value(), changes.writer());
    if (!changes.view().empty()) {
      report.line(Level::warning, "only zones are reloaded; ", changes.view(),
                  " will be as they are now in the manifest when the server is started again");
    }
    take_settings(config.value(), report);
    // Before there are zones that they hold for. Settings that find no room follow with what is sent next.
    updates_->send_settings(loader.workers(), [&](u32 worker, Bytes message) { return loader.send(worker, message); });
    // Changes by updates are served, and answered, before the room for them is given to what the reload brings.
    publish(loader);
    struct Context {
      Primary& role;
      hal::Loader& loader;
    } context{*this, loader};
    const zone::Pause pause{.call =
                                [](void* of) {
                                  auto& [role, machine] = *static_cast<Context*>(of);
                                  machine.take_turn();
                                  role.publish(machine);
                                },
                            .context = &context};
    const auto set = zones_->load(config.value(), loader.wall(), report, pause);
    if (set.has_value()) {
      zones_->published(loader.publish(set->root()));
      updates_->on_published();
      const std::vector<dns::Name> changed = zones_->take_changed();
      updates_->on_reloaded(changed);
      sum_up(*zones_, changed.size(), text);
      send(loader);
    }
    if (report.errors() != 0) reply.status = static_cast<u32>(hal::ExitCode::bad_data);
    return reply;
  }

  void on_message(u32 worker, Bytes message, hal::Loader& loader) override {
    if (const auto note = read_transfer_note(message); note.has_value()) {
      updates_->on_transfer_note(worker, *note);
      return on_released(loader);
    }
    if (kind_of(message) != LoaderMessage::update) return;
    if (const auto update = read_update(message); update.has_value()) {
      updates_->on_update(worker, *update, {.now = loader.now(), .wall = loader.wall()});
    }
  }

  // Updates that came together are published together, and answered when the zones they made are served.
  Instant next_deadline() override {
    if (!updates_.has_value()) return Instant::never();
    if (zones_->has_work()) return Instant();
    const Instant later = std::min(look_at_signatures_at_, updates_->next_line_at());
    if (waits_for_room_ || !(updates_->is_changed() || updates_->has_output())) return later;
    return std::min(publish_again_at_, later);
  }

  void on_deadline(hal::Loader& loader) override {
    waits_for_room_ = false;
    updates_->make_room();
    // No verdict goes out before what it speaks of is served.
    if (!updates_->is_changed() || (loader.now() >= publish_again_at_ && publish(loader))) send(loader);
    if (zones_->has_work()) zones_->work();
    updates_->write_lines(loader.now());
    if (loader.now() < look_at_signatures_at_) return;
    zones_->look_at_signatures(loader.wall());
    look_at_signatures_at_ = loader.now() + zone::signatures_looked_at_every;
  }

  void on_released(hal::Loader& loader) override {
    zones_->release_before(loader.oldest_in_use(), [&](zone::Extent extent) { loader.release(extent.offset, extent.size); });
  }

 private:
  // Zones may have settings of their own. They name keys by their place in the list.
  void take_settings(const PrimaryConfig& reloaded, LoadReport& report) {
    if (reloaded.keys != config_->keys) {
      report.line(Level::warning, "keys have changed: what zones have of their own stays as it was");
      return;
    }
    auto blob = blob_of_settings(*config_, reloaded.zones, reloaded.catalogs, write_primary_config);
    if (settings_blob_.empty()) {
      settings_blob_ =
          blob_of_settings(*config_, config_->zones, config_->catalogs, write_primary_config).value_or(std::vector<u8>());
    }
    if (!blob.has_value()) {
      report.line(Level::error, "zones have more settings of their own than a reload can bring (expected at most ",
                  max_settings, " octets of them); they stay as they were until the server is started again");
      return;
    }
    if (*blob == settings_blob_) return;
    const PrimaryConfig* settings = settings_.take(*blob);
    if (settings == nullptr) {
      report.line(Level::error, "what zones have of their own cannot be handed to the workers; it stays as it was");
      return;
    }
    updates_->use_settings(*settings, *blob);
    settings_blob_ = std::move(*blob);
  }

  // False: no memory for a set of zones; what old sets hold may soon be free.
  bool publish(hal::Loader& loader) {
    updates_->settle();
    if (!updates_->is_changed()) return true;
    const auto set = zones_->next_set();
    if (!set.has_value()) {
      log(Level::error, "zones: no memory to serve what updates have changed; raise limits/zone-memory");
      publish_again_at_ = loader.now() + Duration::seconds(1);
      return false;
    }
    publish_again_at_ = Instant();
    zones_->published(loader.publish(set->root()));
    updates_->on_published();
    return true;
  }

  void send(hal::Loader& loader) {
    // The loader asks again when there is room.
    waits_for_room_ =
        !updates_->send_all(loader.workers(), [&](u32 worker, Bytes message) { return loader.send(worker, message); });
  }

  std::optional<PrimaryConfig> config_;
  std::optional<crypto::Drbg> rng_;
  std::unique_ptr<zone::store::ZoneArchive> archive_;
  std::optional<ZoneLoader> zones_;
  std::optional<UpdateBatch> updates_;
  ReloadedSettings<PrimaryConfig> settings_{read_primary_config};
  std::vector<u8> settings_blob_;  // that the workers have; empty before the first reload: what they started with
  bool waits_for_room_ = false;    // of a worker's messages
  Instant publish_again_at_;
  Instant look_at_signatures_at_;
  ServerCookies::Secret cookie_secret_{};
};

}  // namespace
}  // namespace samara::server

extern "C" int main(int argc, char** argv) {
  samara::server::Primary role;
  return samara::hal::run(argc, argv, "samara", role);
}
