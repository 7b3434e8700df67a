// This part of a boot blob is written for all roles alike. Values that are the defaults are written too: a blob says what the
// image will do, whatever the defaults of its version are. A node's properties come before its children.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "platform/base/text_writer.h"
#include "platform/codec/device_tree.h"
#include "server/config/service_config.h"

namespace samara::server {

// "key@7"
void begin_numbered(std::string_view kind, size_t index, codec::DeviceTreeWriter& out);
std::vector<u8> text_octets(std::string_view text);

template <class Item>
void write_text_property(std::string_view property, const Item& item, codec::DeviceTreeWriter& out) {
  TextBuffer<dns::max_name_text> text;  // names are longer than addresses
  item.write_text(text.writer());
  out.string(property, text.view());
}
// Writes nothing when there are none.
void write_names(std::string_view property, const std::vector<dns::Name>& names, codec::DeviceTreeWriter& out);
void write_key_property(std::optional<u16> key, const ServiceConfig& config, codec::DeviceTreeWriter& out);
void write_peers(std::string_view kind, const PeerList& peers, const ServiceConfig& config, codec::DeviceTreeWriter& out);

// `name`: the section's.
void write_zone_limits(std::string_view name, const ZoneLimits& limits, codec::DeviceTreeWriter& out);
void write_override_properties(const ZoneOverrides& overrides, codec::DeviceTreeWriter& out);
void write_override_nodes(const ZoneOverrides& overrides, const ServiceConfig& config, codec::DeviceTreeWriter& out);

void write_service_properties(const ServiceConfig& config, std::string_view role, codec::DeviceTreeWriter& out);
void write_service_nodes(const ServiceConfig& config, codec::DeviceTreeWriter& out);

}  // namespace samara::server
