#include "tests/sim/dns_client.h"

#include <algorithm>
#include <bit>

#include "platform/base/byte_order.h"

namespace samara::sim {
namespace {

constexpr Duration first_patience = Duration::milliseconds(800);
constexpr Duration longest_patience = Duration::seconds(5);
// A connection that brings nothing for so long is given up.
constexpr Duration connection_patience = Duration::seconds(10);
constexpr Duration before_connecting_again = Duration::milliseconds(500);
constexpr u16 truncated = 0x0200;
constexpr u16 type_a = 1;
constexpr u16 type_txt = 16;

std::vector<u8> query_for(u16 id, u32 name) {
  std::string label = "n" + std::to_string(name);
  if (name == ExampleZone::names) label = "small";
  if (name == ExampleZone::names + 1) label = "big";
  if (name == ExampleZone::names + 2) label = "huge";
  const bool text = name >= ExampleZone::names && name <= ExampleZone::names + 2;
  std::vector<u8> packet(12);
  store_be16(packet, 0, id);
  store_be16(packet, 4, 1);
  store_be16(packet, 10, 1);
  const auto put = [&](std::string_view octets) {
    packet.push_back(static_cast<u8>(octets.size()));
    packet.insert(packet.end(), octets.begin(), octets.end());
  };
  put(label);
  put("example");
  // The root, type, class IN; then OPT with 4,096 octets (RFC 6891).
  for (const u16 octet : {0, 0, int{text ? type_txt : type_a}, 0, 1, 0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0}) {
    packet.push_back(static_cast<u8>(octet));
  }
  return packet;
}

}  // namespace

DnsClient::DnsClient(net::StackConfig config, u64 seed, const Endpoint& server, Oracle& oracle)
    : StackHost(std::move(config), seed), server_(server), oracle_(oracle) {}

void DnsClient::ask(Instant now, u32 name, Way way) {
  if (!port_open_) {
    const IpAddress any = server_.address.is_v4() ? IpAddress() : IpAddress::v6({});
    port_open_ = stack().udp_open({any, port}).ok();
  }
  Question question;
  question.name = name;
  question.packet = query_for(static_cast<u16>(questions_.size()), name);
  question.way = way;
  question.asked = question.next_try = now;
  question.patience = first_patience;
  questions_.push_back(std::move(question));
  ++open_;
  if (way == Way::tcp && !connection_.has_value()) connect_at_ = std::min(connect_at_, now);
}

DnsClient::Question* DnsClient::question_of(Bytes answer, Way way) {
  if (answer.size() < 12) return nullptr;
  const u16 id = load_be16(answer);
  if (id >= questions_.size() || questions_[id].answered || questions_[id].way != way) return nullptr;
  return &questions_[id];
}

void DnsClient::on_answer(Instant now, Question& question, Bytes answer) {
  const std::vector<u8> right = question.way == Way::udp ? oracle_.by_udp(question.packet) : oracle_.by_tcp(question.packet);
  if (!std::ranges::equal(right, answer) && !wrong_.has_value()) {
    size_t bits = 0;
    for (size_t i = 0; i < std::min(right.size(), answer.size()); ++i) {
      bits += static_cast<size_t>(std::popcount(static_cast<u8>(right[i] ^ answer[i])));
    }
    wrong_ = "the answer about name " + std::to_string(question.name) +
             " is not the one it should be: " + std::to_string(answer.size()) + " octets for " + std::to_string(right.size()) +
             ", " + std::to_string(bits) + " bits differ";
  }
  if ((load_be16(answer, 2) & truncated) != 0) {
    question.way = Way::tcp;
    if (!connection_.has_value()) connect_at_ = std::min(connect_at_, now);
    return;
  }
  if (question.name < ExampleZone::names) {
    const std::array<u8, 4> address = ExampleZone::address_of(question.name);
    if (std::ranges::search(answer, address).empty() && !wrong_.has_value()) wrong_ = "the address is not in the answer";
  }
  question.answered = true;
  --open_;
  slowest_ = std::max(slowest_, now - question.asked);
}

size_t DnsClient::on_datagram(Instant now, const net::UdpDatagram& datagram, MutableBytes) {
  if (datagram.peer != server_) {
    wrong_ = "a datagram from a stranger";
    return 0;
  }
  if (Question* question = question_of(datagram.payload, Way::udp)) on_answer(now, *question, datagram.payload);
  return 0;
}

void DnsClient::connect(Instant now) {
  connect_at_ = Instant::never();
  const IpAddress any = server_.address.is_v4() ? IpAddress() : IpAddress::v6({});
  const auto made = stack().tcp().connect(now, {any, Port(0)}, server_, 0, {.no_delay = true});
  if (!made.ok()) {
    connect_at_ = now + before_connecting_again;
    return;
  }
  connection_ = made.value();
  connected_ = false;
  give_up_at_ = now + connection_patience;
}

void DnsClient::give_up(Instant now) {
  if (connection_.has_value()) stack().tcp().abort(now, *connection_);
  connection_.reset();
  connected_ = false;
  ++reconnected_;
  give_up_at_ = Instant::never();
  to_send_.clear();
  received_.clear();
  bool waiting = false;
  for (Question& question : questions_) {
    question.sent = false;
    waiting = waiting || (!question.answered && question.way == Way::tcp);
  }
  connect_at_ = waiting ? now + before_connecting_again : Instant::never();
}

void DnsClient::on_tcp_event(Instant now, const net::tcp::Event& event) {
  using Kind = net::tcp::Event::Kind;
  if (!connection_.has_value() || event.connection != *connection_) return;
  if (event.kind == Kind::closed) {
    connection_.reset();
    give_up(now);
    return;
  }
  if (event.kind == Kind::connected) connected_ = true;
  move(now);
  if (event.kind == Kind::end) give_up(now);
}

void DnsClient::move(Instant now) {
  net::tcp::Tcp& tcp = stack().tcp();
  std::array<u8, 4096> room;
  while (const size_t count = tcp.receive(now, *connection_, room).value_or(0)) {
    received_.insert(received_.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count));
    give_up_at_ = now + connection_patience;
  }
  while (received_.size() >= 2 && received_.size() >= size_t{2} + load_be16(received_)) {
    const size_t size = load_be16(received_);
    const Bytes answer = Bytes(received_).subspan(2, size);
    if (Question* question = question_of(answer, Way::tcp)) on_answer(now, *question, answer);
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(2 + size));
  }
  for (Question& question : questions_) {
    if (question.answered || question.way != Way::tcp || question.sent) continue;
    to_send_.push_back(static_cast<u8>(question.packet.size() >> 8));
    to_send_.push_back(static_cast<u8>(question.packet.size()));
    to_send_.insert(to_send_.end(), question.packet.begin(), question.packet.end());
    question.sent = true;
    give_up_at_ = now + connection_patience;
  }
  const size_t taken = tcp.send(now, *connection_, to_send_).value_or(0);
  to_send_.erase(to_send_.begin(), to_send_.begin() + static_cast<std::ptrdiff_t>(taken));
  const bool waiting = std::ranges::any_of(questions_, [](const Question& q) { return !q.answered && q.way == Way::tcp; });
  if (!waiting) give_up_at_ = Instant::never();
}

void DnsClient::work(Instant now) {
  for (Question& question : questions_) {
    if (question.answered || question.way != Way::udp || question.next_try > now) continue;
    const IpAddress any = server_.address.is_v4() ? IpAddress() : IpAddress::v6({});
    // Without a route or an address yet it is as good as lost.
    (void)stack().udp_send(now, {any, port}, server_, question.packet);
    question.next_try = now + question.patience;
    question.patience = std::min(question.patience * 2, longest_patience);
  }
  if (connection_.has_value() && connected_) move(now);
  if (give_up_at_ <= now) give_up(now);
  if (connect_at_ <= now) connect(now);
}

Instant DnsClient::next_work() const {
  Instant next = std::min(give_up_at_, connect_at_);
  for (const Question& question : questions_) {
    if (!question.answered && question.way == Way::udp) next = std::min(next, question.next_try);
  }
  return next;
}

}  // namespace samara::sim
