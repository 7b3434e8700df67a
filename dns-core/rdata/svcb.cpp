// The wire form and the writing of text; reading is in svcb_read.cpp.
#include "dns-core/rdata/svcb.h"

#include <algorithm>

#include "dns-core/rdata/character_string.h"
#include "dns-core/rdata/ip_fields.h"
#include "dns-core/rdata/svcb_keys.h"
#include "platform/codec/base64.h"

namespace samara::dns {
namespace {

struct Param {
  SvcParamKey key{};
  Bytes value;
};

Param next_param(RdataCursor& at) {
  const auto key = SvcParamKey{at.u16()};
  return {key, at.bytes(at.u16())};
}

bool strictly_increasing(Bytes pairs) {
  for (size_t i = 2; i < pairs.size(); i += 2) {
    if (load_be16(pairs, i) <= load_be16(pairs, i - 2)) return false;
  }
  return true;
}

bool no_pair_twice(Bytes pairs) {
  for (size_t i = 0; i < pairs.size(); i += 2) {
    for (size_t j = 0; j < i; j += 2) {
      if (load_be16(pairs, i) == load_be16(pairs, j)) return false;
    }
  }
  return true;
}

// Strings that are not empty, each with its length in front.
bool is_list_of_strings(Bytes value) {
  RdataCursor at(value);
  while (!at.at_end()) {
    if (at.string().empty()) return false;
  }
  return !at.failed();
}

// Identifiers of protocols, each once and with an octet for its weight.
bool is_list_of_weights(Bytes value) {
  constexpr size_t max_protocols = 64;  // bounds the search for doubles; four are known
  std::array<Bytes, max_protocols> protocols;
  size_t count = 0;
  RdataCursor at(value);
  while (!at.at_end()) {
    const Bytes protocol = at.string();
    at.u8();
    if (at.failed() || protocol.empty() || count == max_protocols) return false;
    const auto before = std::span(protocols).first(count);
    if (std::ranges::any_of(before, [&](Bytes other) { return std::ranges::equal(other, protocol); })) return false;
    protocols[count++] = protocol;
  }
  return !at.failed() && count != 0;
}

bool is_many_of(Bytes value, size_t size) {
  return !value.empty() && value.size() % size == 0;
}

// RFC 9461 section 5: a template for a path, with a variable named "dns" in an expression.
bool is_doh_path(Bytes value) {
  if (value.empty() || value[0] != '/') return false;
  bool expression = false;
  size_t variable = 0;  // offset of the variable at hand
  const auto is_dns = [](Bytes name) { return std::ranges::equal(name, std::array<u8, 3>{'d', 'n', 's'}); };
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '{') {
      expression = true;
      variable = i + 1;
    } else if (expression && (value[i] == ',' || value[i] == '}')) {
      if (is_dns(value.subspan(variable, i - variable))) return true;
      expression = value[i] == ',';
      variable = i + 1;
    } else if (expression && i == variable && (value[i] < 'A' || value[i] == '|')) {
      variable = i + 1;  // an operator such as ? or &
    }
  }
  return false;
}

bool is_value(const Param& param) {
  const Bytes value = param.value;
  constexpr size_t max_groups = 512;  // bounds the search for doubles; far fewer are registered
  switch (param.key) {
    case SvcParamKey::mandatory: return is_many_of(value, 2) && load_be16(value) != 0 && strictly_increasing(value);
    case SvcParamKey::alpn: return !value.empty() && is_list_of_strings(value);
    case SvcParamKey::docpath: return is_list_of_strings(value);
    case SvcParamKey::oots: return is_list_of_weights(value);
    case SvcParamKey::pvd:
    case SvcParamKey::no_default_alpn:
    case SvcParamKey::ohttp: return value.empty();
    case SvcParamKey::port: return value.size() == 2;
    case SvcParamKey::ipv4hint: return is_many_of(value, 4);
    case SvcParamKey::ech: return !value.empty();
    case SvcParamKey::ipv6hint: return is_many_of(value, 16);
    case SvcParamKey::dohpath: return true;
    case SvcParamKey::tls_supported_groups:
      return is_many_of(value, 2) && value.size() <= 2 * max_groups && no_pair_twice(value);
  }
  return true;
}

void write_key(u16 key, TextWriter& out) {
  const std::string_view name = name_of(svc_param_keys, key);
  if (!name.empty() && key <= last_key_written_by_name) {
    out.put(name);
    return;
  }
  out.put("key");
  out.put(key);
}

// Calls write(element) for each `size` octets, with commas in between.
template <class F>
void write_list(Bytes value, size_t size, TextWriter& out, F write) {
  for (size_t i = 0; i < value.size(); i += size) {
    if (i != 0) out.put(',');
    write(value.subspan(i, size));
  }
}

// Appendix A.1: a comma or backslash within an identifier has a backslash of its own in the list, and that is escaped again in
// the string the list stands in.
void write_alpn_list(Bytes value, TextWriter& out) {
  RdataCursor at(value);
  out.put('"');
  for (bool first = true; !at.at_end(); first = false) {
    if (!first) out.put(',');
    const Bytes identifier = at.string();
    for (size_t i = 0; i < identifier.size(); ++i) {
      if (identifier[i] == ',' || identifier[i] == '\\') out.put("\\\\");
      write_escaped(identifier.subspan(i, 1), out);
    }
  }
  out.put('"');
}

void write_value(const Param& param, TextWriter& out) {
  const Bytes value = param.value;
  if (static_cast<u16>(param.key) > last_key_written_by_name) return write_quoted(value, out);
  switch (param.key) {
    case SvcParamKey::mandatory: write_list(value, 2, out, [&](Bytes key) { write_key(load_be16(key), out); }); return;
    case SvcParamKey::alpn: write_alpn_list(value, out); return;
    case SvcParamKey::port: write_list(value, 2, out, [&](Bytes number) { out.put(load_be16(number)); }); return;
    case SvcParamKey::ipv4hint: write_list(value, 4, out, [&](Bytes ip) { ip_from_octets(ip).write_text(out); }); return;
    case SvcParamKey::ipv6hint: write_list(value, 16, out, [&](Bytes ip) { ip_from_octets(ip).write_text(out); }); return;
    case SvcParamKey::ech: codec::encode_base64(value, out); return;
    case SvcParamKey::no_default_alpn:
    case SvcParamKey::dohpath:
    case SvcParamKey::ohttp:
    case SvcParamKey::tls_supported_groups:
    case SvcParamKey::docpath:
    case SvcParamKey::pvd:
    case SvcParamKey::oots: break;
  }
  write_quoted(value, out);
}

}  // namespace

void check_service_parameters(RdataCursor& at) {
  for (int previous = -1; !at.at_end();) {
    const Param param = next_param(at);
    if (at.failed()) return;
    at.require(static_cast<int>(param.key) > previous && is_value(param));
    previous = static_cast<int>(param.key);
  }
}

std::string_view service_parameter_conflict(Bytes parameters) {
  RdataCursor at(parameters);
  Bytes mandatory;
  bool alpn = false;
  bool no_default_alpn = false;
  while (!at.at_end()) {
    const Param param = next_param(at);
    if (static_cast<u16>(param.key) == invalid_key) return "key65535 is reserved";
    if (param.key == SvcParamKey::mandatory) mandatory = param.value;
    alpn = alpn || param.key == SvcParamKey::alpn;
    no_default_alpn = no_default_alpn || param.key == SvcParamKey::no_default_alpn;
    if (param.key == SvcParamKey::dohpath && !is_doh_path(param.value))
      return "dohpath is not a path template with a dns variable";
    // Both lists are in order, so a mandatory key that is there comes up before any higher one.
    if (!mandatory.empty() && load_be16(mandatory) == static_cast<u16>(param.key)) mandatory = mandatory.subspan(2);
  }
  if (!mandatory.empty()) return "a mandatory key is missing";
  if (no_default_alpn && !alpn) return "no-default-alpn without alpn";
  return {};
}

bool is_service_parameter_value(u16 key, Bytes value) {
  return is_value({SvcParamKey{key}, value});
}

bool write_service_parameters(RdataCursor& at, TextWriter& out) {
  const Bytes parameters = at.all();
  if (!service_parameter_conflict(parameters).empty()) return false;
  RdataCursor each(parameters);
  while (!each.at_end()) {
    const Param param = next_param(each);
    out.put(' ');
    write_key(static_cast<u16>(param.key), out);
    if (param.value.empty()) continue;
    out.put('=');
    write_value(param, out);
  }
  return true;
}

}  // namespace samara::dns
