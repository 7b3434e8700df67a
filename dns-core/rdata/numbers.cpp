#include "dns-core/rdata/numbers.h"

#include <algorithm>
#include <array>

#include "dns-core/name.h"

namespace samara::dns {
namespace {

// IANA "DNS Security Algorithm Numbers"; the last two names are spellings other tools use.
constexpr auto algorithms = std::to_array<NamedNumber>({
    {"DELETE", 0},
    {"RSAMD5", 1},
    {"DH", 2},
    {"DSA", 3},
    {"RSASHA1", 5},
    {"DSA-NSEC3-SHA1", 6},
    {"RSASHA1-NSEC3-SHA1", 7},
    {"RSASHA256", 8},
    {"RSASHA512", 10},
    {"ECC-GOST", 12},
    {"ECDSAP256SHA256", 13},
    {"ECDSAP384SHA384", 14},
    {"ED25519", 15},
    {"ED448", 16},
    {"SM2SM3", 17},
    {"ECC-GOST12", 23},
    {"INDIRECT", 252},
    {"PRIVATEDNS", 253},
    {"PRIVATEOID", 254},
    {"NSEC3DSA", 6},
    {"NSEC3RSASHA1", 7},
});
constexpr auto digest_types = std::to_array<NamedNumber>({
    {"SHA-1", 1},
    {"SHA-256", 2},
    {"GOST", 3},
    {"SHA-384", 4},
    {"SHA1", 1},
    {"SHA256", 2},
    {"SHA384", 4},
});
constexpr auto certificate_types = std::to_array<NamedNumber>({
    {"PKIX", 1},
    {"SPKI", 2},
    {"PGP", 3},
    {"IPKIX", 4},
    {"ISPKI", 5},
    {"IPGP", 6},
    {"ACPKIX", 7},
    {"IACPKIX", 8},
    {"URI", 253},
    {"OID", 254},
});
// RFC 2535 section 7.1; several are written with `|` in between.
constexpr auto key_flags = std::to_array<NamedNumber>({
    {"NOCONF", 0x4000}, {"NOAUTH", 0x8000}, {"NOKEY", 0xc000},  {"FLAG2", 0x2000}, {"EXTEND", 0x1000}, {"FLAG4", 0x0800},
    {"FLAG5", 0x0400},  {"USER", 0},        {"ZONE", 0x0100},   {"HOST", 0x0200},  {"NTYP3", 0x0300},  {"FLAG8", 0x0080},
    {"FLAG9", 0x0040},  {"FLAG10", 0x0020}, {"FLAG11", 0x0010}, {"SIG0", 0},       {"SIG1", 1},        {"SIG2", 2},
    {"SIG3", 3},        {"SIG4", 4},        {"SIG5", 5},        {"SIG6", 6},       {"SIG7", 7},        {"SIG8", 8},
    {"SIG9", 9},        {"SIG10", 10},      {"SIG11", 11},      {"SIG12", 12},     {"SIG13", 13},      {"SIG14", 14},
    {"SIG15", 15},
});
constexpr auto key_protocols =
    std::to_array<NamedNumber>({{"TLS", 1}, {"EMAIL", 2}, {"DNSSEC", 3}, {"IPSEC", 4}, {"ALL", 255}});
constexpr auto tlsa_usages =
    std::to_array<NamedNumber>({{"PKIX-TA", 0}, {"PKIX-EE", 1}, {"DANE-TA", 2}, {"DANE-EE", 3}, {"PrivCert", 255}});
constexpr auto tlsa_selectors = std::to_array<NamedNumber>({{"Cert", 0}, {"SPKI", 1}, {"PrivSel", 255}});
constexpr auto tlsa_matchings = std::to_array<NamedNumber>({{"Full", 0}, {"SHA2-256", 1}, {"SHA2-512", 2}, {"PrivMatch", 255}});
constexpr auto dsync_schemes = std::to_array<NamedNumber>({{"NOTIFY", 1}});
// 16 is BADVERS in OPT and BADSIG elsewhere (RFC 8945 section 3); the field kind stands in TSIG and TKEY.
constexpr auto rcodes = std::to_array<NamedNumber>({
    {"NOERROR", 0},  {"FORMERR", 1},  {"SERVFAIL", 2}, {"NXDOMAIN", 3}, {"NOTIMP", 4},     {"REFUSED", 5},    {"YXDOMAIN", 6},
    {"YXRRSET", 7},  {"NXRRSET", 8},  {"NOTAUTH", 9},  {"NOTZONE", 10}, {"DSOTYPENI", 11}, {"BADSIG", 16},    {"BADKEY", 17},
    {"BADTIME", 18}, {"BADMODE", 19}, {"BADNAME", 20}, {"BADALG", 21},  {"BADTRUNC", 22},  {"BADCOOKIE", 23},
});

struct FieldForm {
  Field field;
  NumberForm form;
};
constexpr bool written = true;
constexpr bool accepted = false;
// clang-format off
constexpr auto forms = std::to_array<FieldForm>({
    {Field::algorithm, {algorithms, accepted, "an algorithm up to 255, or a mnemonic such as ECDSAP256SHA256"}},
    {Field::digest_type, {digest_types, accepted, "a digest type up to 255, or a mnemonic such as SHA-256"}},
    {Field::certificate_type, {certificate_types, written, "a certificate type up to 65535, or a mnemonic such as PKIX"}},
    {Field::key_flags, {key_flags, accepted, "key flags up to 65535, or mnemonics such as ZONE|SIG1"}},
    {Field::key_protocol, {key_protocols, accepted, "a key protocol up to 255, or a mnemonic such as DNSSEC"}},
    {Field::tlsa_usage, {tlsa_usages, accepted, "a certificate usage up to 255, or a mnemonic such as DANE-EE"}},
    {Field::tlsa_selector, {tlsa_selectors, accepted, "a selector up to 255, or a mnemonic such as SPKI"}},
    {Field::tlsa_matching, {tlsa_matchings, accepted, "a matching type up to 255, or a mnemonic such as SHA2-256"}},
    {Field::dsync_scheme, {dsync_schemes, written, "a scheme up to 255, or NOTIFY"}},
    {Field::rcode, {rcodes, written, "a response code up to 65535, or a mnemonic such as BADKEY"}},
});
// clang-format on

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

struct Date {
  i64 year;
  i64 month;  // 1 to 12
  i64 day;    // 1 to 31
};

// Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is the last.
constexpr i64 days_from_date(Date d) {
  const i64 year = d.month <= 2 ? d.year - 1 : d.year;
  const i64 month_from_march = (d.month + 9) % 12;
  return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + d.day - 1 - 719'468;
}
constexpr Date date_from_days(i64 days) {  // days >= 0
  i64 year = 1970 + days / 366;
  while (days_from_date({year + 1, 1, 1}) <= days) ++year;
  i64 month = 1;
  while (month < 12 && days_from_date({year, month + 1, 1}) <= days) ++month;
  return {year, month, days - days_from_date({year, month, 1}) + 1};
}
static_assert(days_from_date({1970, 1, 1}) == 0 && days_from_date({2000, 3, 1}) == 11'017);

constexpr bool is_date(Date d) {
  if (d.month < 1 || d.month > 12 || d.day < 1) return false;
  const i64 next = d.month == 12 ? days_from_date({d.year + 1, 1, 1}) : days_from_date({d.year, d.month + 1, 1});
  return d.day <= next - days_from_date({d.year, d.month, 1});
}

}  // namespace

NumberForm number_form(Field field) {
  for (const FieldForm& f : forms) {
    if (f.field == field) return f.form;
  }
  return {};
}

std::optional<u32> value_of(std::span<const NamedNumber> names, std::string_view name) {
  for (const NamedNumber& n : names) {
    if (equal_ignoring_case(n.name, name)) return n.value;
  }
  return std::nullopt;
}

std::string_view name_of(std::span<const NamedNumber> names, u32 value) {
  for (const NamedNumber& n : names) {
    if (n.value == value) return n.name;
  }
  return {};
}

std::string_view nearest_name(std::span<const NamedNumber> names, std::string_view text) {
  std::string_view best;
  size_t best_distance = suggestion_distance(text) + 1;
  for (const NamedNumber& n : names) {
    const size_t distance = edit_distance(text, n.name, best_distance);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = n.name;
  }
  return best;
}

std::optional<u64> parse_number(std::string_view text, u64 max) {
  if (text.empty()) return std::nullopt;
  u64 value = 0;
  for (const char c : text) {
    const auto digit = static_cast<u8>(c - '0');
    if (digit > 9 || value > (max - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::optional<u32> parse_period(std::string_view text, u32 max) {
  u64 total = 0;
  u64 part = 0;
  bool digits = false;  // since the last unit
  bool units = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      part = part * 10 + static_cast<u64>(c - '0');
      if (part > max) return std::nullopt;
      digits = true;
      continue;
    }
    u64 seconds = 0;
    switch (upper(c)) {
      case 'W': seconds = 604'800; break;
      case 'D': seconds = 86'400; break;
      case 'H': seconds = 3'600; break;
      case 'M': seconds = 60; break;
      case 'S': seconds = 1; break;
      default: return std::nullopt;
    }
    if (!digits) return std::nullopt;
    total += part * seconds;
    if (total > max) return std::nullopt;
    part = 0;
    digits = false;
    units = true;
  }
  // Digits at the end have no unit: fine for a plain number, unclear after "1h".
  if (digits == units) return std::nullopt;
  return static_cast<u32>(total + part);
}

std::optional<u32> parse_time(std::string_view text) {
  if (text.size() != 14) {
    const auto seconds = parse_number(text, UINT32_MAX);
    if (!seconds.has_value()) return std::nullopt;
    return static_cast<u32>(*seconds);
  }
  const auto part = [&](size_t at, size_t size) -> i64 {
    const auto value = parse_number(text.substr(at, size), 9999);
    return value.has_value() ? static_cast<i64>(*value) : -1;
  };
  const Date date{part(0, 4), part(4, 2), part(6, 2)};
  const i64 hour = part(8, 2);
  const i64 minute = part(10, 2);
  const i64 second = part(12, 2);
  if (date.year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || !is_date(date)) {
    return std::nullopt;
  }
  const i64 seconds = days_from_date(date) * 86'400 + hour * 3'600 + minute * 60 + second;
  // The field counts modulo 2^32 (RFC 4034 section 3.2), so dates after 2106-02-07 06:28:15 have a value, and before 1970 too,
  // as far back as it can mean.
  if (seconds < INT32_MIN) return std::nullopt;
  return static_cast<u32>(seconds);
}

void write_time(u32 seconds, TextWriter& out) {
  const Date date = date_from_days(seconds / 86'400);
  out.decimal(static_cast<u64>(date.year), 4);
  out.decimal(static_cast<u64>(date.month), 2);
  out.decimal(static_cast<u64>(date.day), 2);
  out.decimal(seconds / 3'600 % 24, 2);
  out.decimal(seconds / 60 % 60, 2);
  out.decimal(seconds % 60, 2);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, upper, upper);
}

size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  constexpr size_t longest = 24;  // no mnemonic is longer
  if (a.size() > longest || b.size() > longest) return limit + 1;
  // Optimal string alignment; three rows of the table are enough.
  std::array<std::array<size_t, longest + 1>, 3> rows{};
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = upper(a[i - 1]) == upper(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && upper(a[i - 1]) == upper(b[j - 2]) && upper(a[i - 2]) == upper(b[j - 1])) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
  }
  return std::min(rows[a.size() % 3][b.size()], limit + 1);
}

}  // namespace samara::dns
