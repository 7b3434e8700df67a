#include "platform/hal/linux/xdp_device.h"

#include <linux/ethtool.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>

#include "platform/base/panic.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

constexpr u64 frame_size = 4096;
constexpr u32 ring_size = 2048;  // entries of each ring, and frames in each direction
constexpr u32 ring_mask = ring_size - 1;

Failure<Refusal> refused(std::string_view interface, std::string_view what, SystemError error) {
  if (error.number == EPERM || error.number == EACCES) {
    return fail(Refusal(ExitCode::no_permission, "xdp on ", interface, ": ", what,
                        ": no permission; start as root or with CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW"));
  }
  if (error.number == EINVAL && what == "bind") {
    return fail(Refusal(ExitCode::unavailable, "xdp on ", interface,
                        ": it has fewer receive queues than there are workers (ethtool -l ", interface, ")"));
  }
  return fail(Refusal(ExitCode::unavailable, "xdp on ", interface, ": ", what, ": ", error));
}

template <class T>
T* at(void* base, u64 offset) {
  return reinterpret_cast<T*>(static_cast<u8*>(base) + offset);
}

bool set_option(int fd, int name, const void* value, socklen_t size) {
  return ::setsockopt(fd, SOL_XDP, name, value, size) == 0;
}

bool map_ring(int fd, const xdp_ring_offset& layout, off_t page, size_t entry_size, XdpRing& ring) {
  const size_t size = static_cast<size_t>(layout.desc) + ring_size * entry_size;
  // Lives as long as the process: the socket's rings are never unmapped.
  void* base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, page);
  if (base == MAP_FAILED) return false;
  ring.producer = at<std::atomic<u32>>(base, layout.producer);
  ring.consumer = at<std::atomic<u32>>(base, layout.consumer);
  ring.flags = at<std::atomic<u32>>(base, layout.flags);
  ring.entries = at<void>(base, layout.desc);
  return true;
}

u64& address_entry(const XdpRing& ring, u32 index) {
  return static_cast<u64*>(ring.entries)[index & ring_mask];
}

xdp_desc& frame_entry(const XdpRing& ring, u32 index) {
  return static_cast<xdp_desc*>(ring.entries)[index & ring_mask];
}

u64 frame_of(u64 address) {
  return address & ~(frame_size - 1);
}

Result<LinkDescription, Refusal> describe(std::string_view name) {
  LinkDescription description;
  description.shared_with_kernel = true;
  const Descriptor any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::copy_n(name.begin(), std::min(name.size(), sizeof request.ifr_name - 1), request.ifr_name);
  ifreq hardware = request;
  if (!any.open() || ::ioctl(any.get(), SIOCGIFMTU, &request) != 0 || ::ioctl(any.get(), SIOCGIFHWADDR, &hardware) != 0) {
    return refused(name, "interface", SystemError{});
  }
  // A frame of the kernel's needs its headroom of 256 octets, too.
  description.mtu = static_cast<u16>(std::clamp(request.ifr_mtu, 576, 3500));
  for (size_t i = 0; i < description.mac.size(); ++i) description.mac[i] = static_cast<u8>(hardware.ifr_hwaddr.sa_data[i]);
  return description;
}

// Receive queues that packets are spread over; nothing where the driver does not say.
std::optional<u32> receive_queues(std::string_view name) {
  const Descriptor any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::copy_n(name.begin(), std::min(name.size(), sizeof request.ifr_name - 1), request.ifr_name);
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  request.ifr_data = reinterpret_cast<char*>(&channels);
  if (!any.open() || ::ioctl(any.get(), SIOCETHTOOL, &request) != 0) return std::nullopt;
  return channels.rx_count + channels.combined_count;
}

}  // namespace

Result<std::vector<std::unique_ptr<FrameDevice>>, Refusal> open_xdp_devices(const LinkPlan& plan, u32 workers) {
  TextBuffer<IF_NAMESIZE> name;  // with a zero at its end
  name.writer().put(plan.interface);
  name.writer().put('\0');
  const u32 index = ::if_nametoindex(name.view().data());
  if (index == 0) {
    return fail(Refusal(ExitCode::unavailable, "xdp: no network interface ", plan.interface, " on this machine (ip link)"));
  }
  // What arrives on a queue without a worker would go to the kernel, which refuses it.
  if (const auto queues = receive_queues(plan.interface); queues.has_value() && *queues > workers) {
    return fail(Refusal(ExitCode::unavailable, "xdp on ", plan.interface, ": it has ", *queues, " receive queues but there ",
                        workers == 1 ? "is " : "are ", workers, workers == 1 ? " worker" : " workers", "; set workers to ",
                        *queues, ", or the queues: ethtool -L ", plan.interface, " rx ", workers));
  }
  XdpProgram program = TRY(XdpProgram::attach(plan.interface, index, plan.serve, workers));
  std::vector<std::unique_ptr<FrameDevice>> devices;
  for (u32 queue = 0; queue < workers; ++queue) {
    Descriptor held = TRY(program.hold());
    std::unique_ptr<XdpDevice> device = TRY(XdpDevice::open(plan, index, queue, std::move(held)));
    TRY(program.connect(queue, device->descriptor()));
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<std::unique_ptr<XdpDevice>, Refusal> XdpDevice::open(const LinkPlan& plan, u32 interface_index, u32 queue,
                                                            Descriptor program) {
  const LinkDescription description = TRY(describe(plan.interface));
  Descriptor fd(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd.open()) return refused(plan.interface, "AF_XDP", SystemError{});
  // Shared: the worker is forked after the kernel has noted which pages these are.
  std::optional<Mapping> frames = Mapping::shared(2 * ring_size * frame_size);
  if (!frames.has_value()) return refused(plan.interface, "memory", SystemError{});
  xdp_umem_reg memory{};
  memory.addr = reinterpret_cast<u64>(frames->bytes().data());
  memory.len = frames->size();
  memory.chunk_size = frame_size;
  if (!set_option(fd.get(), XDP_UMEM_REG, &memory, sizeof memory))
    return refused(plan.interface, "frame memory", SystemError{});
  for (const int ring : {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING}) {
    if (!set_option(fd.get(), ring, &ring_size, sizeof ring_size)) return refused(plan.interface, "ring", SystemError{});
  }
  std::unique_ptr<XdpDevice> device(new XdpDevice(std::move(fd), std::move(*frames), description, std::move(program)));
  TRY(device->map_rings(plan.interface));
  sockaddr_xdp address{};
  address.sxdp_family = AF_XDP;
  address.sxdp_ifindex = interface_index;
  address.sxdp_queue_id = queue;
  address.sxdp_flags = XDP_USE_NEED_WAKEUP;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(device->fd_.get(), generic, sizeof address) != 0) return refused(plan.interface, "bind", SystemError{});
  return device;
}

XdpDevice::XdpDevice(Descriptor fd, Mapping frames, LinkDescription description, Descriptor program)
    : fd_(std::move(fd)), frames_(std::move(frames)), description_(description), program_(std::move(program)) {
  free_.reserve(ring_size);
  for (u64 i = ring_size; i < 2 * ring_size; ++i) free_.push_back(i * frame_size);
}

// The first half of the frames is for receiving and handed over at once.
Result<void, Refusal> XdpDevice::map_rings(std::string_view interface) {
  xdp_mmap_offsets offsets{};
  socklen_t size = sizeof offsets;
  const int fd = fd_.get();
  if (::getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) != 0 || size != sizeof offsets ||
      !map_ring(fd, offsets.fr, XDP_UMEM_PGOFF_FILL_RING, sizeof(u64), fill_) ||
      !map_ring(fd, offsets.cr, XDP_UMEM_PGOFF_COMPLETION_RING, sizeof(u64), completion_) ||
      !map_ring(fd, offsets.rx, XDP_PGOFF_RX_RING, sizeof(xdp_desc), receive_) ||
      !map_ring(fd, offsets.tx, XDP_PGOFF_TX_RING, sizeof(xdp_desc), send_)) {
    return refused(interface, "rings", SystemError{});
  }
  for (u32 i = 0; i < ring_size; ++i) address_entry(fill_, i) = u64{i} * frame_size;
  fill_.ours = ring_size;
  fill_.producer->store(fill_.ours, std::memory_order_release);
  return {};
}

size_t XdpDevice::receive(std::span<ReceivedFrame> burst) {
  const u32 there = receive_.producer->load(std::memory_order_acquire) - receive_.ours;
  const size_t count = std::min({burst.size(), frame_burst, size_t{there}});
  for (size_t i = 0; i < count; ++i) {
    const xdp_desc& frame = frame_entry(receive_, receive_.ours + static_cast<u32>(i));
    borrowed_[i] = frame_of(frame.addr);
    burst[i] = {.octets = frames_.bytes().subspan(frame.addr, frame.len)};
  }
  borrowed_count_ = count;
  receive_.ours += static_cast<u32>(count);
  receive_.consumer->store(receive_.ours, std::memory_order_release);
  return count;
}

void XdpDevice::release() {
  for (size_t i = 0; i < borrowed_count_; ++i) address_entry(fill_, fill_.ours++) = borrowed_[i];
  if (borrowed_count_ != 0) fill_.producer->store(fill_.ours, std::memory_order_release);
  borrowed_count_ = 0;
}

void XdpDevice::reclaim() {
  const u32 there = completion_.producer->load(std::memory_order_acquire);
  if (completion_.ours == there) return;
  while (completion_.ours != there) free_.push_back(frame_of(address_entry(completion_, completion_.ours++)));
  completion_.consumer->store(completion_.ours, std::memory_order_release);
}

std::optional<FrameSlot> XdpDevice::take_slot() {
  if (free_.empty()) reclaim();
  if (free_.empty()) return std::nullopt;
  const u64 frame = free_.back();
  free_.pop_back();
  return FrameSlot(frames_.bytes().subspan(frame, frame_size));
}

void XdpDevice::drop(const FrameSlot& slot) {
  free_.push_back(static_cast<u64>(slot.room().data() - frames_.bytes().data()));
}

// The ring has as many entries as there are frames to send from: it cannot be full.
void XdpDevice::transmit(const FrameSlot& slot) {
  xdp_desc& entry = frame_entry(send_, send_.ours++);
  entry.addr = static_cast<u64>(slot.octets().data() - frames_.bytes().data());
  entry.len = static_cast<u32>(slot.size());
  entry.options = 0;
}

// In copy mode the kernel sends a few frames a call and asks to be called again. When it takes none, too much is under way (or
// the interface is down): what is left stays in the ring until the descriptor is writable.
void XdpDevice::flush() {
  send_.producer->store(send_.ours, std::memory_order_release);
  u32 taken = send_.consumer->load(std::memory_order_acquire);
  while (taken != send_.ours && (send_.flags->load(std::memory_order_relaxed) & XDP_RING_NEED_WAKEUP) != 0) {
    ::sendto(fd_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0);
    const u32 before = taken;
    taken = send_.consumer->load(std::memory_order_acquire);
    if (taken == before) return;
  }
}

// Asked in each turn: frames that come back at once are taken again first, so that few of them go round, in the cache.
bool XdpDevice::congested() {
  reclaim();
  return free_.size() < frame_burst;
}

}  // namespace samara::hal
