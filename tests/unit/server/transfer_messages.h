// Transfers as a client sees them: requests, and messages read back into records by nothing of what wrote them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "answer_scenario.h"
#include "zone/zone.h"

namespace samara::server {

// A record as one line: owner in lower case, TTL, type, stored rdata in hex, in lower case too where names in it may point to
// names in another case.
inline std::string line_of(const dns::Name& owner, u32 ttl, dns::RrType type, Bytes stored) {
  Octets rdata(stored.begin(), stored.end());
  if (dns::has_compressible_names(type)) dns::copy_lowered(stored, rdata);
  return text_by([&](TextWriter& out) {
    owner.lowercased().write_text(out);
    out.put(' ');
    out.put(ttl);
    out.put(' ');
    dns::write_type(type, out);
    out.put(' ');
    codec::encode_hex(rdata, out);
  });
}

struct TransferMessage {
  u16 flags = 0;
  u16 questions = 0;
  std::vector<std::string> records;  // of the answer section
  std::optional<size_t> tsig_at;
  bool has_opt = false;
  unsigned rcode() const { return flags & 15; }
};

inline TransferMessage read_message(Bytes packet, Bytes request) {
  TransferMessage message;
  ByteReader at(packet);
  EXPECT_EQ(at.u16().value_or(0), load_be16(request));
  message.flags = at.u16().value_or(0);
  message.questions = at.u16().value_or(0);
  const u16 answers = at.u16().value_or(0);
  EXPECT_EQ(at.u16().value_or(0), 0);
  const u16 additionals = at.u16().value_or(0);
  EXPECT_EQ(message.questions, 1);
  EXPECT_TRUE(dns::Name::from_message(at).ok() && at.skip(4).ok());
  EXPECT_TRUE(std::ranges::equal(packet.subspan(12, at.position() - 12), request.subspan(12, at.position() - 12)));
  for (unsigned i = 0; i < unsigned{answers} + additionals; ++i) {
    const size_t start = at.position();
    const auto owner = dns::Name::from_message(at);
    if (!owner.ok() || at.remaining() < dns::record_fixed_size) {
      ADD_FAILURE() << "a record cannot be read";
      return message;
    }
    const auto type = static_cast<dns::RrType>(at.u16().value());
    EXPECT_TRUE(at.skip(2).ok());
    const u32 ttl = at.u32().value();
    const u16 length = at.u16().value();
    if (i >= answers) {
      if (type == dns::RrType::TSIG) message.tsig_at = start;
      message.has_opt = message.has_opt || type == dns::RrType::OPT;
      EXPECT_TRUE(at.skip(length).ok());
      continue;
    }
    Octets stored(65'535);
    ByteWriter rdata(stored);
    EXPECT_TRUE(dns::rdata_from_message(type, at, length, rdata).ok());
    message.records.push_back(line_of(owner.value(), ttl, type, rdata.written()));
  }
  EXPECT_TRUE(at.at_end());
  return message;
}

inline std::vector<std::string> lines_of(const zone::Zone& zone) {
  std::vector<std::string> lines;
  zone.for_each_record([&](const dns::Name& owner, zone::RecordView record) {
    lines.push_back(line_of(owner, record.ttl().seconds(), record.type(), record.rdata()));
  });
  return lines;
}

inline std::string soa_line(const zone::Zone& zone) {
  const zone::RecordView soa = zone.soa().first();
  return line_of(zone.apex(), soa.ttl().seconds(), soa.type(), soa.rdata());
}

// The records of an AXFR are the zone's, its SOA first and again last.
inline void expect_whole(const zone::Zone& zone, std::vector<std::string> records) {
  ASSERT_GE(records.size(), 2U);
  EXPECT_EQ(records.front(), soa_line(zone));
  EXPECT_EQ(records.back(), soa_line(zone));
  records.pop_back();
  std::vector<std::string> expected = lines_of(zone);
  std::ranges::sort(expected);
  std::ranges::sort(records);
  EXPECT_EQ(records.size(), expected.size());
  EXPECT_TRUE(records == expected);
}

// An IXFR request: RFC 1995 section 3.
inline Octets ixfr_of(const std::string& name, u32 serial, std::string_view more = "") {
  Octets packet = query_of(name + " IXFR noedns " + std::string(more)).packet;
  Octets soa(600);
  ByteWriter out(soa);
  out.u16(0xc00c);
  out.u16(dns::code(dns::RrType::SOA));
  out.u16(1);
  out.u32(0);
  out.u16(2 + 2 + 20);
  out.u16(0xc00c);
  out.u16(0xc00c);
  out.u32(serial);
  out.zeros(16);
  packet.insert(packet.end(), soa.begin(), soa.begin() + static_cast<std::ptrdiff_t>(out.size()));
  packet[9] = 1;
  return packet;
}

}  // namespace samara::server
