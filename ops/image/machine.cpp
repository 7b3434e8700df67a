#include "ops/image/machine.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <deque>
#include <system_error>

#include "ops/boot_blob.h"
#include "ops/image/back_off.h"
#include "ops/image/boot_file.h"
#include "ops/image/crash_report.h"
#include "ops/image/machine_link.h"
#include "ops/image/signals.h"
#include "ops/image/spawn.h"
#include "ops/image/stop_request.h"
#include "ops/image/storage_file.h"
#include "ops/text_of.h"
#include "ops/yaml/network.h"
#include "server/config/blob_checksum.h"

namespace samara::ops {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int module_fd = 3;
constexpr int disk_fd = 4;
constexpr int tap_fd = 5;
constexpr std::string_view tap_prefix = "tap:";
constexpr std::string_view bridge_prefix = "bridge:";
constexpr size_t lines_kept = 40;  // shown when the machine ends badly
constexpr std::string_view ready = "ready ";

// What follows the prefix.
std::optional<std::string> after(const std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return {};
  return text.substr(prefix.size());
}

// A descriptor as the program that has it can open it.
std::string path_of(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

struct MachineEnd {
  ExitCode code = ExitCode::good;
  ProcessEnd process{};
  bool was_ready = false;
  bool was_asked = false;
};

class Machine {
 public:
  Machine(const MachineOptions& options, std::vector<Endpoint> forwards, pid_t pid, const Descriptor& signals, Descriptor input,
          Descriptor console, const Descriptor& output)
      : options_(options),
        forwards_(std::move(forwards)),
        pid_(pid),
        signals_(signals),
        input_(std::move(input)),
        console_(std::move(console)),
        output_(output) {}

  MachineEnd run() {
    for (;;) {
      wait();
      read_signals();
      read_console();
      ProcessEnd end;
      if (::wait4(pid_, &end.status, WNOHANG, &end.use) == pid_) {
        while (read_console()) {
        }
        return {ended(end.status), end, was_ready_, stop_.is_asked()};
      }
      if (stop_.is_too_late(Clock::now())) {
        complain("the image did not turn its power off in time and is ended");
        ::kill(pid_, SIGKILL);
      }
    }
  }

 private:
  void wait() {
    std::array<pollfd, 2> watched{};
    watched[0] = {signals_.get(), POLLIN, 0};
    watched[1] = {console_.get(), POLLIN, 0};
    int timeout = -1;
    if (const auto deadline = stop_.deadline()) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - Clock::now());
      timeout = static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count())) + 1;
    }
    ::poll(watched.data(), watched.size(), timeout);
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGHUP) complain("a machine takes new zones when it is started again");
      if (!is_stop(info.ssi_signo)) continue;
      const StopRequest::Then then = stop_.on_signal(Clock::now());
      if (then == StopRequest::Then::end) ::kill(pid_, SIGKILL);
      if (then != StopRequest::Then::ask) continue;
      constexpr std::string_view request = "power off\n";
      if (::write(input_.get(), request.data(), request.size()) < 0) ::kill(pid_, SIGTERM);
    }
  }

  // False: nothing more there now.
  bool read_console() {
    std::array<char, 4096> memory{};
    const ssize_t got = ::read(console_.get(), memory.data(), memory.size());
    if (got == 0) console_.reset();
    if (got <= 0) return false;
    pending_.append(memory.data(), static_cast<size_t>(got));
    for (size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      take(line);
    }
    return true;
  }

  void take(const std::string& line) {
    if (options_.console) std::fprintf(stderr, "%s\n", line.c_str());
    if (line.starts_with(ready)) return announce(line);
    last_.push_back(line);
    if (last_.size() > lines_kept) last_.pop_front();
  }

  // Where QEMU passes packets on, its own endpoints are what a client can ask; otherwise the image's.
  void announce(const std::string& line) {
    was_ready_ = true;
    if (forwards_.empty()) {
      if (options_.network != "user") say(line);
      return;
    }
    for (const Endpoint& endpoint : forwards_) say(std::string(ready) + text_of(endpoint));
    forwards_.clear();
  }

  void say(const std::string& line) const {
    const std::string whole = line + "\n";
    [[maybe_unused]] const ssize_t written =
        ::write(output_.is_open() ? output_.get() : STDOUT_FILENO, whole.data(), whole.size());
  }

  ExitCode ended(int status) const {
    if (!WIFEXITED(status)) {
      complain("QEMU was " + describe_end(status));
      return ExitCode::our_bug;
    }
    // docs/virtio-target.md: 0, or twice the image's exit code and one.
    const int code = WEXITSTATUS(status);
    if (last_.empty() && code != 0) {
      complain(options_.qemu + " could not start the machine");
      return ExitCode::unavailable;
    }
    if (code > 1 && !options_.console) {
      for (const std::string& line : last_) std::fprintf(stderr, "%s\n", line.c_str());
    }
    return static_cast<ExitCode>(code / 2);
  }

  const MachineOptions& options_;
  std::vector<Endpoint> forwards_;
  pid_t pid_;
  const Descriptor& signals_;
  Descriptor input_, console_;
  const Descriptor& output_;
  std::string pending_;
  std::deque<std::string> last_;
  bool was_ready_ = false;
  StopRequest stop_;
};

// What a machine without a wall clock or a network section goes by.
void complete(server::ServiceConfig& config) {
  if (!config.network) config.network = yaml::automatic_network();
  config.boot_time = static_cast<u64>(std::time(nullptr));
}

// A port of the bridge that the machine is attached to; a descriptor that is not open when it is not. Nothing, and what is
// wrong is said, when it cannot be had.
std::optional<Descriptor> open_port_of(const MachineOptions& options, ExitCode& why) {
  const auto device = after(options.network, tap_prefix);
  if (device && ::if_nametoindex(device->c_str()) == 0) {  // QEMU would make one that nothing is attached to
    complain("tap device " + *device + ": " + std::generic_category().message(errno) +
             " (expected one that is there: ip tuntap add " + *device + " mode tap; ip link set " + *device + " up)");
    why = ExitCode::unavailable;
    return {};
  }
  const auto bridge = after(options.network, bridge_prefix);
  if (!bridge) return Descriptor();
  Result<Descriptor, LinkError> port = open_bridge_port(*bridge);
  if (port) return std::move(port).value();
  complain(port.error().problem);
  why = port.error().code;
  return {};
}

struct Pipe {
  Descriptor from, to;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::string network_words(const MachineOptions& options, const MachineParts& parts) {
  if (parts.tap) return "tap,id=net,fd=" + std::to_string(*parts.tap);
  if (const auto device = after(options.network, tap_prefix))
    return "tap,id=net,ifname=" + *device + ",script=no,downscript=no";
  std::string words = "user,id=net";
  for (const Endpoint& endpoint : parts.forwarded) {
    for (const char* protocol : {"udp", "tcp"}) {
      words += std::string(",hostfwd=") + protocol + ":" + text_of(endpoint) + "-:" + std::to_string(parts.guest_port);
    }
  }
  return words;
}

}  // namespace

std::vector<Endpoint> forwarded(const MachineOptions& options, const server::ServiceConfig& config) {
  std::vector<Endpoint> endpoints;
  if (options.network != "user") return endpoints;
  for (const Endpoint& endpoint : config.listen) {
    if (endpoint.address.is_v4() && endpoint.port.value() != 0) endpoints.push_back(endpoint);
  }
  return endpoints;
}

std::vector<std::string> qemu_words(const MachineOptions& options, const MachineParts& parts) {
  const bool microvm = options.type == "microvm";
  const std::string bus = microvm ? "-device" : "-pci";
  std::vector<std::string> words{options.qemu,
                                 "-machine",
                                 microvm ? "microvm,pit=off,pic=off,rtc=on" : options.type,
                                 "-accel",
                                 options.accelerator,
                                 "-cpu",
                                 "max",
                                 "-m",
                                 std::to_string(options.memory),
                                 "-nodefaults",
                                 "-no-user-config",
                                 "-no-reboot",
                                 "-display",
                                 "none",
                                 "-chardev",
                                 "stdio,id=console,signal=off",
                                 "-serial",
                                 "chardev:console",
                                 "-kernel",
                                 parts.image,
                                 "-initrd",
                                 parts.module,
                                 "-netdev",
                                 network_words(options, parts),
                                 "-device",
                                 "virtio-net" + bus + ",netdev=net" + (parts.mac.empty() ? "" : ",mac=" + parts.mac),
                                 "-device",
                                 "virtio-rng" + bus,
                                 "-device",
                                 "isa-debug-exit,iobase=0xf4,iosize=4"};
  if (!parts.storage.empty()) {
    words.insert(words.end(), {"-drive", "if=none,id=storage,format=raw,file=" + parts.storage, "-device",
                               "virtio-blk" + bus + ",drive=storage"});
  }
  if (microvm) words.insert(words.end(), {"-global", "virtio-mmio.force-legacy=false"});
  return words;
}

namespace {

MachineEnd no_machine(ExitCode why) {
  return {.code = why};
}

// Until it has ended.
MachineEnd run_once(const Launch& launch, const MachineOptions& options, std::optional<Deployment> deployment,
                    const Descriptor& signals, const Descriptor& output) {
  Diagnostics found(Unreadable::leave_out);
  if (!deployment) deployment = launch.load(found);
  std::optional<std::vector<u8>> blob;
  if (deployment) {
    complete(deployment->service());
    if (options.network == "user") reach_host_instead_of_loopback(deployment->config);
    blob = compile_blob(deployment->config, launch.source, found);
    if (blob) server::seal_blob(*blob);
  }
  found.print();
  if (!blob) return no_machine(found.exit_code());
  if (has_nothing_to_serve(*deployment)) {
    complain(launch.source + ": no zone could be read");
    return no_machine(found.exit_code());
  }
  std::vector<Endpoint> forwards = forwarded(options, deployment->service());
  if (forwards.empty() && options.network == "user") {
    complain(launch.source +
             ": QEMU's user network reaches the image through IPv4 endpoints of `listen` only (expected one "
             "such as 127.0.0.1:5353, or --net bridge:NAME or tap:DEVICE)");
    return no_machine(ExitCode::bad_data);
  }
  for (const Endpoint& endpoint : deployment->service().listen) {
    if (options.network != "user" || endpoint.address.is_v4()) continue;
    complain(launch.source + ": warning: " + text_of(endpoint) +
             " is not served: QEMU's user network passes IPv4 on only (expected --net bridge:NAME or tap:DEVICE)");
  }
  if (::access(launch.image.c_str(), R_OK) != 0) {
    const int error = errno;
    complain(launch.image + ": cannot be started: " + std::generic_category().message(error) +
             " (expected an image made by `ops/build virtio`, or --image FILE)");
    return no_machine(error == EACCES ? ExitCode::no_permission : ExitCode::unavailable);
  }
  ExitCode why = ExitCode::good;
  const std::optional<Descriptor> disk = open_storage_of(*deployment, launch.source, why);
  if (!disk) return no_machine(why);
  std::optional<Descriptor> tap = open_port_of(options, why);
  if (!tap) return no_machine(why);

  const Result<Descriptor, int> module = sealed_memory_file(*blob);
  std::optional<Pipe> input = make_pipe();
  std::optional<Pipe> console = make_pipe();
  if (!module || !input || !console || ::fcntl(console->from.get(), F_SETFL, O_NONBLOCK) != 0)
    return no_machine(ExitCode::unavailable);
  std::vector<GivenDescriptor> given{
      {input->from.get(), STDIN_FILENO}, {console->to.get(), STDOUT_FILENO}, {module.value().get(), module_fd}};
  MachineParts parts;
  parts.image = launch.image;
  parts.module = path_of(module_fd);
  parts.forwarded = forwards;
  parts.guest_port = deployment->service().network->listen.front().port.value();
  if (options.network != "user") parts.mac = card_address(options.network, launch.source);
  if (disk->is_open()) {
    given.push_back({disk->get(), disk_fd});
    parts.storage = path_of(disk_fd);
  }
  if (tap->is_open()) {
    given.push_back({tap->get(), tap_fd});
    parts.tap = tap_fd;
  }
  const Result<pid_t, int> pid = spawn(qemu_words(options, parts), given, Environment::inherited);
  if (!pid) {
    complain(options.qemu + ": cannot be started: " + std::generic_category().message(pid.error()) +
             " (expected QEMU: apt-get install qemu-system-x86, or --qemu FILE)");
    return no_machine(ExitCode::unavailable);
  }
  input->from.reset();
  console->to.reset();
  tap->reset();  // a bridge's port goes with QEMU
  return Machine(options, std::move(forwards), pid.value(), signals, std::move(input->to), std::move(console->from), output)
      .run();
}

// False: an end was asked for meanwhile.
bool wait_for_next(const Descriptor& signals, std::chrono::seconds time) {
  const Clock::time_point until = Clock::now() + time;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return true;
    pollfd watched{signals.get(), POLLIN, 0};
    ::poll(&watched, 1, static_cast<int>(left) + 1);
    signalfd_siginfo info{};
    while (::read(signals.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (is_stop(info.ssi_signo)) return false;
    }
  }
}

}  // namespace

ExitCode run_machine(const Launch& launch, const MachineOptions& options, std::optional<Deployment> first, Descriptor output) {
  const Descriptor signals = watch_signals();  // before the machine exists, so that none falls between
  BackOff back_off;
  for (bool was_ready = false;;) {
    const Clock::time_point since = Clock::now();
    const MachineEnd end = run_once(launch, options, std::exchange(first, std::nullopt), signals, output);
    was_ready = was_ready || end.was_ready;
    if (end.was_asked || end.code == ExitCode::good || !was_ready) return end.code;
    const auto life = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since);
    const auto wait = back_off.on_end(life);
    if (!launch.crash_report.empty())
      keep_report(launch.crash_report, {launch.image, launch.source, {}, end.process, end.was_ready, life, back_off.ends()});
    if (!launch.restart) return end.code;
    complain(launch.source + ": the machine ended by itself and is started again in " + std::to_string(wait.count()) + " s");
    if (!wait_for_next(signals, wait)) return ExitCode::good;
  }
}

}  // namespace samara::ops
