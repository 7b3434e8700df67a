// run(): from main() to the loader and its workers, in the order hal.h promises.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>

#include "platform/hal/hal.h"
#include "platform/hal/linux/boot_blob.h"
#include "platform/hal/linux/confinement.h"
#include "platform/hal/linux/control_stream.h"
#include "platform/hal/linux/entropy.h"
#include "platform/hal/linux/file_storage.h"
#include "platform/hal/linux/listen_sockets.h"
#include "platform/hal/linux/loader_process.h"
#include "platform/hal/linux/message_lanes.h"
#include "platform/hal/linux/process_log.h"
#include "platform/hal/linux/shared_state.h"
#include "platform/hal/linux/system_error.h"
#include "platform/hal/linux/worker_process.h"

namespace samara::hal {
namespace {

struct Options {
  int config_fd = 3;
  std::optional<int> control_fd;
  std::optional<int> storage_fd;
};

constexpr std::string_view usage = "usage: [--config-fd N] [--control-fd N] [--storage-fd N]  (docs/linux-target.md)";
constexpr u64 max_descriptor_number = 1'000'000;

Result<Options, Refusal> read_options(std::span<char* const> arguments) {
  Options options;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name != "--config-fd" && name != "--control-fd" && name != "--storage-fd") {
      return fail(Refusal(ExitCode::usage, "unknown option ", name, "; ", usage));
    }
    ++i;
    const auto value = i < arguments.size() ? parse_decimal(arguments[i], max_descriptor_number) : std::nullopt;
    if (!value.has_value()) return fail(Refusal(ExitCode::usage, name, ": a descriptor number is expected; ", usage));
    const int fd = static_cast<int>(*value);
    if (name == "--config-fd") {
      options.config_fd = fd;
    } else if (name == "--control-fd") {
      options.control_fd = fd;
    } else {
      options.storage_fd = fd;
    }
  }
  return options;
}

Result<void, Refusal> check(const Plan& plan) {
  if (!plan.link.has_value() && (plan.listen.empty() || plan.listen.size() > max_listen_endpoints)) {
    return fail(Refusal(ExitCode::bad_data, "1 to ", max_listen_endpoints, " addresses to listen on are expected, not ",
                        plan.listen.size()));
  }
  if (plan.workers == 0 || plan.workers > max_workers) {
    return fail(Refusal(ExitCode::bad_data, "1 to ", max_workers, " workers are expected, not ", plan.workers));
  }
  if (plan.max_streams == 0 || plan.max_streams > max_streams_limit) {
    return fail(Refusal(ExitCode::bad_data, "1 to ", max_streams_limit, " TCP connections per worker are expected, not ",
                        plan.max_streams));
  }
  if (plan.client_streams > max_client_streams) {
    return fail(Refusal(ExitCode::bad_data, "at most ", max_client_streams, " connections to others are expected, not ",
                        plan.client_streams));
  }
  if (plan.link.has_value() && plan.link->kind == LinkPlan::Kind::xdp && (plan.client_streams != 0 || plan.client_datagrams)) {
    return fail(Refusal(ExitCode::bad_data,
                        "network: mode xdp: only packets to what is listened on arrive there, and this image asks others; use "
                        "mode sockets or tap"));
  }
  if (plan.region_size == 0) return fail(Refusal(ExitCode::bad_data, "the region for zones has no size"));
  return {};
}

// Signals come as data from a descriptor, so that nothing interrupts the loader's work; a closed pipe is an error code.
Result<Descriptor, Refusal> take_signals_over() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);  // reloading is a control request
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  Descriptor fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.open()) return fail(Refusal(ExitCode::unavailable, "signals: ", SystemError{}));
  return fd;
}

// Descriptors of the process that binds for all, or of a worker with all its connections and one that wants in, whichever is
// more.
u32 descriptors_needed(const Plan& plan) {
  constexpr u32 others = 32;
  const u32 sockets = 2 * static_cast<u32>(plan.listen.size());
  const u32 clients = 2 * plan.client_streams + 2;
  return others + std::max(sockets * plan.workers + plan.workers, sockets + plan.max_streams + 1 + clients + plan.workers);
}

Result<std::optional<FileStorage>, Refusal> open_storage(const Plan& plan, const Options& options) {
  if (!plan.storage) {
    if (options.storage_fd.has_value()) Descriptor unused(*options.storage_fd);
    return std::optional<FileStorage>();
  }
  if (!options.storage_fd.has_value()) {
    return fail(Refusal(ExitCode::unavailable,
                        "no storage: the configuration asks for it; start this image with `samara run`, or pass a file of the "
                        "size wanted: --storage-fd 5 5<>FILE"));
  }
  return std::optional<FileStorage>(TRY(FileStorage::adopt(*options.storage_fd)));
}

Result<ExitCode, Refusal> start(std::span<char* const> arguments, Role& role) {
  Options options = TRY(read_options(arguments));
  BootBlob blob = TRY(BootBlob::read(options.config_fd));
  const Entropy shared_entropy = TRY(take_entropy());
  const Plan plan = TRY(role.configure(blob.bytes(), shared_entropy));
  TRY(check(plan));
  for (std::optional<int>* given : {&options.control_fd, &options.storage_fd}) {
    if (*given == loader_wake_fd) *given = ::fcntl(loader_wake_fd, F_DUPFD_CLOEXEC, loader_wake_fd + 1);
  }
  TRY(make_loader_wake());

  MessageLanes lanes = TRY(MessageLanes::create(plan.workers));
  LoaderProcess::Start loader{.state = nullptr,
                              .lanes = &lanes,
                              .blob = &blob,
                              .workers = {},
                              .listen = {},
                              .signals = TRY(take_signals_over()),
                              .control = std::nullopt,
                              .storage = TRY(open_storage(plan, options)),
                              .entropy = TRY(take_entropy())};
  if (options.control_fd.has_value()) loader.control = TRY(ControlStream::adopt(*options.control_fd, plan.max_request));
  TRY(reserve_descriptors(descriptors_needed(plan)));
  std::vector<ListenSockets> sockets(plan.workers);
  std::vector<std::unique_ptr<FrameDevice>> devices(plan.workers);
  if (plan.link.has_value()) {
    devices = TRY(open_frame_devices(*plan.link, plan.workers));  // its workers say themselves when they are ready
  } else {
    sockets = TRY(bind_listen_sockets(plan.listen, plan.workers));
    for (const ListenSocket& socket : sockets.front().datagram) loader.listen.push_back(socket.local);
  }
  SharedState state = TRY(SharedState::create(plan.region_size));
  loader.state = &state;
  TRY(drop_privileges(plan.user_id, plan.group_id));

  const pid_t self = ::getpid();
  for (u32 i = 0; i < plan.workers; ++i) {
    Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake.open()) return fail(Refusal(ExitCode::unavailable, "eventfd: ", SystemError{}));
    const pid_t child = ::fork();
    if (child < 0) return fail(Refusal(ExitCode::unavailable, "cannot start worker ", i, ": ", SystemError{}));
    if (child == 0) {
      if (!blob.make_read_only()) ::_exit(static_cast<int>(ExitCode::our_bug));
      const int wake_fd = wake.get();
      ListenSockets own = std::move(sockets[i]);
      std::unique_ptr<FrameDevice> device = std::move(devices[i]);
      sockets.clear();  // the other workers' are theirs alone
      devices.clear();
      loader.signals.close();
      loader.control.reset();
      loader.storage.reset();
      WorkerProcess::live({.index = i,
                           .max_streams = plan.max_streams,
                           .client_streams = i == 0 ? plan.client_streams : 0,
                           .client_datagrams = i == 0 && plan.client_datagrams,
                           .memory = plan.worker_memory,
                           .loader = self,
                           .wake = wake_fd,
                           .sockets = std::move(own),
                           .device = std::move(device),
                           .state = &state,
                           .lanes = &lanes},
                          role);
    }
    loader.workers.push_back({.process = child, .wake = std::move(wake)});
  }
  sockets.clear();
  devices.clear();
  std::optional<LoaderProcess> process = TRY(LoaderProcess::create(std::move(loader)));
  // Nothing is unmade: giving things back could need calls that are forbidden by now, and the system does it anyway.
  ::_exit(static_cast<int>(process->run(role)));
}

}  // namespace

int run(int argc, char** argv, std::string_view name, Role& role) {
  install_process_log(name);
  const auto result = start(std::span<char* const>(argv, static_cast<size_t>(argc)), role);
  if (result.ok()) return static_cast<int>(result.value());
  log(Level::error, result.error().text());
  return static_cast<int>(result.error().code());
}

}  // namespace samara::hal
