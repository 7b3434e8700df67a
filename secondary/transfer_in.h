// TransferIn: one transfer from a primary, from the request to the last record (AXFR: RFC 5936 section 2; IXFR: RFC 1995
// section 4; EXPIRE: RFC 7314; TSIG over many messages: RFC 8945 section 5.3.1). It takes the octets of one TCP connection and
// gives batches of checked records (batch.h); nothing of a transfer may be served before its batch with the end item has come.
// The question for the SOA alone (soa_query.h) goes the same way where UDP is of no use; it has an answer and no batches.
//
// Getters   output(), input_space(), state(), error(), at_record(), rcode(), tsig_error(), serial(), expire(), octets(),
//           records(), soa_reply(), next_deadline()
// Inputs    on_sent(), on_input(), on_end() (the peer sends no more, or the connection is gone), on_deadline(), on_failure()
// Output    next_batch(): after on_input() and on_end(), until it gives 0. While it has not been asked, input_space() is empty
//           once a whole message is there: back pressure
//
// Once state() is not `running`, only getters may be called. `now` never goes back.
// Left out: AA in the responses is not asked for, as old servers leave it off; a transfer has a connection of its own.
// Capacities: one message (64 KiB), and what Limits says.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "dns-core/message/message_reader.h"
#include "dns-core/message/response.h"
#include "dns-core/tsig/client.h"
#include "platform/base/time.h"
#include "secondary/batch.h"
#include "secondary/soa_query.h"
#include "secondary/transfer_error.h"

namespace samara::secondary {

enum class TransferKind : u8 { whole, differences, soa };  // AXFR, IXFR, SOA

struct TransferLimits {
  // A zone builder can stage so much (zone/builder.h); compression makes the stream smaller still.
  u64 octets = u64{4} << 30;
  u64 records = 100'000'000;
  // Some servers send a record a message (RFC 5936 section 2.2 allows it).
  u64 messages = 100'000'000;
  // Differences larger than this cost more than the zone itself.
  u64 difference_octets = u64{64} << 20;
  // Octets that each rate_window must bring: less is a peer that keeps the slot busy, not one on a slow line.
  u32 octets_per_window = 1'024;
  // BIND gives a transfer two hours too.
  Duration total = Duration::seconds(7200);
};
// Also the time for the connection and the first answer; a primary that reads a large zone from disk takes some seconds.
constexpr Duration rate_window = Duration::seconds(30);

struct TransferRequest {
  dns::Name zone;
  TransferKind kind = TransferKind::whole;
  dns::MessageId id;
  // The serial held here; what is not newer is refused. Without a value any serial is taken. An IXFR has one.
  std::optional<dns::Serial> ours = {};
  // The primary's answer to the SOA query gave this serial; the primary may have gone on since, not back.
  std::optional<dns::Serial> promised = {};
  const dns::TsigKey* key = nullptr;  // outlives the transfer; null: not signed
  bool edns = true;
  TransferLimits limits = {};
};

// RecordName says which record of a transfer is meant.
struct RecordName {
  dns::Name owner;
  dns::RrType type;
};

class TransferIn {
 public:
  enum class State : u8 { running, complete, up_to_date, answered, failed };

  TransferIn(const TransferRequest& request, Instant now, UnixTime wall);
  TransferIn(const TransferIn&) = delete;
  TransferIn& operator=(const TransferIn&) = delete;

  State state() const { return state_; }
  TransferError error() const { return error_; }
  // The record that failed, when it was one.
  const std::optional<RecordName>& at_record() const { return at_record_; }
  dns::Rcode rcode() const { return rcode_; }
  std::optional<dns::TsigClientError> tsig_error() const { return tsig_error_; }
  // Writes of a failed transfer the reason, what the peer says about it by its name, and the serials or the record.
  void write_failure(TextWriter& out) const;
  // Returns the serial of the SOA that came first, once it has come.
  std::optional<dns::Serial> serial() const { return first_serial_; }
  std::optional<u32> expire() const { return expire_; }
  // In state `answered`: what came to the question for the SOA.
  const SoaReply& soa_reply() const { return soa_reply_; }
  // Returns what kind of content came, once the records behind the first SOA have.
  TransferKind content() const { return phase_ == Phase::whole ? TransferKind::whole : TransferKind::differences; }
  u64 octets() const { return octets_; }
  u64 records() const { return records_; }

  // Returns what is to be sent: the request, once.
  Bytes output() const { return Bytes(request_).subspan(sent_); }
  void on_sent(size_t count) { sent_ += count; }
  MutableBytes input_space();
  void on_input(Instant now, size_t count);
  void on_end(Instant now);
  void on_failure(TransferError error) {
    if (state_ == State::running) (void)failed(error);
  }
  Instant next_deadline() const { return state_ == State::running ? std::min(window_end_, total_end_) : Instant::never(); }
  void on_deadline(Instant now);

  // The next batch into `room`, which has max_batch_size octets; 0: none now.
  size_t next_batch(UnixTime wall, MutableBytes room);

 private:
  struct RecordHead : dns::RecordFields {
    dns::Name owner;
  };
  enum class Phase : u8 { first_soa, second_record, whole, removing, adding };
  enum class Taken : u8 { yes, no_room, end };
  static constexpr size_t buffer_size = 2 + 65535;

  void compose(UnixTime wall);
  bool message_ready() const;
  Bytes message() const;
  Result<void, TransferError> open_message(UnixTime wall);
  void take_soa_answer(UnixTime wall);
  Result<void, TransferError> check_header(const dns::Response& response);
  Result<void, TransferError> check_signature(const dns::Response& response, UnixTime wall);
  void close_message();
  Result<Taken, TransferError> take_record(ByteWriter& out);
  Result<Taken, TransferError> take_soa(const RecordHead& head, Bytes rdata, ByteWriter& out);
  Result<Taken, TransferError> take_first_soa(const RecordHead& head, Bytes rdata, ByteWriter& out);
  Result<Taken, TransferError> take_last_soa(ByteWriter& out);
  Result<void, TransferError> check_serial(dns::Serial serial) const;
  bool is_first_soa(Bytes rdata) const;
  void write_whole_begin(ByteWriter& out) const;
  Failure<TransferError> failed(TransferError error) {
    state_ = State::failed;
    error_ = error;
    return fail(error);
  }

  TransferRequest asked_;
  std::optional<dns::TsigClient> tsig_;
  std::vector<u8> request_;
  size_t sent_ = 0;

  State state_ = State::running;
  TransferError error_{};
  std::optional<RecordName> at_record_;
  dns::Rcode rcode_{};
  std::optional<dns::TsigClientError> tsig_error_;
  bool ended_ = false;

  std::unique_ptr<std::array<u8, buffer_size>> buffer_;
  size_t start_ = 0;  // of the current message, its length in front
  size_t filled_ = 0;
  bool open_ = false;  // the current message has been checked and is being taken
  size_t record_at_ = 0;
  u32 records_left_ = 0;

  Phase phase_ = Phase::first_soa;
  std::optional<dns::Serial> first_serial_;
  dns::Serial step_serial_;
  dns::Ttl first_ttl_;
  std::array<u8, dns::max_soa_rdata_size> first_soa_{};
  size_t first_soa_size_ = 0;
  std::optional<u32> expire_;
  SoaReply soa_reply_;

  u64 octets_ = 0;
  u64 window_octets_ = 0;
  u64 messages_ = 0;
  u64 records_ = 0;
  Instant window_end_;
  Instant total_end_;
};

}  // namespace samara::secondary
