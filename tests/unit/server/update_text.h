// UPDATE messages from lines of text, and what they do to a zone as lines of text.
//
//   ? OWNER TTL CLASS TYPE [RDATA]     a prerequisite
//   ! OWNER TTL CLASS TYPE [RDATA]     a change
//
// Names are relative to the zone. Without RDATA the record has none.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "../zone/master_file_zone.h"
#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata_text.h"
#include "server/update.h"
#include "zone/content_digest.h"
#include "zone/diff.h"
#include "zone/format.h"
#include "zone/revision.h"

namespace samara::server {

using Lines = std::vector<std::string>;

struct UpdateText {
  std::string zone = "example.";
  std::string zone_type = "SOA";
  std::string zone_class = "IN";
  u16 id = 0x1234;

  std::vector<u8> message(const Lines& lines) const {
    std::vector<u8> octets(65'535);
    ByteWriter out(octets);
    const dns::Name apex = zone::name_of(zone);
    std::array<u16, 2> counts{};
    for (const std::string& line : lines) ++counts[line[0] == '?' ? 0 : 1];
    for (const u16 word : {id, u16{5 << 11}, u16{1}, counts[0], counts[1], u16{0}}) out.u16(word);
    out.bytes(apex.wire());
    out.u16(dns::code(dns::parse_type(zone_type).value()));
    out.u16(dns::code(dns::parse_class(zone_class).value()));
    for (const char section : {'?', '!'}) {
      for (const std::string& line : lines) {
        if (line[0] == section) write_record(line.substr(2), apex, out);
      }
    }
    EXPECT_FALSE(out.overflowed());
    octets.resize(out.size());
    return octets;
  }

 private:
  static void write_record(const std::string& line, const dns::Name& apex, ByteWriter& out) {
    std::istringstream words(line);
    std::string owner;
    std::string ttl;
    std::string rr_class;
    std::string type;
    words >> owner >> ttl >> rr_class >> type;
    std::string text;
    std::getline(words, text);
    out.bytes(dns::Name::parse(owner, apex).value().wire());
    const dns::RrType number = dns::parse_type(type).value();
    out.u16(dns::code(number));
    out.u16(dns::code(dns::parse_class(rr_class).value()));
    out.u32(static_cast<u32>(std::stoul(ttl)));
    const size_t length_at = out.size();
    out.u16(0);
    if (text.find_first_not_of(' ') == std::string::npos) return;
    dns::Lexer lexer(text);
    EXPECT_TRUE(dns::parse_rdata(number, lexer, apex, out).ok()) << line;
    out.patch_u16(length_at, static_cast<u16>(out.size() - length_at - 2));
  }
};

inline Lines changes_between(const zone::Zone& from, const zone::Zone& to) {
  Lines lines;
  const auto line = [&lines](char sign) {
    return [&lines, sign](const dns::Name& owner, zone::RecordView record) {
      std::vector<char> memory(zone::max_record_line);
      TextWriter out(memory);
      zone::write_record_line(owner, record, out);
      lines.push_back(std::string{sign, ' '} + std::string(out.view().substr(0, out.view().size() - 1)));
    };
  };
  const auto difference = zone::Difference::between(from, to);
  EXPECT_TRUE(difference.has_value());
  difference->for_each_deleted(line('-'));
  difference->for_each_added(line('+'));
  return lines;
}

inline UpdateRule rule_for(std::vector<dns::RrType> types) {
  UpdateRule rule;
  rule.types = std::move(types);
  return rule;
}

inline Requester requester(std::string_view address = "192.0.2.1") {
  return {*IpAddress::parse(address), std::nullopt, dns::Name(), true};
}

// A zone and updates to it, each seeing what those before it did.
class UpdatedZone {
 public:
  explicit UpdatedZone(std::string_view text, std::string_view apex = "example.")
      : zones_(apex), zone_(zones_.build(text)), versions_(zones_.memory()) {
    versions_.adopt(zone_);
  }

  // The response code; with NOERROR and a change the zone is the new one.
  std::string update_by(Bytes message) {
    const auto read = UpdateMessage::read(message);
    if (!read.ok()) return std::string(dns::rcode_name(read.error()));
    const UpdateRights rights(rules, everything, who, zone_.apex(), is_signed(zone_));
    before_ = zone_;
    room.zone_octets = zone::content_octets(zone_);
    outcome = apply_update(zone_, read.value(), rights, room);
    if (outcome.patch.has_value()) {
      EXPECT_EQ(outcome.rcode, dns::Rcode::NOERROR);
      const auto applied = versions_.apply(*outcome.patch);
      EXPECT_TRUE(applied.ok()) << (applied.ok() ? "" : zone::describe(applied.error().error));
      if (applied.ok()) zone_ = applied.value();
      EXPECT_EQ(zone_.serial(), outcome.serial);
      EXPECT_EQ(zone::content_octets(zone_), room.zone_octets + static_cast<u64>(outcome.growth));
      EXPECT_EQ(outcome.serial.compare(before_->serial()), dns::Serial::Order::greater);
    }
    return std::string(dns::rcode_name(outcome.rcode));
  }
  std::string update(const Lines& lines) { return update_by(text.message(lines)); }
  // What the last update changed, SOA records left out; "same" when it did not make a new version.
  Lines changes() const {
    if (!outcome.patch.has_value()) return {"same"};
    Lines lines = changes_between(*before_, zone_);
    std::erase_if(lines, [](const std::string& line) { return line.find(" IN SOA ") != std::string::npos; });
    return lines;
  }
  const zone::Zone& zone() const { return zone_; }

  UpdateText text;
  std::vector<UpdateRule> rules;
  bool everything = true;
  Requester who = requester();
  UpdateRoom room;
  UpdateOutcome outcome;

 private:
  zone::TestZones zones_;
  zone::Zone zone_;
  zone::VersionedZone versions_;
  std::optional<zone::Zone> before_;
};

}  // namespace samara::server
