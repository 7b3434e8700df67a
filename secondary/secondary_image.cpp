// The secondary's image: an authoritative server whose zones come from other servers. The workers answer as the primary's do,
// and the first one asks the primaries; the loader makes zones of what they send, and keeps them in the storage.
#include <algorithm>
#include <optional>

#include "platform/base/counted.h"
#include "secondary/secondary_worker.h"
#include "secondary/zone_keeper.h"
#include "server/authoritative_image.h"
#include "server/config/changes.h"
#include "server/config/control.h"
#include "server/config/secondary_config.h"

namespace samara::secondary {
namespace {

using server::SecondaryConfig;

// A set of many zones takes its time to make; between two of them there is this many times as much for other things.
constexpr i64 rest_after_publishing = 4;

// A worker needs so much for zones that are added while it serves, up to server::max_zones of them (some 800 octets each, and
// half as much again while a table grows), and for a transfer (a message of 64 KiB and its request). Address space; memory is
// used as zones come.
constexpr u64 memory_for_zones = u64{192} << 20;
constexpr u64 memory_for_transfer = u64{128} << 10;
// And for updates that are passed on: those of the worker's clients, and in the agent those of all. A reload may be what lets
// zones take them.
constexpr u64 memory_for_updates = u64{4} << 20;

Result<SecondaryConfig, hal::Refusal> read_config(Bytes blob) {
  return server::read_role_config(blob, server::read_secondary_config);
}

class Secondary final : public hal::Role {
 public:
  Result<hal::Plan, hal::Refusal> configure(Bytes blob, const hal::Entropy& entropy) override {
    config_.emplace(TRY(read_config(blob)));
    std::copy_n(entropy.begin(), cookie_secret_.size(), cookie_secret_.begin());
    set_log_level(config_->log_level);
    hal::Plan plan = server::service_plan(*config_);
    const u32 forwards = forward_streams_of(*config_);
    plan.client_streams = std::min(config_->transfers_in.concurrent, hal::max_client_streams - forwards) + forwards;
    plan.client_datagrams = true;
    plan.worker_memory =
        memory_for_zones + plan.client_streams * memory_for_transfer + memory_for_updates + server::memory_for_settings;
    plan.zones_come = true;
    if (server::notifies_anybody(*config_)) plan.fixed_tables += server::NotifyAgent::memory();
    if (forwards != 0) plan.fixed_tables += server::PendingUpdates::memory();
    return plan;
  }

  Result<u64, hal::Refusal> load(Bytes, hal::Loader& loader) override {
    rng_.emplace(std::span<const u8>(loader.entropy()).first<crypto::Drbg::seed_size>());
    if (loader.storage() != nullptr) {
      archive_ = ZoneArchive::open(*loader.storage(), *rng_);
      if (archive_ == nullptr) log(Level::warning, "storage: nothing is kept over a restart; zones are transferred anew");
    }
    zones_.emplace(*config_, loader.region(), archive_.get(), *rng_);
    zones_->start(moment(loader));
    const auto set = zones_->next_set();
    if (!set.has_value()) {
      return fail(hal::Refusal(hal::ExitCode::bad_data, "no memory for the zones; raise limits/zone-memory"));
    }
    zones_->published(1);
    return set->root();
  }

  void serve(hal::Worker& worker) override {
    server::serve_role(worker, *config_, [&](auto seed) {
      return server::ServingWorker<SecondaryWorker>(*config_, cookie_secret_, seed, worker.region(), worker.max_streams(),
                                                    worker.client_streams());
    });
  }

  hal::Reply on_request(u32 kind, Bytes payload, hal::Loader& loader) override {
    hal::Reply reply;
    switch (static_cast<server::ControlKind>(kind)) {
      case server::ControlKind::reload: reload(payload, loader, reply); return reply;
      case server::ControlKind::retransfer: retransfer(payload, loader, reply); return reply;
    }
    tell(reply, Level::error, "control: request ", kind, " is not known");
    reply.status = static_cast<u32>(hal::ExitCode::usage);
    return reply;
  }

  void on_message(u32 worker, Bytes message, hal::Loader& loader) override {
    zones_->on_message(moment(loader), worker, message);
    if (server::kind_of(message) == server::LoaderMessage::let_go) on_released(loader);
  }

  // Zones that came together are published together, and archived when they are served.
  Instant next_deadline() override {
    if (!zones_.has_value()) return Instant::never();
    Instant next = zones_->next_deadline();
    if (zones_->is_changed()) next = std::min(next, publish_again_at_);
    if (zones_->has_work() || (zones_->has_output() && !waits_for_room_)) next = Instant();
    return next;
  }

  void on_deadline(hal::Loader& loader) override {
    waits_for_room_ = false;
    if (zones_->is_changed() && loader.now() >= publish_again_at_) publish(loader);
    send(loader);
    const Moment at = moment(loader);
    if (zones_->has_work() || at.now >= zones_->next_deadline()) zones_->work(at);
  }

  void on_released(hal::Loader& loader) override {
    zones_->release_before(loader.oldest_in_use(), [&](zone::Extent extent) { loader.release(extent.offset, extent.size); });
  }

 private:
  template <class... Pieces>
  static void tell(hal::Reply& reply, Level level, const Pieces&... pieces) {
    TextBuffer<max_log_line> line;
    (put_piece(line.writer(), pieces), ...);
    log_line(level, line.view());
    reply.payload.insert(reply.payload.end(), line.view().begin(), line.view().end());
    reply.payload.push_back('\n');
  }

  void reload(Bytes payload, hal::Loader& loader, hal::Reply& reply) {
    const auto config = read_config(payload);
    if (!config.ok()) {
      tell(reply, Level::error, config.error().text(), "; nothing was changed");
      reply.status = static_cast<u32>(config.error().code());
      return;
    }
    // Zones name keys by their place in the list.
    if (config.value().keys != config_->keys) {
      tell(reply, Level::error, "keys have changed: they take effect when the server is started again; nothing was changed");
      reply.status = static_cast<u32>(hal::ExitCode::bad_data);
      return;
    }
    TextBuffer<256> changes;
    server::write_fixed_changes(*config_, config.value(), changes.writer());
    if (!changes.view().empty()) {
      tell(reply, Level::warning, "only zones are reloaded; ", changes.view(),
           " will be as they are now in the manifest when the server is started again");
    }
    const size_t lost = zones_->reload(moment(loader), config.value().zones);
    if (lost != 0) {
      tell(reply, Level::error, Counted{lost, "zone"},
           " are not followed at the primaries of the manifest, and stay as they were: ",
           "too many different primaries have been named since the start; start the server again");
    }
    publish(loader);
    send(loader);
  }

  void retransfer(Bytes payload, hal::Loader& loader, hal::Reply& reply) {
    ByteReader at(payload);
    const auto zone = dns::Name::from_wire(at);
    if (!zone.ok() || at.remaining() != 0) {
      tell(reply, Level::error, "control: a retransfer wants the name of a zone");
      reply.status = static_cast<u32>(hal::ExitCode::usage);
    } else if (!zones_->retransfer(zone.value())) {
      tell(reply, Level::error, "zone ", zone.value(), ": not followed; it cannot be transferred again");
      reply.status = static_cast<u32>(hal::ExitCode::bad_data);
    } else {
      tell(reply, Level::info, "zone ", zone.value(), ": is transferred again, whatever its serial");
      send(loader);
    }
  }

  static Moment moment(const hal::Loader& loader) { return {loader.now(), loader.wall()}; }

  // Without memory for a set of zones it is tried again: what old sets hold may soon be free.
  void publish(hal::Loader& loader) {
    const Instant begin = loader.now();
    const auto set = zones_->next_set();
    if (!set.has_value()) {
      log(Level::error, "zones: no memory to serve what has changed; raise limits/zone-memory");
      publish_again_at_ = begin + Duration::seconds(1);
      return;
    }
    zones_->published(loader.publish(set->root()));
    publish_again_at_ = loader.now() + (loader.now() - begin) * rest_after_publishing;
  }

  void send(hal::Loader& loader) {
    // The loader asks again when there is room.
    waits_for_room_ =
        !zones_->send_all(loader.workers(), [&](u32 worker, Bytes message) { return loader.send(worker, message); });
  }

  std::optional<SecondaryConfig> config_;
  std::optional<crypto::Drbg> rng_;
  std::unique_ptr<ZoneArchive> archive_;
  std::optional<ZoneKeeper> zones_;
  bool waits_for_room_ = false;  // of a worker's messages
  Instant publish_again_at_;
  server::ServerCookies::Secret cookie_secret_{};
};

}  // namespace
}  // namespace samara::secondary

extern "C" int main(int argc, char** argv) {
  samara::secondary::Secondary role;
  return samara::hal::run(argc, argv, "samara", role);
}
