#include "ops/image/image_process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "ops/image/boot_file.h"
#include "ops/image/spawn.h"

namespace samara::ops {

namespace {

constexpr int config_fd = 3;
constexpr int control_fd = 4;
constexpr int storage_fd = 5;

}  // namespace

Result<ImageProcess, int> ImageProcess::start(const std::string& image, Bytes blob, const Descriptor& storage) {
  const Descriptor boot = TRY(sealed_memory_file(blob));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno);
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return fail(errno);
  Descriptor lines(pipe[0]);
  const Descriptor output(pipe[1]);
  for (const int end : {ours.get(), lines.get()}) {
    if (::fcntl(end, F_SETFL, O_NONBLOCK) != 0) return fail(errno);
  }
  std::vector<GivenDescriptor> given{{boot.get(), config_fd}, {theirs.get(), control_fd}, {output.get(), STDOUT_FILENO}};
  const std::string program = image.find('/') == std::string::npos ? "./" + image : image;
  std::vector<std::string> words{program, "--config-fd", std::to_string(config_fd), "--control-fd", std::to_string(control_fd)};
  if (storage.is_open()) {
    given.push_back({storage.get(), storage_fd});
    words.insert(words.end(), {"--storage-fd", std::to_string(storage_fd)});
  }
  const pid_t pid = TRY(spawn(words, given, Environment::empty));
  return ImageProcess(pid, std::move(ours), std::move(lines));
}

void ImageProcess::signal(int number) const {
  ::kill(pid_, number);
}

std::optional<ProcessEnd> ImageProcess::poll_end() {
  ProcessEnd end;
  if (::wait4(pid_, &end.status, WNOHANG, &end.use) != pid_) return {};
  return end;
}

}  // namespace samara::ops
