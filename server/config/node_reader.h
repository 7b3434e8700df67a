// NodeReader: one node of a boot blob and how it is reached. Nothing in a blob is trusted: each getter checks form and range
// and says in a ConfigError what is wrong where.
#pragma once

#include <algorithm>
#include <optional>

#include "dns-core/name.h"
#include "platform/codec/device_tree.h"
#include "server/config/blob_layout.h"
#include "server/config/service_config.h"

namespace samara::server {

template <class T>
using Read = Result<T, ConfigError>;

constexpr std::string_view endpoint_form = "ADDRESS:PORT";
constexpr std::string_view prefix_form = "an address or a prefix without host bits";
constexpr std::string_view name_form = "a domain name";

class NodeReader {
  using Kind = ConfigError::Kind;

 public:
  NodeReader(codec::DeviceTreeNode node, std::array<std::string_view, 4> path) : node_(node), path_(path) {}

  NodeReader below(codec::DeviceTreeNode child) const {
    std::array<std::string_view, 4> path = path_;
    const auto end = std::ranges::find(path, std::string_view());
    if (end != path.end()) *end = child.name();
    return {child, path};
  }

  Failure<ConfigError> error(ConfigError::Kind kind, std::string_view property = {}, std::string_view expected = {},
                             Range<u64> range = {0, 0}) const {
    return fail(ConfigError{kind, path_, property, expected, range});
  }

  bool has(std::string_view property) const { return node_.has(property); }
  auto children() const { return node_.children(); }

  // Every property is among `properties`, every child (less its unit address) among `kinds`.
  Read<void> expect_only(std::span<const std::string_view> properties, std::span<const std::string_view> kinds) const {
    for (const codec::DeviceTreeNode::Property& property : node_.properties()) {
      if (std::ranges::find(properties, property.name) == properties.end()) return error(Kind::unknown, property.name);
    }
    for (const codec::DeviceTreeNode& child : node_.children()) {
      if (std::ranges::find(kinds, layout::kind_of(child.name())) == kinds.end()) return below(child).error(Kind::unknown);
    }
    return {};
  }

  Read<std::string_view> text(std::string_view property, std::string_view expected = {}) const {
    const auto value = node_.string(property);
    if (!value) return refuse(value.error(), property, expected);
    return value.value();
  }
  Read<std::string_view> text(std::string_view property, size_t max, std::string_view expected) const {
    const std::string_view value = TRY(text(property, expected));
    if (value.size() > max) return error(Kind::out_of_range, property, expected);
    return value;
  }
  Read<Bytes> octets(std::string_view property, Range<u64> size, std::string_view expected) const {
    const auto value = node_.bytes(property);
    if (!value) return refuse(value.error(), property, expected);
    if (!size.holds(value.value().size())) return error(Kind::out_of_range, property, expected);
    return value.value();
  }
  // Leaves `into` alone when the property is absent: defaults are those of the configuration.
  template <class T>
  Read<void> number(std::string_view property, Range<u32> range, T& into) const {
    if (!node_.has(property)) return {};
    const auto value = node_.u32(property);
    if (!value) return refuse(value.error(), property, "a 32-bit number");
    if (!range.holds(value.value())) return error(Kind::out_of_range, property, {}, {range.low, range.high});
    into = static_cast<T>(value.value());
    return {};
  }
  Read<void> number(std::string_view property, Range<u64> range, u64& into) const {
    if (!node_.has(property)) return {};
    const auto value = node_.u64(property);
    if (!value) return refuse(value.error(), property, "a 64-bit number");
    if (!range.holds(value.value())) return error(Kind::out_of_range, property, {}, range);
    into = value.value();
    return {};
  }
  Read<void> truth(std::string_view property, bool& into) const {
    u32 value = into ? 1 : 0;
    TRY(number(property, Range<u32>{0, 1}, value));
    into = value == 1;
    return {};
  }
  Read<dns::Name> name(std::string_view property) const {
    return name_of(property, TRY(this->text(property, dns::max_name_text, name_form)));
  }
  // One or more texts.
  Read<std::vector<std::string_view>> texts(std::string_view property, size_t max, std::string_view expected) const {
    auto values = node_.strings(property);
    if (!values) return refuse(values.error(), property, expected);
    if (values.value().size() > max) return error(Kind::too_many, property, expected);
    return std::move(values).value();
  }
  // One or more names; none when the property is absent.
  Read<std::vector<dns::Name>> names(std::string_view property, size_t max) const {
    std::vector<dns::Name> names;
    if (!node_.has(property)) return names;
    for (const std::string_view text : TRY(texts(property, max, "domain names"))) {
      names.push_back(TRY(name_of(property, text)));
    }
    return names;
  }
  template <size_t Size>
  Read<void> secret(std::string_view property, std::optional<std::array<u8, Size>>& into) const {
    if (!node_.has(property)) return {};
    const Bytes value = TRY(octets(property, {Size, Size}, Size == 16 ? "16 octets" : "48 octets"));
    into.emplace();
    std::ranges::copy(value, into->begin());
    return {};
  }

  // The key that `property` names, as an index into `keys`; nothing when the property is absent.
  Read<std::optional<u16>> key(std::string_view property, const std::vector<TsigKey>& keys) const {
    if (!node_.has(property)) return std::optional<u16>();
    const auto key = std::ranges::find(keys, TRY(name(property)), &TsigKey::name);
    if (key == keys.end()) return error(Kind::malformed, property, "the name of a key in this blob");
    return std::optional(static_cast<u16>(key - keys.begin()));
  }
  Read<std::optional<IpPrefix>> prefix(std::string_view property) const {
    if (!node_.has(property)) return std::optional<IpPrefix>();
    const auto prefix = IpPrefix::parse(TRY(text(property, prefix_form)));
    if (!prefix) return error(Kind::malformed, property, prefix_form);
    return prefix;
  }
  Read<Endpoint> endpoint(std::string_view property) const {
    const auto endpoint = Endpoint::parse(TRY(text(property, endpoint_form)));
    if (!endpoint) return error(Kind::malformed, property, endpoint_form);
    return *endpoint;
  }

 private:
  // Names in a blob are absolute and say so; "@" and relative ones are a writer's mistake.
  Read<dns::Name> name_of(std::string_view property, std::string_view text) const {
    if (!text.ends_with('.')) return error(Kind::malformed, property, name_form);
    const auto name = dns::Name::parse(text, dns::Name());
    if (!name) return error(Kind::malformed, property, name_form);
    return name.value();
  }
  Failure<ConfigError> refuse(codec::PropertyError reason, std::string_view property, std::string_view expected) const {
    return error(reason == codec::PropertyError::missing ? Kind::missing : Kind::malformed, property, expected);
  }

  codec::DeviceTreeNode node_;
  std::array<std::string_view, 4> path_;
};

}  // namespace samara::server
