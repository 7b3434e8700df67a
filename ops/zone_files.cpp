// The texts of a zone: its file and what that includes (RFC 1035 section 5.1). The image opens no files, so all of them travel
// in the boot blob. A relative name in $INCLUDE is seen from the folder of the file it stands in.
#include <algorithm>

#include "dns-core/text/lexer.h"
#include "ops/deployment.h"
#include "ops/files.h"

namespace samara::ops {

namespace {

struct Inclusion {
  std::string path;
  Place asked_at;
};

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return dns::to_lower(static_cast<u8>(x)) == dns::to_lower(static_cast<u8>(y));
  });
}

// The $INCLUDE directives of `text`. Lines with syntax errors are passed over: whoever parses the zone reports them.
std::vector<Inclusion> inclusions(const std::string& path, std::string_view text) {
  std::vector<Inclusion> found;
  // Most zones include nothing; a search is cheaper than a lexer.
  if (std::ranges::search(text, std::string_view("$INCLUDE"), [](char a, char b) {
        return dns::to_lower(static_cast<u8>(a)) == dns::to_lower(static_cast<u8>(b));
      }).empty()) {
    return found;
  }
  dns::Lexer lexer(text);
  for (;;) {
    const auto first = lexer.next();
    if (first.ok() && first.value().kind == dns::Token::Kind::end_of_file) return found;
    if (first.ok() && first.value().kind == dns::Token::Kind::word && same_word(first.value().text, "$INCLUDE")) {
      const auto file = lexer.next();
      if (file.ok() && file.value().is_text()) {
        std::string decoded(file.value().text.size(), '\0');
        std::vector<u8> octets(decoded.size());
        const auto size = dns::decode_text(file.value(), octets);
        if (size.ok()) {
          decoded.assign(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size.value()));
          found.push_back({path_beside(path, decoded), {path, file.value().at.line, file.value().at.column}});
        }
      }
    }
    lexer.skip_line();
  }
}

}  // namespace

bool add_zone(Deployment& deployment, const dns::Name& name, const std::string& path, const Place& asked_at, Diagnostics& found) {
  const size_t errors_before = found.error_count();
  server::ZoneSource zone;
  zone.name = name;
  // Breadth first; a file that is included twice, or includes itself, is read once (the parser limits the nesting).
  std::vector<Inclusion> wanted{{path, asked_at}};
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Inclusion current = wanted[i];
    if (i == server::max_zone_files) {
      found.error(current.asked_at, "too many included files", "at most " + std::to_string(server::max_zone_files) + " files a zone");
      break;
    }
    Result<std::string, FileError> text = read_file(current.path);
    if (!text) {
      found.error(current.asked_at, "zone file " + quoted(current.path) + " " + text.error().problem, "a readable file");
      continue;
    }
    const std::string_view kept = deployment.keep(std::move(text).value());
    zone.files.push_back({deployment.keep(current.path), kept});
    for (Inclusion& inclusion : inclusions(current.path, kept)) {
      const bool known = std::ranges::find(wanted, inclusion.path, &Inclusion::path) != wanted.end();
      if (!known) wanted.push_back(std::move(inclusion));
    }
  }
  if (found.error_count() != errors_before) return false;
  deployment.config.zones.push_back(std::move(zone));
  return true;
}

}  // namespace samara::ops
