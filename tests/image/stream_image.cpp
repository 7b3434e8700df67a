// A role that moves octets, so that what a network stack is for can be measured without DNS. It is configured as a primary is;
// the port that is listened on says the service:
//
//   7   echo (RFC 862)      UDP and TCP: what came in
//   9   discard (RFC 863)   TCP: when the client has sent all, `COUNT SHA256` and a line feed, of what came in
//   11  systat (RFC 866)    UDP: what the stack holds now, as `NAME VALUE` lines
//   19  generate (RFC 864)  TCP: after a line `COUNT SEED` (decimal), that many octets of block_size octets repeated: the upper
//                           octets of a linear congruential generator that starts at SEED
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "platform/crypto/hash.h"
#include "tests/image/configured_role.h"

namespace samara::test {
namespace {

using runtime::StreamId;

constexpr u16 echo_port = 7, discard_port = 9, systat_port = 11, generate_port = 19;
// A prime: octets that are lost, doubled or moved by a segment or a power of two are noticed.
constexpr size_t block_size = 65'521;
constexpr size_t longest_request = 64;

void fill_with_pattern(MutableBytes block, u64 seed) {
  u64 state = seed;
  for (u8& octet : block) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    octet = static_cast<u8>(state >> 56);
  }
}

class Stream {
 public:
  Stream() : block_(block_size) {}

  void open(u16 service) {
    service_ = service;
    begin_ = end_ = 0;
    count_ = left_ = 0;
    answering_ = finished_ = false;
    hash_ = crypto::Hash(crypto::HashAlgorithm::sha256);
  }

  MutableBytes input_space() {
    if (answering_ || finished_) return {};
    const MutableBytes unused = MutableBytes(block_).subspan(end_);
    return service_ == generate_port ? unused.first(longest_request - end_) : unused;
  }

  void on_input(size_t count) {
    if (service_ == discard_port) {
      hash_.update(Bytes(block_).first(count));
      count_ += count;
      return;
    }
    end_ += count;
    if (service_ == generate_port) read_request();
  }

  void on_end() {
    if (service_ == discard_port) {
      TextBuffer<128> answer;
      answer.writer().decimal(count_);
      answer.writer().put(' ');
      for (const u8 octet : hash_.finish().bytes()) answer.writer().hex(octet, 2);
      answer.writer().put('\n');
      std::ranges::copy(answer.view(), block_.begin());
      end_ = answer.view().size();
    }
    finished_ = !answering_;
  }

  Bytes output() const {
    if (service_ == discard_port && !finished_) return {};
    if (service_ != generate_port) return Bytes(block_).subspan(begin_, end_ - begin_);
    return Bytes(block_).subspan(begin_).first(static_cast<size_t>(std::min<u64>(block_size - begin_, left_)));
  }

  void on_sent(size_t count) {
    begin_ += count;
    if (service_ == generate_port) {
      begin_ %= block_size;
      left_ -= count;
      finished_ = left_ == 0;
    } else if (begin_ == end_) {
      begin_ = end_ = 0;
    }
  }

  bool finished() const { return finished_; }

 private:
  void read_request() {
    const Bytes request = Bytes(block_).first(end_);
    const auto line_feed = std::ranges::find(request, u8{'\n'});
    if (line_feed == request.end() && end_ < longest_request) return;
    std::array<u64, 2> numbers{};
    size_t number = 0;
    for (const u8 octet : request) {
      if (octet == ' ' && number == 0) {
        number = 1;
      } else if (octet >= '0' && octet <= '9' && numbers[number] < u64{1} << 56) {
        numbers[number] = numbers[number] * 10 + (octet - u64{'0'});
      } else {
        break;
      }
    }
    left_ = numbers[0];
    fill_with_pattern(block_, numbers[1]);
    answering_ = true;
    finished_ = left_ == 0;
    begin_ = 0;
  }

  u16 service_ = 0;
  std::vector<u8> block_;
  size_t begin_ = 0, end_ = 0;  // what is in the block: to be sent, or the request so far
  u64 count_ = 0;               // octets discarded
  u64 left_ = 0;                // octets to generate
  bool answering_ = false;      // the request to generate is complete
  bool finished_ = false;       // nothing comes any more, or nothing more is wanted
  crypto::Hash hash_{crypto::HashAlgorithm::sha256};
};

class Services {
 public:
  explicit Services(u32 max_streams) : streams_(max_streams) {}
  void observe(const runtime::FrameLoop& loop) { loop_ = &loop; }

  void on_turn(Instant, UnixTime) {}
  size_t on_datagram(Instant, const runtime::Datagram& datagram) {
    if (datagram.local.port.value() == systat_port) return describe_stack(datagram.reply);
    if (datagram.local.port.value() != echo_port || datagram.payload.size() > datagram.reply.size()) return 0;
    std::ranges::copy(datagram.payload, datagram.reply.begin());
    return datagram.payload.size();
  }
  bool on_stream_open(Instant, StreamId id, const Endpoint&, const Endpoint& local) {
    const u16 port = local.port.value();
    if (port != echo_port && port != discard_port && port != generate_port) return false;
    streams_[id].open(port);
    return true;
  }
  MutableBytes stream_input_space(StreamId id) { return streams_[id].input_space(); }
  void on_stream_input(Instant, StreamId id, size_t count) { streams_[id].on_input(count); }
  Bytes stream_output(StreamId id) { return streams_[id].output(); }
  void on_stream_output_sent(Instant, StreamId id, size_t count) { streams_[id].on_sent(count); }
  bool stream_finished(StreamId id) { return streams_[id].finished(); }
  void on_stream_end(Instant, StreamId id) { streams_[id].on_end(); }
  void on_stream_closed(Instant, StreamId) {}
  std::optional<StreamId> stream_in_the_way(Instant, const Endpoint&, bool) const { return std::nullopt; }
  std::optional<StreamId> poll_stream_abort() { return std::nullopt; }
  Instant next_deadline() const { return Instant::never(); }
  void on_deadline(Instant) {}
  void on_publication(Instant, hal::Publication publication) { generation_ = publication.generation; }
  u64 oldest_generation() const { return generation_; }

 private:
  size_t describe_stack(MutableBytes reply) const {
    if (loop_ == nullptr) return 0;  // the kernel's stack
    const net::tcp::Tcp& tcp = loop_->stack().tcp();
    const net::tcp::Counters& counters = tcp.counters();
    TextBuffer<1024> text;
    const auto line = [&](std::string_view name, u64 value) {
      text.writer().put(name);
      text.writer().put(' ');
      text.writer().decimal(value);
      text.writer().put('\n');
    };
    line("connections", tcp.connections());
    line("half-open", tcp.half_open());
    line("blocks", tcp.blocks_in_use());
    line("opened", counters.opened_passive);
    line("retransmitted", counters.retransmitted);
    line("fast-retransmits", counters.fast_retransmits);
    line("timeouts", counters.timeouts);
    line("out-of-order", counters.out_of_order);
    line("duplicates", counters.duplicates);
    line("dropped-no-memory", counters.dropped_no_memory);
    line("bad-checksum", counters.bad_checksum);
    line("cookies-sent", counters.cookies_sent);
    line("cookies-good", counters.cookies_good);
    line("evicted-half-open", counters.evicted_half_open);
    line("refused-full", counters.refused_full);
    std::ranges::copy(text.view(), reply.begin());
    return text.view().size();
  }

  std::vector<Stream> streams_;
  const runtime::FrameLoop* loop_ = nullptr;
  u64 generation_ = 0;
};

class StreamRole final : public ConfiguredRole {
 public:
  void serve(hal::Worker& worker) override {
    Services services(worker.max_streams());
    run(worker, services, [&](const runtime::FrameLoop& loop) { services.observe(loop); });
  }
};

}  // namespace
}  // namespace samara::test

extern "C" int main(int argc, char** argv) {
  samara::test::StreamRole role;
  return samara::hal::run(argc, argv, "stream", role);
}
