// What a primary sends, written as in a zone file, and what comes of it, written the same way.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../log_lines.h"
#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/tsig/server.h"
#include "platform/base/ip_address.h"
#include "platform/base/log.h"
#include "platform/codec/hex.h"
#include "secondary/batch.h"
#include "secondary/transfer_in.h"

namespace samara::secondary {

using Octets = std::vector<u8>;
using Lines = std::vector<std::string>;

inline dns::Name name_of(std::string_view text) {
  const auto name = dns::Name::parse(text, dns::Name());
  EXPECT_TRUE(name.ok()) << text;
  return name.ok() ? name.value() : dns::Name();
}

template <class T>
std::string text_of(const T& piece) {
  TextBuffer<dns::max_name_text> text;
  piece.write_text(text.writer());
  return std::string(text.view());
}

// The next word of `rest`, which moves past it.
inline std::string_view take_word(std::string_view& rest) {
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

// "OWNER TTL CLASS TYPE RDATA" as it stands in a message, uncompressed.
inline void put_record(std::string_view line, ByteWriter& out) {
  out.bytes(name_of(take_word(line)).wire());
  const u32 ttl = static_cast<u32>(*parse_decimal(take_word(line), 0xffffffff));
  const dns::RrClass rr_class = *dns::parse_class(take_word(line));
  const dns::RrType type = *dns::parse_type(take_word(line));
  Octets memory(65'535);
  ByteWriter rdata(memory);
  if (line.starts_with("\\# ")) {  // whatever its type says of it: it may be what no zone file could hold
    take_word(line);
    take_word(line);
    EXPECT_TRUE(codec::decode_hex(line, rdata).ok()) << line;
  } else {
    dns::Lexer lexer(line);
    EXPECT_TRUE(dns::parse_rdata(type, lexer, dns::Name(), rdata).ok()) << line;
  }
  out.u16(code(type));
  out.u16(code(rr_class));
  out.u32(ttl);
  out.u16(static_cast<u16>(rdata.size()));
  out.bytes(rdata.written());
}

struct Response {
  Lines answers;
  u16 id = 7;
  u16 flags = dns::flag_qr | dns::flag_aa;
  u16 rcode = 0;
  std::string zone = "example.";
  dns::RrType type = dns::RrType::AXFR;
  bool question = true;
  std::optional<u32> expire = {};

  Octets message() const {
    Octets memory(65'535);
    ByteWriter out(memory);
    out.u16(id);
    out.u16(static_cast<u16>(flags | rcode));
    out.u16(question ? 1 : 0);
    out.u16(static_cast<u16>(answers.size()));
    out.u16(0);
    out.u16(expire.has_value() ? 1 : 0);
    if (question) {
      out.bytes(name_of(zone).wire());
      out.u16(code(type));
      out.u16(1);
    }
    for (const std::string& line : answers) put_record(line, out);
    if (expire.has_value()) {
      out.bytes(Octets{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 8, 0, 9, 0, 4});
      out.u32(*expire);
    }
    EXPECT_FALSE(out.overflowed());
    memory.resize(out.size());
    return memory;
  }
};

inline void append(Octets& to, const Octets& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// With the length in front (RFC 1035 section 4.2.2).
inline Octets framed(const Octets& message) {
  Octets all{static_cast<u8>(message.size() >> 8), static_cast<u8>(message.size())};
  append(all, message);
  return all;
}

inline Octets stream_of(const std::vector<Response>& responses) {
  Octets all;
  for (const Response& response : responses) append(all, framed(response.message()));
  return all;
}

inline std::string soa(u32 serial) {
  return "example. 60 IN SOA ns.example. host.example. " + std::to_string(serial) + " 7200 900 604800 300";
}

// What batches say, a line for each item.
inline void read_batch(Bytes batch, Lines& lines) {
  BatchReader reader(batch);
  BatchItem item;
  for (;;) {
    const auto more = reader.next(item);
    ASSERT_TRUE(more.ok());
    if (!more.value()) return;
    std::string line;
    switch (item.tag) {
      case ItemTag::whole: line = "whole " + std::to_string(item.to.value()); break;
      case ItemTag::steps: line = "steps " + std::to_string(item.from.value()) + " " + std::to_string(item.to.value()); break;
      case ItemTag::end: line = item.expire.has_value() ? "end " + std::to_string(*item.expire) : "end"; break;
      case ItemTag::old_soa:
      case ItemTag::removed: line = "- "; break;
      case ItemTag::new_soa:
      case ItemTag::added: line = "+ "; break;
    }
    if (line == "- " || line == "+ ") {
      std::vector<char> memory(200'000);
      TextWriter out(memory);
      item.owner.write_text(out);
      out.put(' ');
      out.put(item.ttl.seconds());
      out.put(" IN ");
      dns::write_type(item.type, out);
      out.put(' ');
      dns::write_rdata_text(item.type, item.rdata, out);
      line += out.view();
    }
    lines.push_back(line);
  }
}

// A transfer that is fed, and the lines of its batches.
struct Fed {
  static constexpr UnixTime wall{1'800'000'000};

  TransferIn transfer;
  Lines lines;
  std::vector<Octets> batches;
  Instant now;
  Octets room = Octets(max_batch_size);

  explicit Fed(const TransferRequest& request) : transfer(request, Instant(), wall) {}

  Octets request() const {
    const Bytes framed = transfer.output();
    return {framed.begin() + 2, framed.end()};
  }
  void pull() {
    for (;;) {
      const size_t size = transfer.next_batch(wall, room);
      if (size == 0) return;
      read_batch(Bytes(room).first(size), lines);
      batches.emplace_back(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
    }
  }
  // Gives as much as is taken; what is not taken is the peer's problem.
  void feed(Bytes octets) {
    while (!octets.empty()) {
      const MutableBytes space = transfer.input_space();
      if (space.empty()) {
        pull();
        if (transfer.input_space().empty()) return;
        continue;
      }
      const size_t count = std::min(space.size(), octets.size());
      std::ranges::copy(octets.first(count), space.begin());
      transfer.on_input(now, count);
      octets = octets.subspan(count);
    }
    pull();
  }
  Fed& feed(const std::vector<Response>& responses) {
    feed(stream_of(responses));
    return *this;
  }
  void end() {
    transfer.on_end(now);
    pull();
  }
};

inline TransferRequest whole_request() {
  return {.zone = name_of("example."), .kind = TransferKind::whole, .id = dns::MessageId(7)};
}
inline TransferRequest differences_request(u32 ours) {
  return {.zone = name_of("example."), .kind = TransferKind::differences, .id = dns::MessageId(7), .ours = dns::Serial(ours)};
}
inline Response ixfr(Lines answers) {
  return {.answers = std::move(answers), .type = dns::RrType::IXFR};
}

}  // namespace samara::secondary
