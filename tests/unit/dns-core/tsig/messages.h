// Octets of test messages.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../dnssec/records_from_text.h"
#include "dns-core/tsig/key.h"
#include "dns-core/tsig/record.h"
#include "platform/base/byte_reader.h"
#include "platform/codec/hex.h"

namespace samara::dns {

inline std::vector<u8> octets(std::string_view hex) {
  std::vector<u8> memory(hex.size() / 2);
  ByteWriter out(memory);
  EXPECT_TRUE(codec::decode_hex(hex, out).ok());
  return memory;
}

inline TsigKey key(std::string_view key_name, TsigAlgorithm algorithm, std::string_view base64_secret, u8 mac_size = 0) {
  return {name(key_name), algorithm, crypto::SecretBytes(base64(base64_secret)), mac_size};
}

// Where the last record of a well-formed message begins.
inline size_t last_record_at(Bytes message) {
  ByteReader at(message);
  MUST(at.skip(4));
  const unsigned questions = MUST(at.u16());
  unsigned records = MUST(at.u16());
  records += MUST(at.u16());
  records += MUST(at.u16());
  for (unsigned i = 0; i < questions; ++i) {
    (void)MUST(Name::from_message(at));
    MUST(at.skip(4));
  }
  size_t begin = at.position();
  for (unsigned i = 0; i < records; ++i) {
    begin = at.position();
    (void)MUST(Name::from_message(at));
    MUST(at.skip(8));
    MUST(at.skip(MUST(at.u16())));
  }
  EXPECT_TRUE(at.at_end());
  return begin;
}

inline TsigRecordView tsig_of(Bytes message) {
  return MUST(TsigRecordView::parse(message, last_record_at(message)));
}

// The message as it was before the TSIG record came to it.
inline std::vector<u8> without_tsig(Bytes message) {
  const Bytes front = message.first(last_record_at(message));
  std::vector<u8> result(front.begin(), front.end());
  store_be16(result, 10, static_cast<u16>(load_be16(result, 10) - 1));
  return result;
}

inline UnixTime time_of(Bytes message) {
  return {static_cast<i64>(tsig_of(message).time_signed)};
}

// A message in memory with room for a TSIG record.
struct Draft {
  std::vector<u8> memory;
  ByteWriter writer;

  explicit Draft(Bytes message, size_t room = 1'000) : memory(message.size() + room), writer(memory) { writer.bytes(message); }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  Bytes message() const { return writer.written(); }
};

}  // namespace samara::dns
