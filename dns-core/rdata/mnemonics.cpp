// Types, classes, response codes and TTLs as people write them.
#include <array>

#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/numbers.h"
#include "dns-core/rdata/rdata_text.h"

namespace samara::dns {
namespace {

constexpr auto classes = std::to_array<NamedNumber>({
    {"IN", 1},
    {"CH", 3},
    {"HS", 4},
    {"NONE", 254},
    {"ANY", 255},
    {"CHAOS", 3},
    {"HESIOD", 4},
});

// The number after "TYPE" or "CLASS" (RFC 3597 section 5).
std::optional<u16> parse_generic(std::string_view text, std::string_view prefix) {
  if (text.size() <= prefix.size() || !equal_ignoring_case(text.substr(0, prefix.size()), prefix)) return std::nullopt;
  const auto number = parse_number(text.substr(prefix.size()), 65535);
  if (!number.has_value()) return std::nullopt;
  return static_cast<u16>(*number);
}

}  // namespace

std::optional<RrType> parse_type(std::string_view text) {
  if (const Descriptor* known = find_descriptor(text)) return known->type;
  const auto number = parse_generic(text, "TYPE");
  if (!number.has_value()) return std::nullopt;
  return RrType{*number};
}

void write_type(RrType type, TextWriter& out) {
  if (const Descriptor* known = find_descriptor(type); known != nullptr && !is_written_by_number(type)) {
    out.put(known->mnemonic);
    return;
  }
  out.put("TYPE");
  out.put(code(type));
}

std::optional<RrClass> parse_class(std::string_view text) {
  if (const auto known = value_of(classes, text)) return RrClass{static_cast<u16>(*known)};
  const auto number = parse_generic(text, "CLASS");
  if (!number.has_value()) return std::nullopt;
  return RrClass{*number};
}

void write_class(RrClass rr_class, TextWriter& out) {
  const std::string_view name = name_of(classes, code(rr_class));
  if (!name.empty()) {
    out.put(name);
    return;
  }
  out.put("CLASS");
  out.put(code(rr_class));
}

std::string_view rcode_name(Rcode rcode) {
  if (rcode == Rcode::BADVERS) return "BADVERS";  // in messages; TSIG's 16 is BADSIG (RFC 8945 section 3)
  return name_of(number_form(Field::rcode).names, code(rcode));
}

void RcodeText::write_text(TextWriter& out) const {
  const std::string_view name = rcode_name(rcode);
  out.put(name.empty() ? "RCODE" : name);
  if (name.empty()) out.put(code(rcode));
}

std::optional<Ttl> parse_ttl(std::string_view text) {
  const auto seconds = parse_period(text, Ttl::max);
  if (!seconds.has_value()) return std::nullopt;
  return Ttl(*seconds);
}

std::string_view nearest_type(std::string_view text) {
  std::string_view best;
  size_t best_distance = suggestion_distance(text) + 1;
  for (const Descriptor& d : all_descriptors()) {
    const size_t distance = edit_distance(text, d.mnemonic, best_distance);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = d.mnemonic;
  }
  return best;
}

}  // namespace samara::dns
