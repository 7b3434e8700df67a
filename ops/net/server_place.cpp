#include "ops/net/server_place.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "dns-core/types.h"
#include "ops/net/resolver_query.h"
#include "ops/text_of.h"
#include "ops/yaml/reading.h"

namespace samara::ops {

namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

constexpr size_t longest_host = 253;  // RFC 1035 section 2.3.4, as text without the final dot

// Letters, digits, hyphens, dots, and the underscore that some hosts have all the same.
bool is_host(std::string_view text) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  return !text.empty() && text.size() <= longest_host && text.find_first_not_of(allowed) == std::string_view::npos &&
         text.find_first_not_of("0123456789.") != std::string_view::npos;
}

std::string address_text(const IpAddress& address) {
  return text_of(address);
}

}  // namespace

std::optional<ServerPlace> ServerPlace::parse(std::string_view text) {
  if (const auto endpoint = yaml::parse_endpoint(text)) {
    return endpoint->port.value() == 0 ? std::nullopt : std::optional(at(*endpoint));
  }
  if (const auto address = IpAddress::parse(text)) return at({*address, Port(53)});
  ServerPlace place;
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    const auto port = parse_decimal(text.substr(colon + 1), 65'535);
    if (!port || *port == 0) return {};
    place.port = Port(static_cast<u16>(*port));
    text = text.substr(0, colon);
  }
  if (!is_host(text)) return {};
  place.host = text;
  return place;
}

ServerPlace ServerPlace::at(const Endpoint& endpoint) {
  return {address_text(endpoint.address), endpoint.port, {endpoint.address}};
}

std::string ServerPlace::text() const {
  const bool bare_v6 = host.find(':') != std::string::npos;
  return (bare_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port.value());
}

Result<std::vector<Endpoint>, std::string> ServerPlace::endpoints() const {
  std::vector<Endpoint> found;
  for (const IpAddress& address : addresses) found.push_back({address, port});
  if (!found.empty()) return found;
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  const AddressList owned(list);
  if (code != 0) {
    const std::string why = code == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(code);
    return fail("no address of " + host + ": " + why);
  }
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> numeric{};
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, numeric.data(), numeric.size(), nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    if (const auto address = IpAddress::parse(numeric.data())) found.push_back({*address, port});
  }
  if (found.empty()) return fail("no address of " + host);
  return found;
}

Result<ServerPlace, std::string> find_primary(const dns::Name& zone, const std::optional<ServerPlace>& resolver,
                                              std::chrono::milliseconds patience) {
  const auto servers = resolver ? resolver->endpoints() : system_resolvers();
  if (!servers) return fail(servers.error());
  const ResolverQuery query(servers.value(), patience);
  const auto primary = query.primary_of(zone);
  if (!primary) return fail(primary.error());
  ServerPlace place;
  place.host = text_of(primary.value());
  for (const dns::RrType type : {dns::RrType::AAAA, dns::RrType::A}) {
    const auto found = query.addresses_of(primary.value(), type);
    if (!found) return fail(found.error());
    place.addresses.insert(place.addresses.end(), found.value().begin(), found.value().end());
  }
  if (!place.addresses.empty()) return place;
  return fail("the primary of " + text_of(zone) + " is " + place.host + ", which has no address; --server names another");
}

}  // namespace samara::ops
