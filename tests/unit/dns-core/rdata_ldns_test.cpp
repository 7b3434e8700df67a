// ldns as an independent second opinion on every type it knows: text, wire form and canonical order of generated data. Where
// the two differ is listed with the reason in tests/data/rdata/ldns-differences.txt; a line there that no longer describes a
// difference fails the test as well.
#include <map>
#include <set>

#include "rdata_cases.h"
#include "rdata_random.h"

// Last: its macros break the standard library's headers.
#include <ldns/ldns.h>

// ldns 1.8.3 loses the fields it has read when a later one is refused; LeakSanitizer asks for this function by name.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:ldns_wire2rr\nleak:ldns_rdf_new_frm_data\n";
}

namespace samara::dns {
namespace {

using test::to_hex;

struct Free {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(char* text) const { std::free(text); }
  void operator()(u8* octets) const { std::free(octets); }
};
using LdnsRr = std::unique_ptr<ldns_rr, Free>;

constexpr std::string_view owner_text = "owner.example. 3600 IN ";

bool ldns_knows(RrType type) {
  const ldns_rr_descriptor* d = ldns_rr_descript(code(type));
  return d != nullptr && d->_type == code(type) && d->_name != nullptr && std::string_view(d->_name).substr(0, 4) != "TYPE";
}

LdnsRr from_wire(RrType type, Bytes rdata) {
  std::vector<u8> record = {0};  // the root as owner
  for (const u32 n : {u32{code(type)}, u32{1}, u32{0}, u32{3600}, static_cast<u32>(rdata.size())}) {
    record.push_back(static_cast<u8>(n >> 8));
    record.push_back(static_cast<u8>(n));
  }
  record.insert(record.end(), rdata.begin(), rdata.end());
  ldns_rr* rr = nullptr;
  size_t position = 0;
  if (ldns_wire2rr(&rr, record.data(), record.size(), &position, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK) return nullptr;
  return LdnsRr(rr);
}

LdnsRr from_text(RrType type, const std::string& text) {
  TextBuffer<20> mnemonic;
  write_type(type, mnemonic.writer());
  const std::string line = std::string(owner_text) + std::string(mnemonic.view()) + " " + text;
  ldns_rr* rr = nullptr;
  if (ldns_rr_new_frm_str(&rr, line.c_str(), 3600, nullptr, nullptr) != LDNS_STATUS_OK) return nullptr;
  return LdnsRr(rr);
}

// The same text with the mnemonics that came after ldns 1.8.3 as TYPEnnn.
std::string without_new_mnemonics(RrType type, const std::string& text) {
  if (type != RrType::NSEC && type != RrType::NSEC3 && type != RrType::CSYNC && type != RrType::RRSIG && type != RrType::SIG) {
    return text;
  }
  std::string plain;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find(' ', start), text.size());
    const std::string word = text.substr(start, end - start);
    const Descriptor* known = find_descriptor(word);
    plain += known != nullptr && !ldns_knows(known->type) ? "TYPE" + std::to_string(code(known->type)) : word;
    if (end != text.size()) plain += ' ';
    start = end + 1;
  }
  return plain;
}

std::string wire_hex(const ldns_rr* rr) {
  u8* octets = nullptr;
  size_t size = 0;
  if (ldns_rr2wire(&octets, rr, LDNS_SECTION_ANSWER, &size) != LDNS_STATUS_OK) return "not writable";
  const std::unique_ptr<u8, Free> owned(octets);
  const Bytes record(octets, size);
  const size_t rdata = wire_name_size(record) + 10;
  return to_hex(record.subspan(rdata));
}

std::string text_of(const ldns_rr* rr) {
  const std::unique_ptr<char, Free> line(ldns_rr2str(rr));
  if (line == nullptr) return {};
  std::string_view text = line.get();
  for (int field = 0; field < 4; ++field) text.remove_prefix(std::min(text.find('\t') + 1, text.size()));
  if (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text);
}

std::map<std::pair<u16, std::string>, bool> listed_differences() {
  std::map<std::pair<u16, std::string>, bool> listed;  // whether it was seen
  for (const auto& c : test::read_cases("ldns-differences.txt", 3)) {
    EXPECT_FALSE(c.columns[2].empty()) << "a difference needs a reason";
    listed[{code(test::type_of(c.columns[0])), c.columns[1]}] = false;
  }
  return listed;
}

TEST(RdataLdns, AgreesOnTextAndWireAndOrder) {
  auto listed = listed_differences();
  test::RandomRdata random(4, test::RandomRdata::Style::plain);
  std::set<std::pair<u16, std::string>> reported;
  size_t types = 0;
  const auto differ = [&](const Descriptor& d, const std::string& step, const std::string& what) {
    const auto known = listed.find({code(d.type), step});
    if (known != listed.end()) {
      known->second = true;
    } else if (reported.insert({code(d.type), step}).second) {
      ADD_FAILURE() << d.mnemonic << " | " << step << " | " << what;
    }
  };
  for (const Descriptor& d : all_descriptors()) {
    if (!ldns_knows(d.type)) continue;
    ++types;
    for (int i = 0; i < 150; ++i) {
      const auto wire = random.data(d);
      const std::string hex = to_hex(wire);
      const std::string ours = test::write(d.type, wire);

      const LdnsRr theirs = from_wire(d.type, wire);
      if (theirs == nullptr || wire_hex(theirs.get()) != hex) {
        differ(d, "wire", hex);
      } else {
        const std::string text = text_of(theirs.get());
        const auto read = test::parse(d.type, text);
        if (!read.ok || to_hex(read.wire) != hex)
          differ(d, "write", text + ": " + (read.ok ? to_hex(read.wire) : read.error) + "; " + ours);
      }

      const LdnsRr reread = from_text(d.type, without_new_mnemonics(d.type, ours));
      if (reread == nullptr || wire_hex(reread.get()) != hex) {
        differ(d, "read", ours + (reread == nullptr ? " is refused" : " becomes " + wire_hex(reread.get())) + " for " + hex);
      }

      auto other = random.data(d);
      if (random.below(2) == 0) {
        other = wire;
        for (u8& octet : other) {
          if (octet >= 'a' && octet <= 'z' && random.below(2) == 0) octet = static_cast<u8>(octet - 32);
        }
        if (!test::is_valid(d.type, other)) other = wire;
      }
      const LdnsRr second = from_wire(d.type, other);
      if (theirs == nullptr || second == nullptr) continue;
      const auto order = ldns_rr_compare(theirs.get(), second.get()) <=> 0;
      if (canonical_compare_rdata(d.type, wire, other) != order) differ(d, "order", hex + " " + to_hex(other));
    }
  }
  EXPECT_GT(types, 60U);
  for (const auto& [difference, seen] : listed) {
    EXPECT_TRUE(seen) << "TYPE" << difference.first << " " << difference.second << " is listed, but there is no difference";
  }
}

}  // namespace
}  // namespace samara::dns
