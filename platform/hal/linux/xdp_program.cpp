#include "platform/hal/linux/xdp_program.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <sys/syscall.h>

#include <array>

#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

// What the program looks up: an address (IPv4 as IPv4-mapped) and a port in network order.
struct ServedKey {
  std::array<u8, 16> address{};
  std::array<u8, 2> port{};
  std::array<u8, 2> zero{};
};
static_assert(sizeof(ServedKey) == 20);

constexpr u8 r0 = 0, r1 = 1, r2 = 2, r3 = 3, r6 = 6, r7 = 7, r8 = 8, r10 = 10;

// The program's text, with jumps to labels that are resolved at the end. BPF_K and BPF_IMM (a constant, not a register) are 0
// and stand nowhere beside another 0.
class Assembler {
 public:
  enum class Label : u8 { pass, v4, v4_ports, v6_ports, lookup, count };

  void move(u8 to, u8 from) { emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void set(u8 to, i32 value) { emit(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }
  void add(u8 to, i32 value) { emit(BPF_ALU64 | BPF_ADD, to, 0, 0, value); }
  void mask(u8 to, i32 value) { emit(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value); }
  void load(u8 size, u8 to, u8 base, i16 offset) { emit(static_cast<u8>(BPF_LDX | BPF_MEM | size), to, base, offset, 0); }
  void store(u8 size, u8 base, i16 offset, u8 from) { emit(static_cast<u8>(BPF_STX | BPF_MEM | size), base, from, offset, 0); }
  void store_value(u8 size, u8 base, i16 offset, i32 value) {
    emit(static_cast<u8>(BPF_ST | BPF_MEM | size), base, 0, offset, value);
  }
  void jump(Label to) {
    fix(to);
    emit(BPF_JMP | BPF_JA, 0, 0, 0, 0);
  }
  void jump_if_equal(u8 a, i32 value, Label to) {
    fix(to);
    emit(BPF_JMP | BPF_JEQ | BPF_K, a, 0, 0, value);
  }
  void jump_unless_equal(u8 a, i32 value, Label to) {
    fix(to);
    emit(BPF_JMP | BPF_JNE | BPF_K, a, 0, 0, value);
  }
  void jump_if_above(u8 a, u8 b, Label to) {
    fix(to);
    emit(BPF_JMP | BPF_JGT | BPF_X, a, b, 0, 0);
  }
  void load_map(u8 to, int map) {
    emit(BPF_LD | BPF_DW, to, BPF_PSEUDO_MAP_FD, 0, map);
    emit(0, 0, 0, 0, 0);
  }
  void call(i32 function) { emit(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
  void exit() { emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }
  void label(Label here) { labels_[static_cast<size_t>(here)] = text_.size(); }

  std::span<const bpf_insn> finish() {
    for (const auto& [at, to] : fixes_) {
      text_[at].off = static_cast<i16>(labels_[static_cast<size_t>(to)] - at - 1);
    }
    return text_;
  }

 private:
  void emit(u8 code, u8 to, u8 from, i16 offset, i32 value) {
    bpf_insn instruction{};
    instruction.code = code;
    instruction.dst_reg = to & 15;
    instruction.src_reg = from & 15;
    instruction.off = offset;
    instruction.imm = value;
    text_.push_back(instruction);
  }
  void fix(Label to) { fixes_.push_back({text_.size(), to}); }

  struct Fix {
    size_t at;
    Label to;
  };
  std::vector<bpf_insn> text_;
  std::vector<Fix> fixes_;
  std::array<size_t, static_cast<size_t>(Label::count)> labels_{};
};

// Offsets from the start of the frame, and constants as a little-endian machine loads them.
constexpr i16 ether_type = 12, ip = 14;
constexpr i32 ether_ipv4 = 0x0008, ether_ipv6 = 0xdd86, fragment_mask = 0xff3f;
constexpr i32 protocol_tcp = 6, protocol_udp = 17;
constexpr i16 key = -24, key_port = key + 16;

std::span<const bpf_insn> program(Assembler& a, int served, int sockets) {
  using Label = Assembler::Label;
  a.move(r6, r1);
  a.load(BPF_W, r7, r1, 0);  // xdp_md.data
  a.load(BPF_W, r8, r1, 4);  // xdp_md.data_end
  a.move(r2, r7);
  a.add(r2, ip + 20 + 4);
  a.jump_if_above(r2, r8, Label::pass);
  a.load(BPF_H, r3, r7, ether_type);
  a.jump_if_equal(r3, ether_ipv4, Label::v4);
  a.jump_unless_equal(r3, ether_ipv6, Label::pass);

  a.move(r2, r7);
  a.add(r2, ip + 40 + 4);
  a.jump_if_above(r2, r8, Label::pass);
  a.load(BPF_B, r3, r7, ip + 6);
  a.jump_if_equal(r3, protocol_udp, Label::v6_ports);
  a.jump_unless_equal(r3, protocol_tcp, Label::pass);
  a.label(Label::v6_ports);
  a.load(BPF_DW, r3, r7, ip + 24);
  a.store(BPF_DW, r10, key, r3);
  a.load(BPF_DW, r3, r7, ip + 32);
  a.store(BPF_DW, r10, key + 8, r3);
  a.load(BPF_H, r3, r7, ip + 40 + 2);
  a.jump(Label::lookup);

  a.label(Label::v4);
  a.load(BPF_B, r3, r7, ip);
  a.jump_unless_equal(r3, 0x45, Label::pass);  // options: rare, and the kernel's
  a.load(BPF_H, r3, r7, ip + 6);
  a.mask(r3, fragment_mask);
  a.jump_unless_equal(r3, 0, Label::pass);
  a.load(BPF_B, r3, r7, ip + 9);
  a.jump_if_equal(r3, protocol_udp, Label::v4_ports);
  a.jump_unless_equal(r3, protocol_tcp, Label::pass);
  a.label(Label::v4_ports);
  a.store_value(BPF_DW, r10, key, 0);
  a.store_value(BPF_W, r10, key + 8, static_cast<i32>(0xffff0000));
  a.load(BPF_W, r3, r7, ip + 16);
  a.store(BPF_W, r10, key + 12, r3);
  a.load(BPF_H, r3, r7, ip + 20 + 2);

  a.label(Label::lookup);
  a.store(BPF_H, r10, key_port, r3);
  a.store_value(BPF_H, r10, key_port + 2, 0);
  a.load_map(r1, served);
  a.move(r2, r10);
  a.add(r2, key);
  a.call(BPF_FUNC_map_lookup_elem);
  a.jump_if_equal(r0, 0, Label::pass);
  a.load_map(r1, sockets);
  a.load(BPF_W, r2, r6, 16);  // xdp_md.rx_queue_index
  a.set(r3, XDP_PASS);        // where no socket is on that queue
  a.call(BPF_FUNC_redirect_map);
  a.exit();
  a.label(Label::pass);
  a.set(r0, XDP_PASS);
  a.exit();
  return a.finish();
}

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

u64 address_of(const void* memory) {
  return reinterpret_cast<u64>(memory);
}

Descriptor make_map(bpf_map_type type, u32 key_size, u32 entries) {
  bpf_attr attributes{};
  attributes.map_type = type;
  attributes.key_size = key_size;
  attributes.value_size = sizeof(u32);
  attributes.max_entries = entries;
  return Descriptor(bpf(BPF_MAP_CREATE, attributes));
}

bool put(int map, const void* map_key, u32 value) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<u32>(map);
  attributes.key = address_of(map_key);
  attributes.value = address_of(&value);
  return bpf(BPF_MAP_UPDATE_ELEM, attributes) == 0;
}

ServedKey key_of(const Endpoint& endpoint) {
  ServedKey served;
  const Bytes octets = endpoint.address.octets();
  if (endpoint.address.is_v4()) served.address[10] = served.address[11] = 0xff;
  std::ranges::copy(octets, std::span(served.address).last(octets.size()).begin());
  store_be16(served.port, 0, endpoint.port.value());
  return served;
}

Descriptor load(std::span<const bpf_insn> text) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_XDP;
  attributes.insns = address_of(text.data());
  attributes.insn_cnt = static_cast<u32>(text.size());
  attributes.license = address_of("ISC");
  return Descriptor(bpf(BPF_PROG_LOAD, attributes));
}

Descriptor link_to(int program_fd, u32 interface_index, u32 mode) {
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<u32>(program_fd);
  attributes.link_create.target_ifindex = interface_index;
  attributes.link_create.attach_type = BPF_XDP;
  attributes.link_create.flags = mode;
  return Descriptor(bpf(BPF_LINK_CREATE, attributes));
}

}  // namespace

Result<XdpProgram, Refusal> XdpProgram::attach(std::string_view interface, u32 interface_index, std::span<const Endpoint> serve,
                                               u32 queues) {
  const auto refused = [&](std::string_view what, SystemError error) {
    if (error.number == EPERM || error.number == EACCES) {
      return fail(Refusal(ExitCode::no_permission, "xdp on ", interface, ": ", what,
                          ": no permission; start as root or with CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW"));
    }
    if (error.number == EBUSY) {
      return fail(Refusal(ExitCode::unavailable, "xdp on ", interface, ": another program is attached (ip link show dev ",
                          interface, ")"));
    }
    return fail(Refusal(ExitCode::unavailable, "xdp on ", interface, ": ", what, ": ", error));
  };
  Descriptor served = make_map(BPF_MAP_TYPE_HASH, sizeof(ServedKey), static_cast<u32>(serve.size()));
  if (!served.open()) return refused("map", SystemError{});
  for (const Endpoint& endpoint : serve) {
    const ServedKey served_key = key_of(endpoint);
    if (!put(served.get(), &served_key, 1)) return refused("map", SystemError{});
  }
  Descriptor sockets = make_map(BPF_MAP_TYPE_XSKMAP, sizeof(u32), queues);
  if (!sockets.open()) return refused("socket map", SystemError{});
  Assembler assembler;
  const Descriptor loaded = load(program(assembler, served.get(), sockets.get()));
  if (!loaded.open()) return refused("program", SystemError{});
  Descriptor link = link_to(loaded.get(), interface_index, XDP_FLAGS_DRV_MODE);
  if (!link.open() && errno != EBUSY && errno != EPERM) link = link_to(loaded.get(), interface_index, XDP_FLAGS_SKB_MODE);
  if (!link.open()) return refused("attach", SystemError{});
  return XdpProgram(std::move(sockets), std::move(link));
}

Result<void, Refusal> XdpProgram::connect(u32 queue, int socket) {
  if (put(sockets_.get(), &queue, static_cast<u32>(socket))) return {};
  return fail(Refusal(ExitCode::unavailable, "xdp queue ", queue, ": ", SystemError{}));
}

Result<Descriptor, Refusal> XdpProgram::hold() const {
  Descriptor copy(::fcntl(link_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.open()) return fail(Refusal(ExitCode::unavailable, "xdp program: ", SystemError{}));
  return copy;
}

}  // namespace samara::hal
