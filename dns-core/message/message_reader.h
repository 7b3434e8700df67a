// MessageReader: reads the sections of a message in order (RFC 1035 section 4.1). The first error sticks; from then on
// everything read is zero, empty or the root, so that one look at failed() after the last field is enough. Nothing beyond the
// message is read.
#pragma once

#include "dns-core/message/header.h"
#include "dns-core/name.h"
#include "dns-core/rdata/rdata.h"
#include "dns-core/types.h"

namespace samara::dns {

// The fields between the owner of a record and its data.
struct RecordFields {
  RrType type{};
  RrClass rr_class{};
  u32 ttl = 0;   // all 32 bits, which OPT, TSIG and UPDATE have uses of their own for
  u16 size = 0;  // of the data, all of which is there
};

class MessageReader {
 public:
  // `message` is a whole one: names may point to any place before the one they stand at.
  explicit MessageReader(Bytes message, size_t at = header_size) : message_(message), at_(at) {
    if (at > message.size()) fail();
  }

  bool failed() const { return failed_; }
  bool at_end() const { return at_ == message_.size(); }
  size_t position() const { return at_; }
  size_t remaining() const { return message_.size() - at_; }
  // The next octet, which is not stepped over; 0 at the end.
  u8 peek() const { return at_end() ? u8{0} : message_[at_]; }

  Bytes bytes(size_t count) {
    if (count > remaining()) [[unlikely]] {
      fail();
      return {};
    }
    at_ += count;
    return message_.subspan(at_ - count, count);
  }
  u16 u16_value() {
    const Bytes b = bytes(2);
    return b.empty() ? u16{0} : load_be16(b);
  }
  // A name, compressed or not.
  Name name();
  // Steps over one. Where it points to is not looked at.
  void skip_name();
  // Steps over a question.
  void skip_question() {
    skip_name();
    bytes(4);
  }
  // The fields behind a record's owner.
  RecordFields fields();
  // Steps over the data of a record, and writes its stored form. An error of the data does not stick.
  Result<void, RdataError> rdata(const RecordFields& record, ByteWriter& stored, RdataRules rules = RdataRules::published);

 private:
  void fail() {
    failed_ = true;
    at_ = message_.size();
  }

  Bytes message_;
  size_t at_;
  bool failed_ = false;
};

}  // namespace samara::dns
