// hal.h: the only door to the machine. An image is a Role (what it does) given to run() (what it stands on); this header says
// what each may expect of the other and nothing about how a target does it.
//
//   class Primary final : public hal::Role {
//     // Reads the boot configuration.
//     Result<hal::Plan, hal::Refusal> configure(Bytes blob, const hal::Entropy& entropy) override;
//     // Zones into loader.region(); their root.
//     Result<u64, hal::Refusal> load(Bytes blob, hal::Loader& loader) override;
//     // In each worker: takes all the memory it will ever need, then does not return.
//     void serve(hal::Worker& worker) override {
//       PrimaryWorker app(worker.index(), worker.entropy(), worker.region());
//       worker.run(app);
//     }
//   };
//   extern "C" int main(int argc, char** argv) { Primary role; return hal::run(argc, argv, "samara-primary", role); }
//
// On a machine of its own (platform/hal/boot, docs/virtio-target.md) there is one worker, and configure(), load() and serve()
// follow each other. On Linux (platform/hal/linux, docs/linux-target.md) the order is:
//   configure(blob)      in the original process, with the privileges it was started with
//   (sockets are bound, privileges dropped, the shared region reserved, the workers forked: each has its copy of the Role)
//   load(blob, loader)   in the original process, now the loader, under its system call filter; the result is published
//   serve(worker)        in each worker; run() installs the worker's filter, waits for the first publication, then serves
//   on_request(…)        in the loader, for each request on the control stream
//   on_message(…)        in the loader, for each message of a worker; on_deadline(…) when the role asked for it
//   on_released(…)       in the loader, when no worker uses older publications any more
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/log.h"
#include "platform/base/panic.h"
#include "platform/base/result.h"
#include "platform/base/text_writer.h"
#include "platform/base/time.h"
#include "platform/base/types.h"
#include "platform/hal/link.h"
#include "platform/hal/storage.h"
#include "platform/runtime/application_ref.h"

namespace samara::hal {

// How an image ends (docs/linux-target.md; the same numbers as the `samara` command's).
enum class ExitCode : u8 {
  good = 0,
  usage = 64,         // a wrong option
  bad_data = 65,      // a boot configuration or zone that cannot be used
  unavailable = 69,   // a port in use, an address that is not ours, a resource the system does not have
  our_bug = 70,       // a panic, or a worker that died
  no_permission = 77  // the system forbids what is needed (a port below 1024, a user to change to)
};

// Why the image cannot run, as one line for the person who can mend it.
class Refusal {
 public:
  template <class... Pieces>
  explicit Refusal(ExitCode code, const Pieces&... pieces) : code_(code) {
    TextWriter out(text_);
    (put_piece(out, pieces), ...);
    size_ = out.size();
  }
  ExitCode code() const { return code_; }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  ExitCode code_;
  size_t size_ = 0;
  std::array<char, 512> text_{};
};

constexpr u32 max_workers = 64;
constexpr u32 max_listen_endpoints = 64;
constexpr u32 max_streams_limit = 100'000;
constexpr u32 max_client_streams = 1'000;  // a socket of each family is made for each before the start
constexpr u32 unprivileged_id = 65534;     // "nobody" and "nogroup" on Debian

// The Linux target's way to frames instead of sockets (platform/runtime/frame_loop.h). The other targets have their own card.
struct LinkPlan {
  enum class Kind : u8 {
    tap,  // all frames of a tap device
    xdp,  // AF_XDP: frames for what is in `serve`, one receive queue for each worker; the kernel keeps the rest
  };
  Kind kind = Kind::tap;
  std::string_view interface;
  std::vector<Endpoint> serve;
};

// What configure() asks the machine for.
struct Plan {
  // Each gets a UDP and a TCP socket in every worker. Port 0: the system chooses, the same number for both. An unspecified
  // address (0.0.0.0, ::) listens on all of its family, and answers come from the address that was asked. 1 to
  // max_listen_endpoints.
  std::vector<Endpoint> listen;
  // Frames instead of sockets: nothing is bound, and the role serves by Worker::run_frames(). Ignored where there are no
  // sockets.
  std::optional<LinkPlan> link;
  u32 workers = 1;        // 1 to max_workers
  u32 max_streams = 256;  // TCP connections per worker, 1 to max_streams_limit: StreamId is below this
  // What the role asks others: streams it opens and datagrams from ports of its own (runtime::ClientApplication). Worker 0
  // alone does that. 0 to max_client_streams; StreamId of the streams: max_streams and up.
  u32 client_streams = 0;
  bool client_datagrams = false;
  // Octets of heap that a worker may take while it serves, besides what it has taken by then. Where it cannot get memory any
  // more (Linux) so much address space is set apart; memory is used as it is written to.
  u64 worker_memory = 0;
  // Where memory is what the machine has, and the tables for streams are made as large as it allows: octets of the worker's
  // tables that are the same however many streams there are, beyond those of every role; and whether zones come or grow while
  // it serves, so that memory must be left for them.
  u64 fixed_tables = 0;
  bool zones_grow = false;
  // The same, and most zones are not there yet when load() returns: their part of the machine's memory is settled before it is
  // called, and is neither less nor more afterwards.
  bool zones_come = false;
  // Address space of the shared region; memory is used as it is written to.
  u64 region_size = u64{16} << 30;
  // Whom to run as after the sockets are bound, where the image was started as root.
  u32 user_id = unprivileged_id;
  u32 group_id = unprivileged_id;
  // The largest request accepted on the control stream (a new boot configuration with its zones).
  u32 max_request = u32{1} << 30;
  // Loader::storage() is needed: an image without is not started.
  bool storage = false;
  // The octets with which a storage begins that is in use already: of several disks the one that has them is taken.
  std::string_view storage_signature;
};

// 48 octets from the system's random source: the seed of a DRBG, different in each process.
using Entropy = std::array<u8, 48>;

// What one worker's sockets went through, from the start.
struct SocketCounters {
  u64 datagrams_in = 0;
  u64 datagrams_out = 0;
  u64 datagrams_cut = 0;     // longer than the receive slot, or without the address asked: dropped
  u64 datagrams_unsent = 0;  // the system refused the answer (full buffer, no route, firewall)
  u64 streams_opened = 0;
  u64 streams_refused = 0;  // by the application
  u64 accepts_failed = 0;   // the system was out of something; accepting pauses for a moment
};

// The loader's side of the machine. Given to Role::load and the role's other functions in the loader.
class Loader {
 public:
  // The shared region: all of it readable by the workers, writable only here. Zero where nothing was written yet.
  virtual MutableBytes region() = 0;
  // Gives the memory of whole pages inside [offset, offset + length) back to the system; they read as zero again. Only for
  // parts no worker uses (oldest_in_use() says when).
  virtual void release(size_t offset, size_t length) = 0;

  // The role will not read this part of the boot configuration (the zone texts) again: its whole pages are given back and read
  // as zeros in all processes.
  virtual void forget(std::string_view part_of_blob) = 0;

  // Makes `root` (the role's own meaning: an offset into the region) what workers serve from their next turn on. What it
  // leads to must be complete and stay unchanged. Returns its generation: 1, 2, 3 …
  virtual u64 publish(u64 root) = 0;
  // The latest generation published; 0 before the first.
  virtual u64 generation() const = 0;
  // No worker uses a generation below this one.
  virtual u64 oldest_in_use() const = 0;

  // A message to a worker's application (runtime::ClientApplication), 1 to runtime::max_message octets. False: the worker is
  // behind with what was sent before; Role::on_deadline is called when there is room again. Not from load(): what workers serve
  // then, its publication tells them. Messages keep their order, and a
  // publication made before a message is served before the message is told.
  virtual bool send(u32 worker, Bytes message) = 0;

  // In the middle of a long on_request(): what else has come is handled as between two requests, by on_message(), on_deadline()
  // and on_released(). Where there are no requests it does nothing.
  virtual void take_turn() {}

  virtual Instant now() const = 0;
  virtual UnixTime wall() const = 0;
  virtual const Entropy& entropy() const = 0;
  virtual u32 workers() const = 0;
  virtual SocketCounters counters(u32 worker) const = 0;

  // What outlives the image; null unless Plan::storage asked for it.
  virtual Storage* storage() = 0;

 protected:
  ~Loader() = default;
};

// What a worker is told to serve.
struct Publication {
  u64 generation = 0;
  u64 root = 0;
};

// An Application that serves publications.
//   void on_publication(Instant now, Publication p)   between two turns (before the first on_turn for the first one): serve
//                                                     `p` from now on
//   u64 oldest_generation() const                     the oldest generation something here still refers to (a transfer that is
//                                                     under way keeps its zone); the latest when nothing does
template <class A>
concept WorkerApplication = runtime::Application<A> && requires(A& app, const A& fixed, Instant now, Publication p) {
  { app.on_publication(now, p) } -> std::same_as<void>;
  { fixed.oldest_generation() } -> std::same_as<u64>;
};

// A worker application behind a table of functions, as ApplicationRef.
struct WorkerApplicationRef {
  template <WorkerApplication A>
  explicit WorkerApplicationRef(A& application)
      : app(application),
        object(&application),
        publish([](void* o, Instant now, Publication p) { static_cast<A*>(o)->on_publication(now, p); }),
        oldest([](const void* o) { return static_cast<const A*>(o)->oldest_generation(); }) {}

  runtime::ApplicationRef app;
  void* object;
  void (*publish)(void*, Instant, Publication);
  u64 (*oldest)(const void*);
};

// A worker's side of the machine. Given to Role::serve.
class Worker {
 public:
  virtual u32 index() const = 0;
  // Plan::max_streams, or fewer where the machine's memory is small: other tables are to be sized alike.
  virtual u32 max_streams() const = 0;
  // Plan::client_streams and client_datagrams in worker 0; nothing in the others.
  virtual u32 client_streams() const = 0;
  virtual bool client_datagrams() const = 0;
  virtual const Entropy& entropy() const = 0;
  // The shared region, read-only.
  virtual Bytes region() const = 0;

  // Confines the process and serves until the loader says stop or dies. From here on the application cannot get memory from
  // the system, open a file or make a socket: a try kills the process, and with it the image.
  template <WorkerApplication A>
  [[noreturn]] void run(A& app) {
    run_application(WorkerApplicationRef(app));
    panic("a worker's loop returned");
  }

  // Whether this worker has a card of its own, and no sockets: then it serves by run_frames() and not by run().
  virtual bool has_link() const = 0;
  // As run(), over the frames of the worker's card.
  [[noreturn]] virtual void run_frames(FrameHandler& handler) = 0;

 protected:
  [[noreturn]] virtual void run_application(WorkerApplicationRef app) = 0;
  ~Worker() = default;
};

// The answer to a control request.
struct Reply {
  u32 status = 0;  // 0: done; otherwise an ExitCode value
  std::vector<u8> payload;
};

class Role {
 public:
  // Reads the boot configuration. `blob` stays where it is, unchanged but for what Loader::forget() is told, for the whole life
  // of the process and its workers. `entropy` is for secrets that all workers share.
  virtual Result<Plan, Refusal> configure(Bytes blob, const Entropy& entropy) = 0;
  // Builds the first thing to serve and returns its root. A Refusal ends the image.
  virtual Result<u64, Refusal> load(Bytes blob, Loader& loader) = 0;
  // Where the machine's memory is all there is: what zones have of the region ends after `octets` once load() has returned,
  // so that the tables that serve() makes, and what both take while they serve, find room behind it.
  virtual void on_region_end(size_t /*octets*/) {}
  // Makes the worker application and calls worker.run(app).
  virtual void serve(Worker& worker) = 0;
  // One request from the supervisor. `kind` and `payload` are the role's; the payload lives until this returns. When this
  // published something, the reply is sent after all workers serve it.
  virtual Reply on_request(u32 kind, Bytes payload, Loader& loader) = 0;
  // No worker uses generations below loader.oldest_in_use() any more: their memory may be released.
  virtual void on_released(Loader& loader) = 0;
  // A message of a worker's application. May publish and send.
  virtual void on_message(u32 /*worker*/, Bytes /*message*/, Loader& /*loader*/) {}
  // When on_deadline is wanted; asked again after each call of the role.
  virtual Instant next_deadline() { return Instant::never(); }
  // next_deadline() has come, or there is room again after Loader::send said no. May publish and send.
  virtual void on_deadline(Loader& /*loader*/) {}

 protected:
  ~Role() = default;
};

// Runs `role` until it is told to stop; returns the process's exit code. `name` stands in front of log lines.
// Options: --config-fd N (default 3), --control-fd N (default: none), --storage-fd N (default: none).
int run(int argc, char** argv, std::string_view name, Role& role);

}  // namespace samara::hal
