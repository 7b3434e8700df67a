// DnsClient: a host that asks the primary, over UDP with patience and over TCP with several questions at a time, until every
// question has its answer, and that knows what the answer should be.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/primary_host.h"
#include "tests/sim/stack_host.h"

namespace samara::sim {

class DnsClient final : public StackHost {
 public:
  enum class Way : u8 { udp, tcp };
  static constexpr Port port{5300};

  DnsClient(net::StackConfig config, u64 seed, const Endpoint& server, Oracle& oracle);

  // `name` below ExampleZone::names: its address; else one of the texts, or a name that does not exist.
  void ask(Instant now, u32 name, Way way);
  size_t open() const { return open_; }
  size_t answered() const { return questions_.size() - open_; }
  Duration slowest() const { return slowest_; }
  size_t reconnected() const { return reconnected_; }
  // What is wrong with an answer that came.
  const std::optional<std::string>& wrong() const { return wrong_; }

 protected:
  size_t on_datagram(Instant now, const net::UdpDatagram& datagram, MutableBytes reply) override;
  void on_tcp_event(Instant now, const net::tcp::Event& event) override;
  void work(Instant now) override;
  Instant next_work() const override;

 private:
  struct Question {
    u32 name = 0;
    std::vector<u8> packet;
    Way way = Way::udp;
    Instant asked;
    Instant next_try;
    Duration patience;
    bool answered = false;
    bool sent = false;  // on the connection there is
  };
  Question* question_of(Bytes answer, Way way);
  void on_answer(Instant now, Question& question, Bytes answer);
  void connect(Instant now);
  void give_up(Instant now);
  void move(Instant now);

  Endpoint server_;
  Oracle& oracle_;
  std::deque<Question> questions_;
  size_t open_ = 0;
  Duration slowest_;
  std::optional<std::string> wrong_;
  bool port_open_ = false;

  std::optional<net::tcp::ConnectionId> connection_;
  bool connected_ = false;
  Instant give_up_at_ = Instant::never();
  Instant connect_at_ = Instant::never();
  size_t reconnected_ = 0;
  std::vector<u8> to_send_;
  std::vector<u8> received_;
};

}  // namespace samara::sim
