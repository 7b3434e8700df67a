// Queries and the responses to them as lines of text, for the scenario files in tests/data/server:
//
//   > NAME TYPE [do] [tcp] [edns=SIZE] [noedns] [rd] [cd] [class=CLASS] [version=N] [opcode=N] [nsid] [expire] [zoneversion]
//   [keepalive] [cookie=HEX]
//   RCODE [flags…] [opt=SIZE[,do]] [nsid=HEX] [expire=N] [zoneversion=HEX] [cookie=HEX] [ede=N] answer NAME TTL TYPE
//   RDATA authority … additional …
//
// In front of them may stand the zones to be served, `zone APEX` and its records with `| ` in front; without any, those of
// tests/data/server are.
//
// An empty line ends a response; `;` begins a comment. Sections stand in the order of the message. A line `answer * COUNT` says
// only how many records a section has.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/record_image.h"
#include "platform/codec/hex.h"

namespace samara::server {

using Octets = std::vector<u8>;

inline dns::Name name_of(std::string_view text) {
  const auto name = dns::Name::parse(text, dns::Name());
  EXPECT_TRUE(name.ok()) << text;
  return name.value();
}

inline Octets octets_of(std::string_view hex) {
  Octets octets(hex.size() / 2);
  ByteWriter out(octets);
  EXPECT_TRUE(codec::decode_hex(hex, out).ok()) << hex;
  return octets;
}

struct ScenarioQuery {
  Octets packet;
  bool tcp = false;
};

inline ScenarioQuery query_of(const std::string& line) {
  std::istringstream words(line);
  std::string name;
  std::string type;
  words >> name >> type;
  ScenarioQuery query;
  u16 flags = 0;
  u16 payload = 1232;
  bool edns = true;
  bool dnssec = false;
  u8 version = 0;
  std::string rr_class = "IN";
  Octets options;
  const auto empty_option = [&](dns::EdnsOption option) {
    for (const u8 octet : {u8{0}, static_cast<u8>(dns::code(option)), u8{0}, u8{0}}) options.push_back(octet);
  };
  for (std::string word; words >> word;) {
    const std::string value = word.substr(word.find('=') + 1);
    if (word == "do")
      dnssec = true;
    else if (word == "tcp")
      query.tcp = true;
    else if (word == "rd")
      flags |= dns::flag_rd;
    else if (word == "cd")
      flags |= dns::flag_cd;
    else if (word == "noedns")
      edns = false;
    else if (word == "nsid")
      empty_option(dns::EdnsOption::nsid);
    else if (word == "expire")
      empty_option(dns::EdnsOption::expire);
    else if (word == "zoneversion")
      empty_option(dns::EdnsOption::zoneversion);
    else if (word == "keepalive")
      empty_option(dns::EdnsOption::tcp_keepalive);
    else if (word.starts_with("cookie=")) {
      for (const u8 octet :
           {u8{0}, static_cast<u8>(dns::code(dns::EdnsOption::cookie)), u8{0}, static_cast<u8>(value.size() / 2)})
        options.push_back(octet);
      const Octets data = octets_of(value);
      options.insert(options.end(), data.begin(), data.end());
    } else if (word.starts_with("edns="))
      payload = static_cast<u16>(std::stoi(value));
    else if (word.starts_with("class="))
      rr_class = value;
    else if (word.starts_with("version="))
      version = static_cast<u8>(std::stoi(value));
    else if (word.starts_with("opcode="))
      flags |= static_cast<u16>(std::stoi(value) << 11);
    else
      ADD_FAILURE() << "unknown word " << word;
  }
  query.packet.resize(1024);
  ByteWriter out(query.packet);
  out.u16(0x1234);
  out.u16(flags);
  for (const u16 count : {1, 0, 0, edns ? 1 : 0}) out.u16(static_cast<u16>(count));
  out.bytes(name_of(name).wire());
  const auto rr_type = dns::parse_type(type);
  EXPECT_TRUE(rr_type.has_value()) << type;
  out.u16(dns::code(rr_type.value_or(dns::RrType::A)));
  out.u16(dns::code(dns::parse_class(rr_class).value_or(dns::RrClass::IN)));
  if (edns) {
    out.u8(0);
    out.u16(dns::code(dns::RrType::OPT));
    out.u16(payload);
    out.u8(0);
    out.u8(version);
    out.u16(dnssec ? 0x8000 : 0);
    out.u16(static_cast<u16>(options.size()));
    out.bytes(options);
  }
  EXPECT_FALSE(out.overflowed());
  query.packet.resize(out.size());
  return query;
}

template <class Write>
std::string text_by(Write write) {
  std::vector<char> memory(size_t{1} << 17);
  TextWriter out(memory);
  write(out);
  EXPECT_FALSE(out.overflowed());
  return std::string(out.view());
}

// The response in the form above, read by nothing of what wrote it.
inline std::string text_of_response(Bytes packet, Bytes query) {
  if (packet.empty()) return "no response\n";
  EXPECT_GE(packet.size(), dns::header_size);
  ByteReader at(packet);
  EXPECT_EQ(at.u16().value_or(0), load_be16(query));
  const u16 flags = at.u16().value_or(0);
  EXPECT_NE(flags & dns::flag_qr, 0);
  EXPECT_EQ(flags & 0x7800, load_be16(query, 2) & 0x7800);
  const bool recursion_echoed = (load_be16(query, 2) & 0x7800) == 0 && (load_be16(query, 2) & dns::flag_rd) != 0;
  EXPECT_EQ((flags & dns::flag_rd) != 0, recursion_echoed);
  std::array<u16, 4> counts{};
  for (u16& count : counts) count = at.u16().value_or(0);
  for (u16 i = 0; i < counts[0]; ++i) {
    const auto name = dns::Name::from_message(at);
    EXPECT_TRUE(name.ok() && at.skip(4).ok());
  }
  if (counts[0] == 1) {  // the question comes back octet by octet
    EXPECT_TRUE(std::ranges::equal(packet.subspan(12, at.position() - 12), query.subspan(12, at.position() - 12)));
  }
  unsigned rcode = flags & 15;
  std::string opt;
  std::string records;
  const auto read_options = [&](ByteReader options) {
    while (!options.at_end()) {
      const u16 code = options.u16().value_or(0);
      const Bytes data = options.bytes(options.u16().value_or(0)).value_or(Bytes());
      const std::string hex = text_by([&](TextWriter& out) { codec::encode_hex(data, out); });
      switch (code) {
        case dns::code(dns::EdnsOption::nsid): opt += " nsid=" + hex; break;
        case dns::code(dns::EdnsOption::expire): opt += " expire=" + std::to_string(load_be32(data)); break;
        case dns::code(dns::EdnsOption::zoneversion): opt += " zoneversion=" + hex; break;
        case dns::code(dns::EdnsOption::cookie): opt += " cookie=" + hex; break;
        case dns::code(dns::EdnsOption::tcp_keepalive): opt += " keepalive=" + std::to_string(load_be16(data)); break;
        case dns::code(dns::EdnsOption::extended_error): opt += " ede=" + std::to_string(load_be16(data)); break;
        default: opt += " option" + std::to_string(code);
      }
    }
  };
  static constexpr std::array<std::string_view, 3> sections{"answer", "authority", "additional"};
  for (size_t section = 0; section < 3; ++section) {
    for (u16 i = 0; i < counts[section + 1]; ++i) {
      const auto owner = dns::Name::from_message(at);
      if (!owner.ok() || at.remaining() < dns::record_fixed_size) {
        ADD_FAILURE() << "a record cannot be read";
        return records;
      }
      const auto type = static_cast<dns::RrType>(at.u16().value());
      const u16 rr_class = at.u16().value();
      const u32 ttl = at.u32().value();
      const u16 length = at.u16().value();
      if (type == dns::RrType::OPT) {
        EXPECT_TRUE(owner.value().is_root());
        EXPECT_EQ(section, 2U);
        rcode |= (ttl >> 24) << 4;
        opt += " opt=" + std::to_string(rr_class) + ((ttl & 0x8000) != 0 ? ",do" : "");
        read_options(at.sub(length).value());
        continue;
      }
      Octets stored(65'535);
      ByteWriter rdata(stored);
      EXPECT_TRUE(dns::rdata_from_message(type, at, length, rdata).ok());
      records += text_by([&](TextWriter& out) {
        out.put(sections[section]);
        out.put(' ');
        owner.value().write_text(out);
        out.put(' ');
        out.put(ttl);
        out.put(rr_class == 1 ? " " : " CH ");
        dns::write_type(type, out);
        out.put(' ');
        dns::write_rdata_text(type, rdata.written(), out);
        out.put('\n');
      });
    }
  }
  EXPECT_TRUE(at.at_end());
  std::string head(rcode == 16 ? "BADVERS" : rcode == 23 ? "BADCOOKIE" : dns::rcode_name(static_cast<dns::Rcode>(rcode)));
  for (const auto& [bit, word] :
       {std::pair{dns::flag_aa, " aa"}, std::pair{dns::flag_tc, " tc"}, std::pair{dns::flag_rd, " rd"},
        std::pair{dns::flag_ra, " ra"}, std::pair{dns::flag_ad, " ad"}, std::pair{dns::flag_cd, " cd"}}) {
    if ((flags & bit) != 0) head += word;
  }
  return head + opt + "\n" + records;
}

}  // namespace samara::server
