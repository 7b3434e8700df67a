// Canonical text of a zone: one record a line, `OWNER TTL IN TYPE DATA`, all names absolute, owners in lower case, every line
// complete in itself. The SOA comes first; all other records follow in canonical order (RFC 4034 section 6), each RRset's
// signatures right behind it. What is written reads back as the same zone.
#pragma once

#include <vector>

#include "zone/zone.h"

namespace samara::zone {

// No record's line is longer: the most is an NSEC bitmap of all types, 80 characters an octet.
constexpr size_t max_record_line = size_t{1} << 20;

// One line with its newline. `out` has room for max_record_line characters.
void write_record_line(const dns::Name& owner, RecordView record, TextWriter& out);

// Calls sink(std::string_view line) for each line.
template <class Sink>
void write_zone(const Zone& zone, Sink&& sink) {
  std::vector<char> memory(max_record_line);
  const auto write = [&](const dns::Name& owner, const RrsetView& set) {
    set.for_each_record([&](RecordView record) {
      TextWriter line(memory);
      write_record_line(owner, record, line);
      sink(line.view());
    });
  };
  const auto write_signed = [&](const dns::Name& owner, const RrsetView& set) {
    write(owner, set);
    if (set.has_signatures()) write(owner, set.signatures());
  };
  write_signed(zone.apex().lowercased(), zone.soa());
  zone.for_each_node([&](const NodeView& node) {
    const dns::Name owner = zone.owner(node).lowercased();
    node.for_each_rrset([&](const RrsetView& set) {
      if (set.type() != dns::RrType::SOA) write_signed(owner, set);
    });
  });
}

}  // namespace samara::zone
