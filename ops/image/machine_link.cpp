#include "ops/image/machine_link.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "ops/files.h"
#include "platform/base/text_writer.h"
#include "platform/crypto/hash.h"

namespace samara::ops {

namespace {

constexpr IpAddress host_in_user_network = IpAddress::v4({10, 0, 2, 2});
constexpr const char* machine_id_file = "/etc/machine-id";

ifreq request_for(std::string_view name) {
  ifreq request{};
  std::copy_n(name.begin(), std::min(name.size(), sizeof request.ifr_name - 1), request.ifr_name);
  return request;
}

void reach_host(server::PeerList& peers) {
  for (server::Peer& peer : peers) {
    if (peer.endpoint.address.is_v4() && peer.endpoint.address.octets()[0] == 127) peer.endpoint.address = host_in_user_network;
  }
}

void reach_host(std::optional<server::PeerList>& peers) {
  if (peers) reach_host(*peers);
}

Failure<LinkError> failure(const std::string& bridge, int error) {
  const std::string what = "bridge " + bridge + ": ";
  switch (error) {
    case EPERM:
    case EACCES:
      return fail(
          LinkError{ExitCode::no_permission,
                    what + "no permission to make a port of it (expected root, or --net tap:DEVICE with a device made by " +
                        "`ip tuntap add DEVICE mode tap user USER; ip link set DEVICE master " + bridge + " up`)"});
    case ENODEV:
      return fail(LinkError{ExitCode::unavailable, what + "there is no such interface (expected a bridge: ip link add " +
                                                       bridge + " type bridge; ip link set " + bridge + " up)"});
    case EOPNOTSUPP: return fail(LinkError{ExitCode::unavailable, what + "this interface is not a bridge"});
    case ENOENT:
      return fail(LinkError{ExitCode::unavailable, what + "this system has no /dev/net/tun (expected: modprobe tun)"});
    default: return fail(LinkError{ExitCode::unavailable, what + std::generic_category().message(error)});
  }
}

}  // namespace

Result<Descriptor, LinkError> open_bridge_port(const std::string& bridge) {
  if (bridge.size() >= IFNAMSIZ) return failure(bridge, ENODEV);
  Descriptor port(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!port.is_open()) return failure(bridge, errno);
  ifreq device = request_for("samara%d");  // the kernel puts a number there
  device.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(port.get(), TUNSETIFF, &device) != 0) return failure(bridge, errno);

  const Descriptor any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any.is_open() || ::ioctl(any.get(), SIOCGIFINDEX, &device) != 0) return failure(bridge, errno);
  ifreq request = request_for(bridge);
  request.ifr_ifindex = device.ifr_ifindex;
  if (::ioctl(any.get(), SIOCBRADDIF, &request) != 0) return failure(bridge, errno);
  if (::ioctl(any.get(), SIOCGIFFLAGS, &device) != 0) return failure(bridge, errno);
  device.ifr_flags = static_cast<short>(device.ifr_flags | IFF_UP);
  if (::ioctl(any.get(), SIOCSIFFLAGS, &device) != 0) return failure(bridge, errno);
  return port;
}

void reach_host_instead_of_loopback(RoleConfig& config) {
  reach_host(service_of(config).notify);
  std::visit(
      [](auto& role) {
        for (auto& zone : role.zones) reach_host(zone.overrides.notify);
        for (auto& catalog : role.catalogs) reach_host(catalog.overrides.notify);
      },
      config);
  auto* secondary = std::get_if<server::SecondaryConfig>(&config);
  if (secondary == nullptr) return;
  for (server::SecondaryZone& zone : secondary->zones) reach_host(zone.primaries);
  for (server::ConsumedCatalog& catalog : secondary->catalogs) {
    reach_host(catalog.primaries);
    reach_host(catalog.member_primaries);
  }
}

std::string card_address(const std::string& network, const std::string& source) {
  std::error_code ignored;
  const std::string path = std::filesystem::absolute(source, ignored).lexically_normal().string();
  const Result<std::string, FileError> host = read_file(machine_id_file);  // a system without one does with the rest
  const std::string words = (host ? host.value() : std::string()) + '\0' + network + '\0' + path;
  const std::vector<u8> octets(words.begin(), words.end());
  const crypto::Digest digest = crypto::Hash::of(crypto::HashAlgorithm::sha256, octets);
  TextBuffer<32> text;
  text.writer().put("52:54:00");  // what QEMU's cards begin with
  for (const u8 octet : digest.bytes().first(3)) {
    text.writer().put(':');
    text.writer().hex(octet, 2);
  }
  return std::string(text.view());
}

}  // namespace samara::ops
