// ConfiguredRole: what the roles of test images are alike in. They are configured as a primary is, have no zones, and their
// worker runs one application, over sockets or frames.
#pragma once

#include <optional>

#include "platform/codec/device_tree.h"
#include "platform/crypto/drbg.h"
#include "platform/hal/hal.h"
#include "platform/runtime/frame_loop.h"
#include "server/config/primary_config.h"

namespace samara::test {

class ConfiguredRole : public hal::Role {
 public:
  Result<hal::Plan, hal::Refusal> configure(Bytes blob, const hal::Entropy& /*entropy*/) override {
    const auto tree = codec::DeviceTree::open(blob);
    if (!tree.ok()) return fail(hal::Refusal(hal::ExitCode::bad_data, codec::describe(tree.error())));
    auto config = server::read_primary_config(tree.value());
    if (!config.ok()) return fail(hal::Refusal(hal::ExitCode::bad_data, config.error()));
    config_.emplace(std::move(config).value());
    hal::Plan plan;
    plan.listen = config_->listen;
    plan.workers = config_->workers;
    plan.max_streams = config_->limits.tcp_clients;
    plan.user_id = config_->user;
    plan.group_id = config_->group;
    if (config_->network) plan.link = runtime::link_plan(*config_->network);
    return plan;
  }
  Result<u64, hal::Refusal> load(Bytes, hal::Loader&) override { return u64{1}; }
  hal::Reply on_request(u32, Bytes, hal::Loader&) override { return {}; }
  void on_released(hal::Loader&) override {}

 protected:
  // `observe` is shown the loop before it runs; with sockets there is none.
  template <class Application, class Observe>
  [[noreturn]] void run(hal::Worker& worker, Application& application, Observe observe) {
    if (!worker.has_link()) worker.run(application);
    crypto::Drbg rng(std::span<const u8>(worker.entropy()).first<crypto::Drbg::seed_size>());
    const runtime::NetworkConfig network = config_->network.value_or(runtime::NetworkConfig{});
    runtime::FrameLoop loop(network, worker.max_streams(), hal::WorkerApplicationRef(application), rng,
                            {.streams = worker.client_streams(), .datagrams = worker.client_datagrams()});
    observe(loop);
    worker.run_frames(loop);
  }

 private:
  std::optional<server::PrimaryConfig> config_;
};

}  // namespace samara::test
