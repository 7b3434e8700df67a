// The smallest role there is, to test a machine without a stack: answers ARP, ICMP echo requests and UDP datagrams to port 7 at
// one IPv4 address, and can be told to crash in every way a machine should notice.
//
//   role.address=10.0.2.15   its address
//   role.crash=KIND          see crash() below; after the start
//   role.fill=SIZE           writes to SIZE octets of the zone region while loading, and checks them
//   role.storage=SIZE        checks what its last start wrote to SIZE octets of its storage, and writes something else there
//   role.heap=SIZE           takes SIZE octets of the heap and keeps them
//   role.late=SIZE           writes to SIZE more octets of the region when it has those of the heap, and checks these
#include <algorithm>
#include <array>
#include <memory>

#include "platform/base/byte_order.h"
#include "platform/base/log.h"
#include "platform/hal/boot/command_line.h"
#include "platform/hal/hal.h"
#include "platform/hal/link.h"
#include "platform/net/wire/checksum.h"

namespace samara::test {
namespace {

using Mac = std::array<u8, 6>;
using V4 = std::array<u8, 4>;

constexpr size_t ethernet_size = 14;
constexpr size_t arp_size = 28;
constexpr size_t ipv4_size = 20;
constexpr size_t udp_size = 8;
constexpr u16 ethertype_ipv4 = 0x0800;
constexpr u16 ethertype_arp = 0x0806;
constexpr u16 echo_port = 7;

template <size_t Size>
void put(MutableBytes into, size_t offset, const std::array<u8, Size>& octets) {
  std::ranges::copy(octets, into.subspan(offset, Size).begin());
}

class EchoHandler final : public hal::FrameHandler {
 public:
  explicit EchoHandler(V4 address) : address_(address) {}

  void prepare(const hal::LinkDescription&) override {}
  void start(Instant, UnixTime, hal::Link& link) override { mac_ = link.description().mac; }

  bool turn(Instant, UnixTime, hal::Link& link) override {
    std::array<ReceivedFrame, hal::frame_burst> burst;
    const size_t count = link.receive(burst);
    for (const ReceivedFrame& frame : std::span(burst).first(count)) answer(frame, link);
    link.flush();
    link.release();
    return count == burst.size();
  }

  Instant next_deadline() const override { return Instant::never(); }
  void on_publication(Instant, u64, u64) override {}
  u64 oldest_generation() const override { return 1; }
  bool poll_ready(TextWriter& out) override {
    if (announced_) return false;
    announced_ = true;
    IpAddress::v4(address_).write_text(out);
    return true;
  }
  bool poll_trouble(TextWriter&) override { return false; }

 private:
  void answer(const ReceivedFrame& frame, hal::Link& link) {
    if (frame.octets.size() < ethernet_size) return;
    const Bytes payload = frame.octets.subspan(ethernet_size);
    const u16 type = load_be16(frame.octets, 12);
    if (type == ethertype_arp) return answer_arp(payload, link);
    if (type == ethertype_ipv4) answer_ipv4(frame, payload, link);
  }

  void send(FrameSlot& slot, Bytes destination, u16 type, hal::Link& link) {
    const MutableBytes header = slot.prepend(ethernet_size);
    std::ranges::copy(destination, header.begin());
    put(header, 6, mac_);
    store_be16(header, 12, type);
    link.transmit(slot);
  }

  void answer_arp(Bytes request, hal::Link& link) {
    if (request.size() < arp_size || load_be16(request, 6) != 1 || !std::ranges::equal(request.subspan(24, 4), address_))
      return;
    auto slot = link.take_slot();
    if (!slot.has_value()) return;
    const MutableBytes reply = slot->payload_room().first(arp_size);
    std::ranges::copy(request.first(arp_size), reply.begin());
    store_be16(reply, 6, 2);
    put(reply, 8, mac_);
    put(reply, 14, address_);
    std::ranges::copy(request.subspan(8, 10), reply.subspan(18).begin());
    slot->set_payload(arp_size);
    send(*slot, request.subspan(8, 6), ethertype_arp, link);
  }

  void answer_ipv4(const ReceivedFrame& frame, Bytes packet, hal::Link& link) {
    if (packet.size() < ipv4_size || packet[0] != 0x45 || !std::ranges::equal(packet.subspan(16, 4), address_)) return;
    const size_t total = load_be16(packet, 2);
    if (total < ipv4_size + udp_size || total > packet.size()) return;
    const Bytes data = packet.subspan(ipv4_size, total - ipv4_size);
    const u8 protocol = packet[9];
    const bool ping = protocol == 1 && data[0] == 8 && net::internet_checksum(data) == 0;
    const bool datagram = protocol == 17 && load_be16(data, 2) == echo_port && good_udp(frame, packet, data);
    if (!ping && !datagram) return;
    auto slot = link.take_slot();
    if (!slot.has_value() || slot->payload_room().size() < data.size()) {
      if (slot.has_value()) link.drop(*slot);
      return;
    }
    const MutableBytes reply = slot->payload_room().first(data.size());
    std::ranges::copy(data, reply.begin());
    slot->set_payload(data.size());
    const IpAddress own = IpAddress::v4(address_);
    const IpAddress peer = IpAddress::v4({packet[12], packet[13], packet[14], packet[15]});
    if (ping) {
      reply[0] = 0;
      store_be16(reply, 2, 0);
      store_be16(reply, 2, net::internet_checksum(reply));
    } else {
      std::ranges::copy(data.first(2), reply.subspan(2).begin());
      std::ranges::copy(data.subspan(2, 2), reply.begin());
      net::ChecksumSum sum;
      sum.add_pseudo_header(own, peer, protocol, static_cast<u32>(reply.size()));
      if (link.description().transmit_checksum) {
        store_be16(reply, 6, sum.folded());
        slot->request_checksum(6);
      } else {
        store_be16(reply, 6, 0);
        sum.add(reply);
        store_be16(reply, 6, sum.finish());
      }
    }
    const MutableBytes header = slot->prepend(ipv4_size);
    std::ranges::copy(packet.first(ipv4_size), header.begin());
    header[8] = 64;
    store_be16(header, 6, 0);
    store_be16(header, 10, 0);
    put(header, 12, address_);
    std::ranges::copy(peer.octets(), header.subspan(16).begin());
    store_be16(header, 10, net::internet_checksum(header));
    send(*slot, frame.octets.subspan(6, 6), ethertype_ipv4, link);
  }

  static bool good_udp(const ReceivedFrame& frame, Bytes packet, Bytes data) {
    if (frame.checksum != FrameChecksum::unchecked || load_be16(data, 6) == 0) return true;
    net::ChecksumSum sum;
    sum.add_pseudo_header(IpAddress::v4({packet[12], packet[13], packet[14], packet[15]}),
                          IpAddress::v4({packet[16], packet[17], packet[18], packet[19]}), 17, static_cast<u32>(data.size()));
    sum.add(data);
    return sum.finish() == 0;
  }

  V4 address_;
  Mac mac_{};
  bool announced_ = false;
};

using Nothing = void (*)();
[[gnu::noinline]] u64 use_stack(u64 depth) {
  std::array<u64, 64> room;
  volatile u64& used = room[depth % room.size()];
  used = depth;
  return depth == 0 ? 0 : use_stack(depth + 1) + used;
}

std::array<u8, 16> data_of_ours{0xc3};
const std::array<u32, 4> constants_of_ours{1, 2, 3, 4};

void crash(std::string_view kind) {
  volatile u64 nothing = 0;
  if (kind == "null-read") static_cast<void>(*reinterpret_cast<volatile u32*>(nothing));
  if (kind == "null-call") reinterpret_cast<Nothing>(nothing)();
  if (kind == "stack") use_stack(1);
  if (kind == "panic") panic("asked to panic");
  if (kind == "check") static_cast<void>(std::span(data_of_ours)[16 + nothing]);
  if (kind == "write-code") *reinterpret_cast<volatile u8*>(&use_stack) = 0;
  if (kind == "write-constant") *const_cast<volatile u32*>(constants_of_ours.data()) = 5;
  if (kind == "run-data") reinterpret_cast<Nothing>(data_of_ours.data())();
  if (kind == "double-free") {
    u8* volatile block = new u8[100];  // volatile: what is taken and given back at once is otherwise never taken
    delete[] block;
    delete[] block;
  }
}

class EchoRole final : public hal::Role {
 public:
  explicit EchoRole(std::span<char* const> words) {
    for (const std::string_view word : words) {
      const auto value = [&](std::string_view name) -> std::optional<std::string_view> {
        if (!word.starts_with(name)) return std::nullopt;
        return word.substr(name.size());
      };
      if (const auto text = value("role.crash=")) crash_ = *text;
      if (const auto text = value("role.fill=")) fill_ = hal::parse_size(*text).value_or(0);
      if (const auto text = value("role.storage=")) storage_ = hal::parse_size(*text).value_or(0);
      if (const auto text = value("role.heap=")) heap_ = hal::parse_size(*text).value_or(0);
      if (const auto text = value("role.late=")) late_ = hal::parse_size(*text).value_or(0);
      if (const auto text = value("role.address=")) {
        const auto parsed = IpAddress::parse_v4(*text);
        if (parsed.has_value()) std::ranges::copy(parsed->octets(), address_.begin());
      }
    }
  }

  Result<hal::Plan, hal::Refusal> configure(Bytes blob, const hal::Entropy&) override {
    if (blob.size() < 4) return fail(hal::Refusal(hal::ExitCode::bad_data, "boot configuration: too short"));
    hal::Plan plan;
    plan.storage = storage_ != 0;
    return plan;
  }

  // Octet i of what start number `start` writes; the number itself stands in front.
  static u8 stored(u64 start, u64 i) { return static_cast<u8>(start * 31 + i * 7 + i / 512); }

  Result<void, hal::Refusal> use_storage(hal::Storage& storage) {
    const auto failed = [](std::string_view what, hal::StorageError error) {
      return fail(hal::Refusal(hal::ExitCode::unavailable, "storage: ", what, ": ", describe(error)));
    };
    const u64 block = storage.block_size();
    if (storage.size() < storage_ + block) return failed("too small", hal::StorageError::out_of_range);
    std::vector<u8> first(block);
    if (const auto read = storage.read(0, first); !read.ok()) return failed("read", read.error());
    const u64 before = first[0];
    std::vector<u8> octets(storage_ / block * block);
    // At the end, so that sizes and offsets are put to the test.
    const u64 at = storage.size() - octets.size();
    if (const auto read = storage.read(at, octets); !read.ok()) return failed("read", read.error());
    u64 wrong = 0;
    for (u64 i = 0; i < octets.size(); ++i) wrong += octets[i] != (before == 0 ? u8{0} : stored(before, i));
    first[0] = static_cast<u8>(before + 1);
    for (u64 i = 0; i < octets.size(); ++i) octets[i] = stored(before + 1, i);
    if (const auto write = storage.write(at, octets); !write.ok()) return failed("write", write.error());
    if (const auto flush = storage.flush(); !flush.ok()) return failed("flush", flush.error());
    if (const auto write = storage.write(0, first); !write.ok()) return failed("write", write.error());
    if (const auto flush = storage.flush(); !flush.ok()) return failed("flush", flush.error());
    log(Level::info, "storage: start ", before + 1, ", ", wrong, " octets of ", octets.size(), " wrong");
    return {};
  }

  Result<u64, hal::Refusal> load(Bytes blob, hal::Loader& loader) override {
    if (loader.storage() != nullptr) TRY(use_storage(*loader.storage()));
    const MutableBytes region = loader.region();
    if (fill_ + late_ > region.size())
      return fail(hal::Refusal(hal::ExitCode::bad_data, "the region has ", region.size(), " octets"));
    const MutableBytes filled = region.first(fill_);
    u64 wrong = 0;
    for (u64 i = 0; i < fill_; i += 1000) wrong += filled[i] != 0;
    for (u64 i = 0; i < fill_; i += 1000) filled[i] = static_cast<u8>(i / 1000 + 1);
    kept_ = std::make_unique<u8[]>(heap_);
    for (u64 i = 0; i < fill_; i += 1000) wrong += filled[i] != static_cast<u8>(i / 1000 + 1);
    constexpr u8 pattern = 0x5a;
    if (late_ != 0) std::fill_n(kept_.get(), heap_, pattern);
    for (u64 i = 0; i < late_; i += 1000) region[fill_ + i] = 1;
    if (late_ != 0) wrong += heap_ - static_cast<u64>(std::count(kept_.get(), kept_.get() + heap_, pattern));
    loader.release(0, fill_);
    for (u64 i = 0; i < std::min<u64>(fill_, 8192) / 4096 * 4096; i += 1000) wrong += filled[i] != 0;
    if (wrong != 0) return fail(hal::Refusal(hal::ExitCode::our_bug, wrong, " octets of the region are wrong"));
    loader.forget({reinterpret_cast<const char*>(blob.data()), blob.size()});
    return u64{1};
  }

  void serve(hal::Worker& worker) override {
    if (!crash_.empty()) crash(crash_);
    EchoHandler handler(address_);
    worker.run_frames(handler);
  }

  hal::Reply on_request(u32, Bytes, hal::Loader&) override { return {}; }
  void on_released(hal::Loader&) override {}

 private:
  V4 address_{10, 0, 2, 15};
  std::string_view crash_;
  u64 fill_ = 0;
  u64 heap_ = 0;
  u64 late_ = 0;
  u64 storage_ = 0;
  std::unique_ptr<u8[]> kept_;
};

}  // namespace
}  // namespace samara::test

extern "C" int main(int argc, char** argv) {
  samara::test::EchoRole role(std::span<char* const>(argv, static_cast<size_t>(argc)));
  return samara::hal::run(argc, argv, "echo", role);
}
