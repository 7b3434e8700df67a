#include "tests/sim/following_watcher.h"

#include <algorithm>
#include <string>

#include "dns-core/tsig/client.h"

namespace samara::sim {
namespace {

UnixTime wall_at(Instant now) {
  return {Machine::epoch.seconds + now.since_boot().seconds()};
}

}  // namespace

FollowingWatcher::FollowingWatcher(net::StackConfig config, u64 seed, std::vector<Endpoint> servers,
                                   std::vector<dns::Name> zones, const dns::TsigKey* key, Judge judge)
    : StackHost(std::move(config), seed),
      servers_(std::move(servers)),
      zones_(std::move(zones)),
      key_(key),
      judge_(std::move(judge)) {}

void FollowingWatcher::ask(size_t server, size_t zone) {
  if (questions_.size() == asked_at_most) questions_.pop_front();
  questions_.push_back({server, zone, {.zone = zones_[zone], .id = dns::MessageId(fresh_id())}});
}

// RFC 2136: the name's addresses go, and the new one comes.
void FollowingWatcher::update(Instant now, size_t zone, u32 name, std::optional<std::array<u8, 4>> address) {
  Update update;
  update.id = fresh_id();
  update.packet.resize(512);
  update.due = now;
  ByteWriter out(update.packet);
  const auto opcode = static_cast<u16>(static_cast<u16>(dns::Opcode::UPDATE) << 11);
  const u16 changes = address.has_value() ? 2 : 1;
  for (const u16 word : {update.id, opcode, u16{1}, u16{0}, changes, u16{0}}) out.u16(word);
  out.bytes(zones_[zone].wire());
  out.u16(code(dns::RrType::SOA));
  out.u16(code(dns::RrClass::IN));
  const dns::Name owner = MUST(dns::Name::parse("n" + std::to_string(name), zones_[zone]));
  out.bytes(owner.wire());
  out.u16(code(dns::RrType::A));
  out.u16(code(dns::RrClass::ANY));
  out.u32(0);
  out.u16(0);
  if (address.has_value()) {
    out.bytes(owner.wire());
    out.u16(code(dns::RrType::A));
    out.u16(code(dns::RrClass::IN));
    out.u32(300);
    out.u16(4);
    out.bytes(*address);
  }
  if (key_ != nullptr) dns::TsigClient(*key_).sign_request(out, wall_at(now));
  update.packet.resize(out.size());
  updates_.push_back(std::move(update));
}

size_t FollowingWatcher::on_datagram(Instant now, const net::UdpDatagram& datagram, MutableBytes) {
  if (datagram.payload.size() < 12) return 0;
  const u16 id = load_be16(datagram.payload);
  const auto update = std::ranges::find(updates_, id, &Update::id);
  if (update != updates_.end()) {
    const bool good = (datagram.payload[3] & 15) == 0;
    // SERVFAIL and a clock that is off pass; the same message may be sent again.
    if (!good) return 0;
    ++updates_done_;
    updates_.erase(update);
    return 0;
  }
  const auto asked = std::ranges::find_if(questions_, [id](const Question& q) { return q.question.id == dns::MessageId(id); });
  if (asked == questions_.end() || servers_[asked->server] != datagram.peer) return 0;
  const auto reply = secondary::read_soa_answer(datagram.payload, asked->question, std::nullopt, wall_at(now));
  if (reply.answer == secondary::SoaAnswer::foreign) return 0;
  judge_(asked->server, asked->zone, reply);
  questions_.erase(asked);
  return 0;
}

void FollowingWatcher::send(Instant now, const Endpoint& to, Bytes packet) {
  const IpAddress any = to.address.is_v4() ? IpAddress() : IpAddress::v6({});
  if (!port_open_) port_open_ = stack().udp_open({any, port}).ok();
  // What cannot be sent is as good as lost.
  (void)stack().udp_send(now, {any, port}, to, packet);
}

void FollowingWatcher::work(Instant now) {
  for (Question& question : questions_) {
    if (question.sent) continue;
    question.sent = true;
    std::array<u8, secondary::max_soa_query> room;
    const size_t size = secondary::compose_soa_query(question.question, nullptr, wall_at(now), room);
    send(now, servers_[question.server], Bytes(room).first(size));
  }
  std::erase_if(updates_, [&](const Update& update) { return update.due <= now && update.sent == tries; });
  for (Update& update : updates_) {
    if (update.due > now) continue;
    ++update.sent;
    update.due = now + patience;
    send(now, servers_[0], update.packet);
  }
}

Instant FollowingWatcher::next_work() const {
  Instant next = Instant::never();
  for (const Update& update : updates_) next = std::min(next, update.due);
  return next;
}

}  // namespace samara::sim
