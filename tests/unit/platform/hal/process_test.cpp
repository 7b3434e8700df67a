// The whole image life on loopback: run() in a child process, with an echo role. The boot configuration is one endpoint a line.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <atomic>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "asking_application.h"
#include "child_process.h"
#include "loopback.h"
#include "platform/base/byte_order.h"
#include "platform/hal/linux/confinement.h"
#include "platform/hal/linux/listen_sockets.h"

namespace samara::hal {
namespace {

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
constexpr size_t page = 4096;

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

  // The endpoint of the next ready line.
  Endpoint ready() {
    std::string line;
    for (char c = 0; ::read(out_.get(), &c, 1) == 1 && c != '\n';) line += c;
    EXPECT_TRUE(line.starts_with("ready ")) << line << all_errors_unless_running();
    return Endpoint::parse(std::string_view(line).substr(std::min<size_t>(6, line.size()))).value_or(Endpoint{});
  }
  // Everything on standard error; waits for its end.
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

std::string status_of(pid_t process, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return line.substr(line.find_last_of('\t') + 1);
  }
  return "";
}

// Memory of its own that a process has written to.
unsigned long anonymous_kilobytes(pid_t process) {
  return std::stoul(status_of(process, "RssAnon"));
}

constexpr const char* both = "127.0.0.1:0\n[::1]:0\n";

constexpr const char* with_storage = "127.0.0.1:0\nstorage\n";

TEST(Image, KeepsWhatIsInItsStorageOverARestart) {
  const int file = ::memfd_create("storage", 0);
  ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
  for (const char* expected : {"0 1y", "0 2y", "0 3y"}) {
    // Opened anew as by each `samara run`: the lock goes with the image.
    const int opened = ::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDWR);
    Image image(with_storage, {}, false, 0, opened);
    ::close(opened);
    image.ready();
    EXPECT_EQ(image.request(kind_storage, ""), expected);
    image.terminate();
    EXPECT_EQ(image.wait().exit_code, 0);
  }
  ::close(file);
}

TEST(Image, OnlyTheLoaderHoldsTheStorage) {
  const int file = ::memfd_create("samara-storage", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
  Image image(with_storage, {}, false, 0, file);
  image.ready();
  const auto holds = [](pid_t process) {
    for (int fd = 3; fd < 64; ++fd) {
      std::array<char, 128> target{};
      const std::string link = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(fd);
      if (::readlink(link.c_str(), target.data(), target.size() - 1) > 0 &&
          std::string_view(target.data()).find("samara-storage") != std::string_view::npos) {
        return true;
      }
    }
    return false;
  };
  EXPECT_TRUE(holds(image.process()));
  const auto workers = image.workers();
  EXPECT_EQ(workers.size(), 2U);
  for (const pid_t worker : workers) EXPECT_FALSE(holds(worker));
  ::close(file);
}

TEST(Image, AStorageThatAnotherImageUsesIsRefused) {
  const int file = ::memfd_create("storage", 0);
  ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
  Image first(with_storage, {}, false, 0, file);
  first.ready();
  const int again = ::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDWR);
  Image second(with_storage, {}, false, 0, again);
  EXPECT_EQ(second.wait().exit_code, static_cast<int>(ExitCode::unavailable));
  EXPECT_NE(second.errors().find("in use by another image"), std::string::npos);
  ::close(file);
  ::close(again);
}

TEST(Image, WithoutTheStorageItNeedsIsRefused) {
  Image image(with_storage);
  EXPECT_EQ(image.wait().exit_code, static_cast<int>(ExitCode::unavailable));
  EXPECT_NE(image.errors().find("no storage"), std::string::npos);
  const int read_only = ::open("/proc/self/exe", O_RDONLY);
  Image other(with_storage, {}, false, 0, read_only);
  EXPECT_EQ(other.wait().exit_code, static_cast<int>(ExitCode::usage));
  EXPECT_NE(other.errors().find("not open for reading and writing"), std::string::npos);
  ::close(read_only);
  Image nothing(with_storage, {}, false, 0, 999);
  EXPECT_EQ(nothing.wait().exit_code, static_cast<int>(ExitCode::usage));
}

TEST(Image, HasNoStorageThatItDoesNotAskFor) {
  const int file = ::memfd_create("storage", 0);
  ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
  Image image("127.0.0.1:0\n", {}, false, 0, file);
  image.ready();
  EXPECT_EQ(image.request(kind_storage, ""), "0 0n");
  ::close(file);
}

TEST(Image, SaysReadyForEachEndpointAndAnswersOnAll) {
  Image image(both);
  for (int i = 0; i < 2; ++i) {
    const Endpoint at = image.ready();
    EXPECT_EQ(Client::udp(at).ask("datagram"), "datagram");
    EXPECT_EQ(Client::tcp(at).ask("stream"), "stream");
    EXPECT_EQ(Client::udp(at).ask("root"), "0 5");
  }
}

TEST(Image, RunsConfinedAndUnprivileged) {
  Image image(both);
  image.ready();
  std::vector<pid_t> processes = image.workers();
  EXPECT_EQ(processes.size(), 2U);
  processes.push_back(image.process());
  for (const pid_t process : processes) {
    if (instrumented_by().empty()) {
      EXPECT_EQ(status_of(process, "Seccomp"), "2");
    }
    EXPECT_EQ(status_of(process, "NoNewPrivs"), "1");
    EXPECT_EQ(status_of(process, "CapEff"), "0000000000000000");
    EXPECT_EQ(status_of(process, "CapPrm"), "0000000000000000");
    EXPECT_NE(status_of(process, "Uid"), "0");
  }
}

TEST(Image, StopsInGoodOrderOnASignalOrTheEndOfTheControlStream) {
  for (const int how : {SIGTERM, SIGINT, 0}) {
    Image image(both);
    const Endpoint at = image.ready();
    EXPECT_EQ(Client::udp(at).ask("x"), "x");
    how == 0 ? image.end_control() : image.terminate(how);
    EXPECT_EQ(image.wait().exit_code, 0) << how;
    EXPECT_TRUE(bind_listen_sockets({at}, 1).ok()) << "no worker is left on the port";
  }
}

TEST(Image, IgnoresAHangup) {
  Image image(both);
  const Endpoint at = image.ready();
  image.terminate(SIGHUP);
  EXPECT_EQ(image.request(kind_echo, "alive"), "0 alive");
  EXPECT_EQ(Client::udp(at).ask("alive"), "alive");
}

TEST(Image, AnswersRequestsInOrder) {
  Image image(both);
  const Endpoint at = image.ready();
  EXPECT_EQ(image.request(kind_echo, "hello"), "0 hello");
  EXPECT_EQ(image.request(99, "what"), "65 what");
  EXPECT_EQ(image.request(kind_echo, std::string(1000, 'm')), "0 " + std::string(1000, 'm'));
  EXPECT_TRUE(image.request(kind_echo, std::string(1001, 'm')).starts_with("65 "));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Client::udp(at).ask("x"), "x");
  EXPECT_EQ(image.request(kind_counters, ""), "0 \x03");
}

TEST(Image, ServesWhatARequestPublishedWhenItsReplyIsThere) {
  Image image(both);
  const Endpoint at = image.ready();
  for (int generation = 1; generation < 30; ++generation) {
    ASSERT_EQ(image.request(kind_publish, "now"), "0 now");
    const std::string expected = std::to_string((1 + generation % 4) * page) + " " + std::to_string(generation + 50);
    for (int i = 0; i < 4; ++i) ASSERT_EQ(Client::udp(at).ask("root"), expected);  // different ports: both workers
  }
}

TEST(Image, ReleasesAPublicationOnlyWhenNoWorkerRefersToIt) {
  Image image(both);
  Client client = Client::udp(image.ready());
  EXPECT_EQ(client.ask("hold"), "held");
  EXPECT_EQ(image.request(kind_publish, ""), "0 ");
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(image.request(kind_released, ""), std::string("0 \x00\x01", 4));
  EXPECT_EQ(client.ask("let go"), "let go");
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(image.request(kind_released, ""), std::string("0 \x01\x02", 4));
}

TEST(Image, LosesNoQueryWhilePublicationsChange) {
  Image image(both);
  const Endpoint at = image.ready();
  std::atomic<bool> done{false};
  std::thread reloader([&] {
    while (!done) EXPECT_EQ(image.request(kind_publish, ""), "0 ");
  });
  Client client = Client::udp(at);
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(client.ask("query"), "query");
  done = true;
  reloader.join();
}

TEST(Image, EndsWith70WhenAWorkerDies) {
  struct Case {
    const char* query;
    const char* line;
  };
  for (const Case& c : {Case{"forbidden", "a system call that the filter forbids"}, Case{"bug", "panic: asked to"}}) {
    if (std::string_view(c.query) == "forbidden" && !instrumented_by().empty()) continue;
    Image image(both);
    Client client = Client::udp(image.ready());
    EXPECT_TRUE(client.send(c.query));
    EXPECT_EQ(image.wait().exit_code, 70);
    const std::string errors = image.errors();
    EXPECT_NE(errors.find(c.line), std::string::npos) << errors;
    EXPECT_NE(errors.find("the image stops"), std::string::npos) << errors;
  }
}

TEST(Image, EndsWith70WhenAWorkerIsKilled) {
  Image image(both);
  image.ready();
  const auto workers = image.workers();
  ASSERT_EQ(workers.size(), 2U);
  ::kill(workers[1], SIGKILL);
  EXPECT_EQ(image.wait().exit_code, 70);
  EXPECT_NE(image.errors().find("signal 9"), std::string::npos);
}

TEST(Image, LeavesNoWorkerBehindWhenTheLoaderIsKilled) {
  Image image(both);
  const Endpoint at = image.ready();
  // A process that ends closes standard error before its sockets: only the end of the process itself says that both are gone.
  std::vector<Descriptor> workers;
  for (const pid_t worker : image.workers()) workers.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, worker, 0)));
  EXPECT_EQ(workers.size(), 2U);
  image.terminate(SIGKILL);
  EXPECT_EQ(image.wait().signal, SIGKILL);
  for (const Descriptor& worker : workers) {
    pollfd end{.fd = worker.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&end, 1, 5000), 1);
  }
  EXPECT_TRUE(bind_listen_sockets({at}, 1).ok());
}

TEST(Image, RefusesToStartWithAClearLineAndExitCode) {
  Image running("127.0.0.1:0\n");
  const std::string used = text_of(running.ready());
  struct Case {
    std::string config;
    std::vector<std::string> options;
    bool unprivileged;
    int exit_code;
    std::string line;
  };
  const Case cases[] = {
      {"rubbish\n", {}, false, 65, "echo: no endpoint: rubbish"},
      {"", {}, false, 65, "the boot configuration is empty"},
      {"load fails\n127.0.0.1:0\n", {}, false, 65, "no zone can be loaded"},
      {"serve fails\n127.0.0.1:0\n", {}, false, 70, "Role::serve returned"},
      {"load fails\n", {}, false, 65, "addresses to listen on"},
      {"too many connections\n127.0.0.1:0\n", {}, false, 65, "connections to others"},
      {"asks over xdp\n", {}, false, 65, "network: mode xdp"},
      {used + "\n", {}, false, 69, used + ": the port is in use"},
      {"203.0.113.77:53\n", {}, false, 69, "not on this machine"},
      {"127.0.0.1:53\n", {}, true, 77, "no permission to use port 53"},
      {"127.0.0.1:0\n", {"--config-fd"}, false, 64, "a descriptor number is expected"},
      {"127.0.0.1:0\n", {"--config-fd", "3x"}, false, 64, "a descriptor number is expected"},
      {"127.0.0.1:0\n", {"--config-fd", "999"}, false, 64, "no boot configuration on descriptor 999"},
      {"127.0.0.1:0\n", {"--colour"}, false, 64, "unknown option --colour"},
  };
  for (const Case& c : cases) {
    Image image(c.config, c.options, c.unprivileged);
    EXPECT_EQ(image.wait().exit_code, c.exit_code) << c.line;
    const std::string errors = image.errors();
    EXPECT_NE(errors.find(c.line), std::string::npos) << "expected: " << c.line << "\ngot: " << errors;
  }
}

// What the role heard since it was asked last, once there is something.
std::string heard(Image& image) {
  for (int i = 0; i < 1000; ++i) {
    const std::string reply = image.request(kind_heard, "");
    if (reply != "0 ") return reply.substr(2);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return "(silence)";
}

TEST(Image, CarriesMessagesBetweenTheLoaderAndEachWorker) {
  Image image("asks\n127.0.0.1:0\n");
  image.ready();
  for (const std::string worker : {"0", "1"}) {
    EXPECT_EQ(image.request(kind_tell, worker + " repeat hello"), "0 ");
    EXPECT_EQ(heard(image), worker + " hello\n");
  }
  EXPECT_EQ(image.request(kind_tell, "2 nobody"), "1 ");
  EXPECT_EQ(image.request(kind_tell, "1 repeat echo"), "0 ");
  std::string both = heard(image);
  while (both.size() < std::string("1 echo\n1 echoed\n").size()) both += heard(image);
  EXPECT_EQ(both, "1 echo\n1 echoed\n");
}

TEST(Image, PublishesWhatAMessageLedTo) {
  Image image("asks\n127.0.0.1:0\n");
  Client client = Client::udp(image.ready());
  EXPECT_EQ(image.request(kind_tell, "0 repeat publish"), "0 ");
  EXPECT_EQ(heard(image), "0 publish\n");
  for (int i = 0; i < 500 && image.request(kind_released, "") != std::string("0 \x01\x02", 4); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(image.request(kind_released, ""), std::string("0 \x01\x02", 4));
}

TEST(Image, CallsTheRoleWhenItsDeadlineHasCome) {
  Image image("127.0.0.1:0\n");
  image.ready();
  EXPECT_EQ(image.request(kind_remind, ""), "0 ");
  EXPECT_EQ(heard(image), "deadline\n");
}

TEST(Image, MakesConnectionsBehindItsFilterInWorkerZero) {
  Image image("asks\n127.0.0.1:0\n");
  image.ready();
  Listener listener("127.0.0.1");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(image.request(kind_tell, "0 connect 8 " + text_of(listener.at())), "0 ");
    Client peer = listener.accept();
    EXPECT_EQ(heard(image), "0 connected 8\n");
    EXPECT_EQ(image.request(kind_tell, "0 send 8 question"), "0 ");
    EXPECT_EQ(peer.receive(), "question");
    i % 2 == 0 ? peer.end() : peer.reset();
    std::string end = heard(image);
    while (!end.ends_with("closed 8\n")) end += heard(image);
  }
}

TEST(Image, MakesNoSocketsBehindItsFilter) {
  if (!instrumented_by().empty()) GTEST_SKIP() << "no filter under " << instrumented_by();
  Image image("asks\n127.0.0.1:0\n");
  Client client = Client::udp(image.ready());
  EXPECT_TRUE(client.send("forbidden"));
  EXPECT_EQ(image.wait().exit_code, 70);
  EXPECT_NE(image.errors().find("a system call that the filter forbids"), std::string::npos);
}

TEST(Image, WakesItsLoaderThoughOtherDescriptorsAreInTheWay) {
  Image image("asks\n127.0.0.1:0\n", {}, false, loader_wake_fd);
  image.ready();
  EXPECT_EQ(image.request(kind_tell, "0 repeat hello"), "0 ");
  EXPECT_EQ(heard(image), "0 hello\n");
}

TEST(Image, BoundsMemoryAndGoesOnThroughGarbage) {
  Image image("127.0.0.1:0\n");
  const Endpoint at = image.ready();
  const auto garbage = [&at] {
    for (int i = 0; i < 100; ++i) {
      Client::udp(at).send(std::string(static_cast<size_t>(i) * 655, static_cast<char>(i)));
      Client client = Client::tcp(at);
      client.send(std::string(static_cast<size_t>(i) * 655, static_cast<char>(i)));
      if (i % 2 == 0) client.reset();
    }
    EXPECT_EQ(Client::udp(at).ask("alive"), "alive");
    EXPECT_EQ(Client::tcp(at).ask("alive"), "alive");
  };
  std::vector<unsigned long> before;
  for (const pid_t worker : image.workers()) before.push_back(anonymous_kilobytes(worker));
  for (int i = 0; i < 5; ++i) garbage();
  const auto workers = image.workers();
  ASSERT_EQ(workers.size(), before.size());
  // The receive slots hold 4 MiB in all; nothing else may grow.
  for (size_t i = 0; i < workers.size(); ++i) EXPECT_LT(anonymous_kilobytes(workers[i]), before[i] + 6000);
}

}  // namespace
}  // namespace samara::hal
