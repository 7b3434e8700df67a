#include "ops/image/machine.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <deque>
#include <system_error>

#include "ops/boot_blob.h"
#include "ops/image/boot_file.h"
#include "ops/image/machine_link.h"
#include "ops/image/spawn.h"
#include "ops/image/storage_file.h"
#include "ops/yaml/network.h"

namespace samara::ops {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{10};  // between a request to stop and the end of it
constexpr int module_fd = 3;
constexpr int disk_fd = 4;
constexpr int tap_fd = 5;
constexpr std::string_view tap_prefix = "tap:";
constexpr std::string_view bridge_prefix = "bridge:";
constexpr size_t lines_kept = 40;  // shown when the machine ends badly
constexpr std::string_view ready = "ready ";

std::string text_of(const Endpoint& endpoint) {
  TextBuffer<96> text;
  endpoint.write_text(text.writer());
  return std::string(text.view());
}

// What follows the prefix.
std::optional<std::string> after(const std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return {};
  return text.substr(prefix.size());
}

// A descriptor as the program that has it can open it.
std::string path_of(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

class Machine {
 public:
  Machine(const MachineOptions& options, std::vector<Endpoint> forwards, pid_t pid, Descriptor signals, Descriptor input,
          Descriptor console, Descriptor output)
      : options_(options),
        forwards_(std::move(forwards)),
        pid_(pid),
        signals_(std::move(signals)),
        input_(std::move(input)),
        console_(std::move(console)),
        output_(std::move(output)) {}

  ExitCode run() {
    for (;;) {
      wait();
      read_signals();
      read_console();
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        while (read_console()) {
        }
        return ended(status);
      }
      if (stop_before_ && Clock::now() >= *stop_before_) {
        complain("the image did not turn its power off in time and is ended");
        ::kill(pid_, SIGKILL);
        stop_before_.reset();
      }
    }
  }

 private:
  void wait() {
    std::array<pollfd, 2> watched{};
    watched[0] = {signals_.get(), POLLIN, 0};
    watched[1] = {console_.get(), POLLIN, 0};
    int timeout = -1;
    if (stop_before_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*stop_before_ - Clock::now());
      timeout = static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count())) + 1;
    }
    ::poll(watched.data(), watched.size(), timeout);
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGHUP) complain("a machine takes new zones when it is started again");
      if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT) continue;
      if (stopping_) {
        ::kill(pid_, SIGKILL);
        continue;
      }
      constexpr std::string_view request = "power off\n";
      if (::write(input_.get(), request.data(), request.size()) < 0) ::kill(pid_, SIGTERM);
      stop_before_ = Clock::now() + patience;
      stopping_ = true;
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
      complain("QEMU was ended by signal " + std::to_string(WTERMSIG(status)));
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
  Descriptor signals_, input_, console_, output_;
  std::string pending_;
  std::deque<std::string> last_;
  bool stopping_ = false;
  std::optional<Clock::time_point> stop_before_;
};

Descriptor watch_signals() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&watched, number);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  return Descriptor(::signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
}

// What a machine without a wall clock or a network section goes by.
void complete(server::ServiceConfig& config) {
  if (!config.network) config.network = yaml::automatic_network();
  config.boot_time = static_cast<u64>(std::time(nullptr));
}

// A port of the bridge that the machine is attached to; a descriptor that is not open when it is not. Nothing, and what is
// wrong is said, when it cannot be had.
std::optional<Descriptor> open_port_of(const MachineOptions& options, ExitCode& why) {
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

ExitCode run_machine(const Launch& launch, const MachineOptions& options, Descriptor output) {
  Diagnostics found;
  std::optional<Deployment> deployment = launch.load(found);
  std::optional<std::vector<u8>> blob;
  if (deployment) {
    complete(deployment->service());
    if (options.network == "user") reach_host_instead_of_loopback(deployment->config);
    blob = compile_blob(deployment->config, launch.source, found);
  }
  found.print();
  if (!blob) return found.exit_code();
  std::vector<Endpoint> forwards = forwarded(options, deployment->service());
  if (forwards.empty() && options.network == "user") {
    complain(launch.source +
             ": QEMU's user network reaches the image through IPv4 endpoints of `listen` only (expected one "
             "such as 127.0.0.1:5353, or --net bridge:NAME or tap:DEVICE)");
    return ExitCode::bad_data;
  }
  ExitCode why = ExitCode::good;
  const std::optional<Descriptor> disk = open_storage_of(*deployment, launch.source, why);
  if (!disk) return why;
  std::optional<Descriptor> tap = open_port_of(options, why);
  if (!tap) return why;

  Descriptor signals = watch_signals();  // before the machine exists, so that none falls between
  const Result<Descriptor, int> module = sealed_memory_file(*blob);
  std::optional<Pipe> input = make_pipe();
  std::optional<Pipe> console = make_pipe();
  if (!module || !input || !console || ::fcntl(console->from.get(), F_SETFL, O_NONBLOCK) != 0) return ExitCode::unavailable;
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
    return ExitCode::unavailable;
  }
  input->from.reset();
  console->to.reset();
  tap->reset();  // a bridge's port goes with QEMU
  return Machine(options, std::move(forwards), pid.value(), std::move(signals), std::move(input->to), std::move(console->from),
                 std::move(output))
      .run();
}

}  // namespace samara::ops
