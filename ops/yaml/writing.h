// Writing a manifest: quoted texts, lines, and what several sections are made of.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "dns-core/name.h"
#include "ops/text_of.h"
#include "platform/base/text_writer.h"
#include "server/config/service_config.h"

namespace samara::ops::yaml {

// A double-quoted YAML scalar: nothing in it means anything but itself.
std::string yaml_text(std::string_view text);
// The same in quotes.
template <class Item>
std::string quoted(const Item& item) {
  return yaml_text(text_of(item));
}
std::string base64_of(std::string_view octets);
inline std::string word(bool truth) {
  return truth ? "true" : "false";
}

// Lines of YAML; `indent` counts blanks.
class YamlLines {
 public:
  // Paths are written as seen from the folder of the file `manifest`, or as they are when that is empty.
  YamlLines(const server::ServiceConfig& config, std::string manifest) : config_(config), manifest_(std::move(manifest)) {}

  void line(size_t indent, const std::string& text) { out_ += std::string(indent, ' ') + text + '\n'; }
  // Without text: the head of what follows.
  void value(size_t indent, std::string_view key, const std::string& text) {
    line(indent, std::string(key) + (text.empty() ? ":" : ": ") + text);
  }
  void number(size_t indent, std::string_view key, u64 number) { value(indent, key, std::to_string(number)); }
  void seconds(size_t indent, std::string_view key, u32 count) { value(indent, key, std::to_string(count) + 's'); }
  void access_list(size_t indent, std::string_view key, const server::AccessList& list);
  void peers(size_t indent, std::string_view key, const server::PeerList& list);
  void names(size_t indent, std::string_view key, const std::vector<dns::Name>& list);
  void history(size_t indent, const server::HistoryConfig& history);
  void zone_limits(size_t indent, std::string_view key, const server::ZoneLimits& limits);
  void overrides(size_t indent, const server::ZoneOverrides& overrides);
  void raw(const std::string& text) { out_ += text; }
  // A file's path, in quotes.
  std::string path(std::string_view path) const;
  std::string key_name(u16 key) const { return quoted(config_.keys.at(key).name); }
  std::string take() { return std::move(out_); }

 private:
  const server::ServiceConfig& config_;
  std::string manifest_;
  std::string out_;
};

}  // namespace samara::ops::yaml
