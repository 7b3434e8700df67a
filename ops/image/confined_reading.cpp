#include "ops/image/confined_reading.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <span>
#include <system_error>

#include "ops/boot_blob.h"
#include "ops/image/privileges.h"
#include "platform/base/byte_reader.h"

namespace samara::ops {

namespace {

// The reader writes this into the memory file: the blob, which stays where it is and begins as memory does; then
//   permission u8, note text, count u32, count * {severity u8, file text, line u32, column u32, problem, expected, suggestion},
//   target text, the blob's size u32, end_mark u32         (text: size u32, octets)
// The end_mark is last, so that half of it is none.
constexpr u32 end_mark = 0x53414d41;
constexpr size_t tail_size = 8;

class Writer {
 public:
  void number(u32 value, int octets = 4) {
    while (octets-- > 0) text_ += static_cast<char>(value >> (8 * octets) & 0xff);
  }
  void text(std::string_view text) {
    number(static_cast<u32>(text.size()));
    text_ += text;
  }
  const std::string& written() const { return text_; }

 private:
  std::string text_;
};

bool write_given(int file, std::span<const std::byte> octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(file, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    octets = octets.subspan(static_cast<size_t>(written));
  }
  return true;
}

Result<std::string, ReadError> take_text(ByteReader& from) {
  const u32 size = TRY(from.u32());
  const Bytes octets = TRY(from.bytes(size));
  return std::string(octets.begin(), octets.end());
}

Result<Diagnostic, ReadError> take_diagnostic(ByteReader& from) {
  Diagnostic one;
  one.severity = TRY(from.u8()) == 0 ? Diagnostic::Severity::error : Diagnostic::Severity::warning;
  one.at.file = TRY(take_text(from));
  one.at.line = TRY(from.u32());
  one.at.column = TRY(from.u32());
  one.problem = TRY(take_text(from));
  one.expected = TRY(take_text(from));
  one.suggestion = TRY(take_text(from));
  return one;
}

// In the reader.
void read_and_give(const ReadDeployment& read, const std::string& source, Unreadable unreadable, int file) {
  Diagnostics found(unreadable);
  std::optional<std::vector<u8>> blob;
  std::string target;
  if (const auto confined = keep_for_reading(file); !confined) {
    found.error({source}, "the process that reads it cannot give up its privileges (" + std::string(confined.error().step) +
                              "): " + std::generic_category().message(confined.error().code));
  } else {
    try {
      if (const std::optional<Deployment> deployment = read(found)) {
        target = deployment->target;
        blob = compile_blob(deployment->config, source, found);
      }
    } catch (const std::bad_alloc&) {
      found.error({source}, "no memory to read what it names");
    }
  }
  Writer out;
  out.number(found.exit_code() == ExitCode::no_permission ? 1 : 0, 1);
  out.text(found.noted());
  out.number(static_cast<u32>(found.all().size()));
  for (const Diagnostic& one : found.all()) {
    out.number(one.severity == Diagnostic::Severity::error ? 0 : 1, 1);
    out.text(one.at.file);
    out.number(one.at.line);
    out.number(one.at.column);
    out.text(one.problem);
    out.text(one.expected);
    out.text(one.suggestion);
  }
  out.text(target);
  out.number(blob ? static_cast<u32>(blob->size()) : 0);
  out.number(end_mark);
  const bool good = (!blob || write_given(file, std::as_bytes(std::span(*blob)))) &&
                    write_given(file, std::as_bytes(std::span(out.written())));
  ::_exit(good ? 0 : 1);
}

struct Given {
  std::string target;
  size_t blob_size = 0;  // at the beginning; 0: there is none
};

// The reader is not trusted: sizes and counts are checked, and the rest is no more than texts and a blob.
Result<Given, ReadError> take_given(Bytes octets, Diagnostics& found) {
  if (octets.size() < tail_size) return fail(ReadError::truncated);
  Given given;
  given.blob_size = load_be32(octets, octets.size() - tail_size);
  if (load_be32(octets, octets.size() - 4) != end_mark || given.blob_size > octets.size() - tail_size)
    return fail(ReadError::truncated);
  ByteReader from(octets.first(octets.size() - tail_size).subspan(given.blob_size));
  if (TRY(from.u8()) != 0) found.lacks_permission();
  if (std::string note = TRY(take_text(from)); !note.empty()) found.note(std::move(note));
  for (u32 left = TRY(from.u32()); left != 0; --left) found.add(TRY(take_diagnostic(from)));
  given.target = TRY(take_text(from));
  TRY(from.expect_end());
  return given;
}

// The whole file, which nobody can change any more; none when it cannot be had.
std::vector<u8> content_of(const Descriptor& file) {
  struct stat status{};
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0 || ::fstat(file.get(), &status) != 0)
    return {};
  std::vector<u8> octets(static_cast<size_t>(status.st_size));
  for (MutableBytes rest = octets; !rest.empty();) {
    const ssize_t got = ::pread(file.get(), rest.data(), rest.size(), static_cast<off_t>(octets.size() - rest.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    rest = rest.subspan(static_cast<size_t>(got));
  }
  return octets;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status))
    return "ended by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
  return WEXITSTATUS(status) == 0 ? "gave nothing that can be used" : "ran out of memory";
}

}  // namespace

std::optional<Deployment> read_confined(const ReadDeployment& read, const std::string& source, Diagnostics& found) {
  const auto failed = [&](const std::string& why) {
    found.error({source}, "the process that reads it " + why);
    return std::nullopt;
  };
  const Descriptor file(::memfd_create("samara-read", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open()) return failed("cannot be started: " + std::generic_category().message(errno));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return failed("cannot be started: " + std::generic_category().message(errno));
  if (pid == 0) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(1);
    read_and_give(read, source, found.unreadable(), file.get());
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return failed(how_it_ended(status));
  Deployment deployment;
  deployment.blob = content_of(file);
  Result<Given, ReadError> given = take_given(deployment.blob, found);
  if (!given) return failed(how_it_ended(status));
  if (given.value().blob_size == 0) return {};
  std::optional<RoleConfig> config = decode_blob(Bytes(deployment.blob).first(given.value().blob_size), source, found);
  if (!config) return {};
  deployment.target = std::move(given.value().target);
  deployment.config = std::move(*config);
  return deployment;
}

}  // namespace samara::ops
