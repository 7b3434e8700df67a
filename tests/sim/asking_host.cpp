#include "tests/sim/asking_host.h"

#include <algorithm>
#include <sstream>

namespace samara::sim {
namespace {

constexpr size_t region_size = 65'536;
constexpr Duration answer_after = Duration::milliseconds(700);

runtime::NetworkConfig network_of(const std::vector<runtime::NetworkAddress>& addresses) {
  runtime::NetworkConfig network;
  network.addresses = addresses;
  network.listen = {{IpAddress(), Port(7)}, {IpAddress::v6({}), Port(7)}};
  return network;
}

std::string name_of(const Endpoint& at) {
  TextBuffer<96> text;
  at.write_text(text.writer());
  return std::string(text.view());
}

}  // namespace

bool AskingRole::all_done() const {
  return std::ranges::all_of(exchanges, &Exchange::done);
}

void AskingRole::say(hal::Loader& loader, const std::string& text) {
  unsaid_.push_back(text);
  flush(loader);
}

void AskingRole::flush(hal::Loader& loader) {
  while (!unsaid_.empty() && loader.send(0, hal::bytes_of(unsaid_.front()))) unsaid_.erase(unsaid_.begin());
}

// Streams are numbered as the exchanges are: the first ones of the list.
void AskingRole::on_message(u32, Bytes message, hal::Loader& loader) {
  std::istringstream words(hal::text_of(message));
  std::string verb;
  words >> verb;
  if (verb == "waiting") {
    answer_at_ = loader.now() + answer_after;
    deadline_ = std::min(deadline_, *answer_at_);
    return;
  }
  if (verb == "datagram") {
    std::string from;
    std::string text;
    words >> from >> text;
    for (Exchange& exchange : exchanges) {
      const bool late = exchange.text == "wait" && text == "late";
      if (!exchange.stream && name_of(exchange.peer) == from && (late || exchange.text == text)) exchange.done = true;
    }
    loader.publish(++publications);
    return;
  }
  u32 id = 0;
  words >> id;
  if (id < first_stream_ || id - first_stream_ >= exchanges.size()) {
    ++wrong_turns;
    return;
  }
  Exchange& exchange = exchanges[id - first_stream_];
  if (verb == "connected") {
    exchange.connected = true;
    exchange.got.clear();
    say(loader, "send " + std::to_string(id) + " " + exchange.text);
  } else if (verb == "input") {
    words.get();
    std::string piece;
    std::getline(words, piece, '\0');
    exchange.got += piece;
    if (exchange.got == exchange.text) say(loader, "finish " + std::to_string(id));
  } else if (verb == "closed") {
    if (++exchange.ended != exchange.tries) ++wrong_turns;
    if (exchange.ended == 1) exchange.first_end = loader.now();
    exchange.done = exchange.hopeless ? exchange.ended == 2 : exchange.connected && exchange.got == exchange.text;
    exchange.connected = false;
  }
}

void AskingRole::on_deadline(hal::Loader& loader) {
  flush(loader);
  const Instant now = loader.now();
  if (answer_at_.has_value() && *answer_at_ <= now) {
    answer_at_.reset();
    say(loader, "answer late");
  }
  for (size_t i = 0; i < exchanges.size(); ++i) {
    Exchange& exchange = exchanges[i];
    if (exchange.done || (exchange.stream && exchange.tries != exchange.ended)) continue;
    if (exchange.tries != 0 && now < exchange.asked_at + try_again) continue;
    ++exchange.tries;
    exchange.asked_at = now;
    if (exchange.stream) {
      say(loader, "connect " + std::to_string(first_stream_ + i) + " " + name_of(exchange.peer));
    } else {
      say(loader, "datagram " + name_of(exchange.peer) + " " + exchange.text);
      if (exchange.hopeless && exchange.tries == 2) exchange.done = true;
    }
  }
  deadline_ = now + (all_done() && !answer_at_.has_value() ? Duration::seconds(1) : Duration::milliseconds(100));
}

AskingHost::AskingHost(hal::sim::World& world, const std::array<u8, 6>& mac,
                       const std::vector<runtime::NetworkAddress>& addresses, u64 seed)
    : rng_(seed),
      network_(network_of(addresses)),
      loop_(network_, streams, hal::WorkerApplicationRef(app_), rng_, {.streams = client_streams, .datagrams = true}),
      loader_(world, region_size, seed + 1),
      host_(role, loader_, loop_) {
  const auto root = role.load({}, loader_);
  loader_.publish(root.value());
  loader_.set_host(world.add(mac, host_));
}

}  // namespace samara::sim
