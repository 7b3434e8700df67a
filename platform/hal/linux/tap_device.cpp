#include "platform/hal/linux/tap_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>

#include "platform/base/panic.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

constexpr size_t ethernet_header = 14;
constexpr size_t slot_payload = 4032;  // with the headroom a page

// A VirtioNetHeader stands before each frame (Virtual I/O Device 1.2 section 5.1.6, without the count of buffers, in the
// machine's octet order).
struct VirtioNetHeader {
  static constexpr u8 needs_checksum = 1, data_valid = 2;
  u8 flags = 0;
  u8 segmentation = 0;
  u16 header_size = 0;
  u16 segment_size = 0;
  u16 checksum_start = 0;
  u16 checksum_offset = 0;
};
static_assert(sizeof(VirtioNetHeader) == 10);

ifreq request_for(std::string_view name) {
  ifreq request{};
  std::copy_n(name.begin(), std::min(name.size(), sizeof request.ifr_name - 1), request.ifr_name);
  return request;
}

Failure<Refusal> refused(std::string_view name, SystemError error) {
  switch (error.number) {
    case EPERM:
    case EACCES:
      return fail(Refusal(ExitCode::no_permission, "tap device ", name,
                          ": no permission; start as root, or make it for this user: ip tuntap add dev ", name,
                          " mode tap user USER"));
    case ENOENT:
    case ENODEV:
      return fail(Refusal(ExitCode::unavailable, "tap device ", name, ": this system has no /dev/net/tun (modprobe tun)"));
    case EBUSY: return fail(Refusal(ExitCode::unavailable, "tap device ", name, ": another program is attached to it"));
    case EINVAL:
      return fail(
          Refusal(ExitCode::unavailable, "tap device ", name, ": an interface of this name exists and is not a tap device"));
    default: return fail(Refusal(ExitCode::unavailable, "tap device ", name, ": ", error));
  }
}

}  // namespace

Result<std::unique_ptr<FrameDevice>, Refusal> TapDevice::open(std::string_view name) {
  Descriptor fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.open()) return refused(name, SystemError{});
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return refused(name, SystemError{});
  // A persistent device keeps the size that its last user, QEMU say, has set.
  int header_size = sizeof(VirtioNetHeader);
  if (::ioctl(fd.get(), TUNSETVNETHDRSZ, &header_size) != 0) return refused(name, SystemError{});
  // We take frames whose checksum was left to the card; larger ones than the MTU (TSO) we do not.
  if (::ioctl(fd.get(), TUNSETOFFLOAD, TUN_F_CSUM) != 0) return refused(name, SystemError{});

  LinkDescription description;
  description.transmit_checksum = true;
  const Descriptor any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  request = request_for(name);
  if (!any.open() || ::ioctl(any.get(), SIOCGIFMTU, &request) != 0) return refused(name, SystemError{});
  description.mtu = static_cast<u16>(std::clamp(request.ifr_mtu, 576, 9216));
  request = request_for(name);
  if (::ioctl(any.get(), SIOCGIFHWADDR, &request) != 0) return refused(name, SystemError{});
  // The address the device has is the kernel's end of the wire. Ours differs in one bit, is as unique and as stable.
  for (size_t i = 0; i < description.mac.size(); ++i) description.mac[i] = static_cast<u8>(request.ifr_hwaddr.sa_data[i]);
  description.mac[0] = static_cast<u8>((description.mac[0] & 0xfe) | 0x02);
  description.mac[5] ^= 1;
  // A device nobody has brought up loses every frame.
  request = request_for(name);
  if (::ioctl(any.get(), SIOCGIFFLAGS, &request) != 0) return refused(name, SystemError{});
  if ((request.ifr_flags & IFF_UP) == 0) {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) return refused(name, SystemError{});
  }
  const size_t frame_size = ethernet_header + description.mtu;
  return std::unique_ptr<FrameDevice>(new TapDevice(std::move(fd), description, frame_size));
}

TapDevice::TapDevice(Descriptor fd, LinkDescription description, size_t frame_size)
    : fd_(std::move(fd)),
      description_(description),
      frame_size_(frame_size),
      received_(frame_burst * frame_size),
      slot_(FrameSlot::headroom + std::max(slot_payload, frame_size)) {}

size_t TapDevice::receive(std::span<ReceivedFrame> burst) {
  size_t count = 0;
  while (count < std::min(burst.size(), frame_burst)) {
    const MutableBytes memory = MutableBytes(received_).subspan(count * frame_size_, frame_size_);
    VirtioNetHeader header;
    std::array<iovec, 2> pieces{
        {{.iov_base = &header, .iov_len = sizeof header}, {.iov_base = memory.data(), .iov_len = memory.size()}}};
    const ssize_t n = ::readv(fd_.get(), pieces.data(), static_cast<int>(pieces.size()));
    if (n < 0) break;  // EAGAIN: nothing more; EIO: the device is down; either way it says when there is something again
    if (static_cast<size_t>(n) <= sizeof header) continue;
    FrameChecksum checksum = FrameChecksum::unchecked;
    if ((header.flags & VirtioNetHeader::needs_checksum) != 0) checksum = FrameChecksum::partial;
    if ((header.flags & VirtioNetHeader::data_valid) != 0) checksum = FrameChecksum::good;
    burst[count++] = {.octets = memory.first(static_cast<size_t>(n) - sizeof header), .checksum = checksum};
  }
  return count;
}

std::optional<FrameSlot> TapDevice::take_slot() {
  if (slot_taken_) return std::nullopt;
  slot_taken_ = true;
  return FrameSlot(slot_);
}

void TapDevice::transmit(const FrameSlot& slot) {
  slot_taken_ = false;
  VirtioNetHeader header;
  if (const ChecksumRequest request = slot.checksum_request(); request.start != 0) {
    header.flags = VirtioNetHeader::needs_checksum;
    header.checksum_start = request.start;
    header.checksum_offset = request.offset;
  }
  const Bytes frame = slot.octets();
  const std::array<iovec, 2> pieces{
      {{.iov_base = &header, .iov_len = sizeof header}, {.iov_base = const_cast<u8*>(frame.data()), .iov_len = frame.size()}}};
  // What the kernel does not take is a frame lost on the wire; whoever needs it sends it again.
  [[maybe_unused]] const ssize_t written = ::writev(fd_.get(), pieces.data(), static_cast<int>(pieces.size()));
}

}  // namespace samara::hal
