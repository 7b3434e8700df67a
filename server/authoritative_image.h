// The images of all authoritative roles have this in common, besides their libraries. For *_image.cpp only: it knows the
// machine.
#pragma once

#include "platform/codec/device_tree.h"
#include "platform/crypto/drbg.h"
#include "platform/hal/hal.h"
#include "platform/runtime/frame_loop.h"
#include "server/config/blob_checksum.h"
#include "server/config/service_config.h"
#include "zone/memory.h"
#include "zone/store/format.h"

namespace samara::server {

// One worker and how it hears of new zones.
template <class RoleWorker>
class ServingWorker : public RoleWorker {
 public:
  using RoleWorker::RoleWorker;
  void on_publication(Instant, hal::Publication publication) {
    this->use_zones(static_cast<zone::Ref>(publication.root), publication.generation);
  }
};

// `read`: read_primary_config and the like.
template <class RoleConfig>
Result<RoleConfig, hal::Refusal> read_role_config(Bytes blob,
                                                  Result<RoleConfig, ConfigError> (*read)(const codec::DeviceTree&)) {
  const auto tree = codec::DeviceTree::open(blob);
  if (!tree.ok()) return fail(hal::Refusal(hal::ExitCode::bad_data, "boot configuration: ", codec::describe(tree.error())));
  if (!is_intact(tree.value())) {
    return fail(hal::Refusal(hal::ExitCode::bad_data,
                             "boot configuration: it is damaged: its checksum is another; compile it again, and look at where "
                             "it was kept"));
  }
  auto config = read(tree.value());
  if (!config.ok()) return fail(hal::Refusal(hal::ExitCode::bad_data, "boot configuration: ", config.error()));
  return std::move(config).value();
}

inline hal::Plan service_plan(const ServiceConfig& config) {
  hal::Plan plan;
  plan.listen = config.listen;
  plan.workers = config.workers;
  plan.max_streams = config.streams_per_worker();
  plan.region_size = config.limits.zone_memory;
  if (config.network) plan.link = runtime::link_plan(*config.network);
  plan.storage = config.storage.has_value();
  plan.storage_signature = zone::store::signature;
  plan.user_id = config.user;
  plan.group_id = config.group;
  return plan;
}

// Runs what make(seed) gives, a ServingWorker, over sockets or frames. It and the stack draw from generators of their own,
// seeded by one.
template <class Make>
[[noreturn]] void serve_role(hal::Worker& worker, ServiceConfig& config, Make&& make) {
  crypto::Drbg seeds(std::span<const u8>(worker.entropy()).first<crypto::Drbg::seed_size>());
  std::array<u8, crypto::Drbg::seed_size> seed{};
  seeds.fill(seed);
  config.fit_tables(worker.max_streams());
  auto app = make(std::span<const u8, crypto::Drbg::seed_size>(seed));
  if (!worker.has_link()) worker.run(app);
  const runtime::NetworkConfig network = config.network.value_or(runtime::NetworkConfig{});
  runtime::FrameLoop loop(network, worker.max_streams(), hal::WorkerApplicationRef(app), seeds,
                          {.streams = worker.client_streams(), .datagrams = worker.client_datagrams()});
  worker.run_frames(loop);
  panic("a worker's loop returned");  // g++ does not believe in a virtual function that does not return
}

}  // namespace samara::server
