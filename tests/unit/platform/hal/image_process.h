// One whole image as a child process on loopback, with an echo role; its boot configuration is one endpoint or word a line.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <fstream>
#include <sstream>
#include <string>

#include "asking_application.h"
#include "child_process.h"
#include "platform/base/byte_order.h"
#include "platform/hal/linux/descriptor.h"

namespace samara::hal {

// Requests on the control stream that the role knows.
enum Kind : u32 {
  kind_echo = 1,
  kind_publish = 2,
  kind_counters = 3,
  kind_released = 4,
  kind_tell = 5,
  kind_heard = 6,
  kind_remind = 7,
  kind_storage = 8
};
inline constexpr size_t page = 4096;

class EchoRole final : public Role {
 public:
  Result<Plan, Refusal> configure(Bytes blob, const Entropy&) override {
    Plan plan;
    plan.workers = 2;
    plan.max_streams = 8;
    plan.max_request = 1000;
    std::istringstream lines(std::string(blob.begin(), blob.end()));
    for (std::string line; std::getline(lines, line);) {
      if (line == "load fails") {
        load_fails_ = true;
      } else if (line == "asks") {
        plan.client_streams = 2;
        plan.client_datagrams = true;
        asks_ = true;
      } else if (line == "too many connections") {
        plan.client_streams = max_client_streams + 1;
      } else if (line == "asks over xdp") {
        plan.client_datagrams = true;
        plan.link = LinkPlan{.kind = LinkPlan::Kind::xdp, .interface = "lo", .serve = {}};
      } else if (line == "storage") {
        plan.storage = true;
      } else if (line == "serve fails") {
        serve_fails_ = true;
      } else if (const auto at = Endpoint::parse(line); at.has_value()) {
        plan.listen.push_back(*at);
      } else {
        return fail(Refusal(ExitCode::bad_data, "no endpoint: ", std::string_view(line)));
      }
    }
    return plan;
  }
  Result<u64, Refusal> load(Bytes, Loader& loader) override {
    if (load_fails_) return fail(Refusal(ExitCode::bad_data, "no zone can be loaded"));
    if (Storage* storage = loader.storage(); storage != nullptr) {
      std::vector<u8> block(storage->block_size());
      if (!storage->read(storage->size() - block.size(), block).ok()) return fail(Refusal(ExitCode::our_bug, "read"));
      starts_ = ++block[0];
      if (!storage->write(storage->size() - block.size(), block).ok() || !storage->flush().ok()) {
        return fail(Refusal(ExitCode::our_bug, "write"));
      }
    }
    std::vector<u8> large(20'000'000, u8{5});  // memory for parsing is to be had
    large.resize(40'000'000);
    loader.region()[0] = large[1'000'000];
    return u64{0};
  }
  void serve(Worker& worker) override {
    if (serve_fails_) return;
    if (asks_) {
      AskingApplication app(worker.max_streams(), worker.client_streams(), worker.region());
      app.forbidden = [] { ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); };
      worker.run(app);
    }
    EchoApplication app(worker.max_streams(), worker.region());
    app.forbidden = [] { ::syscall(SYS_getppid); };
    worker.run(app);
  }
  Reply on_request(u32 kind, Bytes payload, Loader& loader) override {
    Reply reply{.status = 0, .payload = {payload.begin(), payload.end()}};
    if (kind == kind_publish) {
      const u64 root = (1 + loader.generation() % 4) * page;  // page 0 was the first and is given back
      loader.region()[root] = static_cast<u8>(loader.generation() + 50);
      loader.publish(root);
    } else if (kind == kind_counters) {
      u64 in = 0;
      for (u32 i = 0; i < loader.workers(); ++i) in += loader.counters(i).datagrams_in;
      reply.payload = {static_cast<u8>(in)};
    } else if (kind == kind_storage) {
      reply.payload = {static_cast<u8>('0' + starts_), loader.storage() != nullptr ? u8{'y'} : u8{'n'}};
    } else if (kind == kind_released) {
      reply.payload = {static_cast<u8>(released_), static_cast<u8>(loader.oldest_in_use())};
    } else if (kind == kind_tell) {
      reply.status = loader.send(payload[0] - u32{'0'}, payload.subspan(2)) ? 0 : 1;
      reply.payload.clear();
    } else if (kind == kind_heard) {
      reply.payload = {heard_.begin(), heard_.end()};
      heard_.clear();
    } else if (kind == kind_remind) {
      deadline_ = loader.now() + Duration::milliseconds(30);
    } else if (kind != kind_echo) {
      reply.status = static_cast<u32>(ExitCode::bad_data);
    }
    return reply;
  }
  void on_released(Loader& loader) override {
    ++released_;
    loader.release(0, page);
  }
  void on_message(u32 worker, Bytes message, Loader& loader) override {
    heard_ += std::to_string(worker) + " " + text_of(message) + "\n";
    if (text_of(message) == "publish") loader.publish(0);
    if (text_of(message) == "echo") loader.send(worker, bytes_of("repeat echoed"));
  }
  Instant next_deadline() override { return deadline_; }
  void on_deadline(Loader&) override {
    deadline_ = Instant::never();
    heard_ += "deadline\n";
  }

 private:
  bool asks_ = false;
  std::string heard_;
  Instant deadline_ = Instant::never();
  bool load_fails_ = false;
  bool serve_fails_ = false;
  u32 released_ = 0;
  u8 starts_ = 0;
};

// An image in a child process, its standard output and error in pipes, and a control stream.
class Image {
 public:
  // `control_at`: the number of the control stream's descriptor in the image; 0: any. `storage`: that of its storage; -1: none.
  explicit Image(const std::string& config, std::vector<std::string> options = {}, bool unprivileged = false,
                 int control_at = 0, int storage = -1) {
    int out[2];
    int errors[2];
    int control[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(errors, O_CLOEXEC), 0);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
    const int blob = ::memfd_create("boot", 0);
    EXPECT_EQ(::write(blob, config.data(), config.size()), static_cast<ssize_t>(config.size()));
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(errors[1], STDERR_FILENO);
      ::close(control[0]);
      if (control_at != 0 && control[1] != control_at) control[1] = ::dup2(control[1], control_at);
      if (unprivileged && ::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
      if (options.empty()) options = {"--config-fd", std::to_string(blob), "--control-fd", std::to_string(control[1])};
      if (storage >= 0) options.insert(options.end(), {"--storage-fd", std::to_string(storage)});
      options.insert(options.begin(), "echo");
      std::vector<char*> arguments;
      for (std::string& option : options) arguments.push_back(option.data());
      EchoRole role;
      ::_exit(run(static_cast<int>(arguments.size()), arguments.data(), "echo", role));
    }
    ::close(out[1]);
    ::close(errors[1]);
    ::close(control[1]);
    ::close(blob);
    out_ = Descriptor(out[0]);
    errors_ = Descriptor(errors[0]);
    control_ = Descriptor(control[0]);
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(control_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Image() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  pid_t process() const { return process_; }
  void terminate(int signal = SIGTERM) { ::kill(process_, signal); }
  void end_control() { control_.close(); }
  ChildEnd wait() { return wait_for(std::exchange(process_, 0)); }

  // Waits for the next ready line and returns its endpoint.
  Endpoint ready() {
    std::string line;
    for (char c = 0; ::read(out_.get(), &c, 1) == 1 && c != '\n';) line += c;
    EXPECT_TRUE(line.starts_with("ready ")) << line << all_errors_unless_running();
    return Endpoint::parse(std::string_view(line).substr(std::min<size_t>(6, line.size()))).value_or(Endpoint{});
  }
  // Returns all of standard error once the image has closed it.
  std::string errors() {
    std::string text;
    std::array<char, 512> piece;
    for (ssize_t n; (n = ::read(errors_.get(), piece.data(), piece.size())) > 0;)
      text.append(piece.data(), static_cast<size_t>(n));
    return text;
  }
  std::string request(u32 kind, std::string_view payload) {
    std::array<u8, 8> header{};
    store_be32(header, 0, kind);
    store_be32(header, 4, static_cast<u32>(payload.size()));
    ::send(control_.get(), header.data(), header.size(), MSG_NOSIGNAL);
    ::send(control_.get(), payload.data(), payload.size(), MSG_NOSIGNAL);
    if (::recv(control_.get(), header.data(), header.size(), MSG_WAITALL) != 8) return "(no reply)";
    std::string reply(load_be32(header, 4), '\0');
    if (!reply.empty()) ::recv(control_.get(), reply.data(), reply.size(), MSG_WAITALL);
    return std::to_string(load_be32(header)) + " " + reply;
  }
  std::vector<pid_t> workers() const {
    std::ifstream file("/proc/" + std::to_string(process_) + "/task/" + std::to_string(process_) + "/children");
    std::vector<pid_t> found;
    for (pid_t p = 0; file >> p;) found.push_back(p);
    return found;
  }

 private:
  std::string all_errors_unless_running() { return ::waitpid(process_, nullptr, WNOHANG | WNOWAIT) == 0 ? "" : errors(); }
  pid_t process_ = 0;
  Descriptor out_;
  Descriptor errors_;
  Descriptor control_;
};

inline std::string status_of(pid_t process, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return line.substr(line.find_last_of('\t') + 1);
  }
  return "";
}

// Counts the memory of its own that a process has written to.
inline unsigned long anonymous_kilobytes(pid_t process) {
  return std::stoul(status_of(process, "RssAnon"));
}

inline constexpr const char* both = "127.0.0.1:0\n[::1]:0\n";

// Returns the lines that reached the role since this was called last, and waits for the first of them.
inline std::string heard(Image& image) {
  for (int i = 0; i < 1000; ++i) {
    const std::string reply = image.request(kind_heard, "");
    if (reply != "0 ") return reply.substr(2);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return "(silence)";
}

}  // namespace samara::hal
