// A master file: whatever is in it, the parser comes to an end, its records are sound, and what they are written as reads back
// as the same records. A file that splits at the first zero octet includes its second part as "x".
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "dns-core/rdata/rdata_text.h"
#include "zone/include_scan.h"
#include "zone/master_file.h"

using namespace samara;

namespace {

// Enough to see every path; one $GENERATE may ask for millions.
constexpr size_t max_records = 500;

void require(bool good) {
  if (!good) std::abort();
}

// A stored record reads back from the text it is written as.
void check_round_trip(const zone::Record& record, const dns::Name& apex) {
  static std::vector<char> memory(size_t{1} << 20);  // made once: it is the better part of a run
  TextWriter text(memory);
  record.owner->write_text(text);
  text.put(' ');
  text.put(record.ttl.seconds());
  text.put(" IN ");
  dns::write_type(record.type, text);
  text.put(' ');
  dns::write_rdata_text(record.type, record.rdata, text);
  text.put('\n');
  require(!text.overflowed());
  const zone::SourceFile file{"again", text.view()};
  zone::MasterFile again(std::span(&file, 1), apex);
  zone::Record copy;
  const auto more = again.next(copy);
  require(more.ok() && more.value());
  require(*copy.owner == *record.owner && copy.type == record.type && copy.ttl == record.ttl);
  require(std::ranges::equal(copy.rdata, record.rdata));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t split = std::min(all.find('\0'), all.size());
  const std::array<zone::SourceFile, 2> files = {
      {{"zone", all.substr(0, split)}, {"x", all.substr(std::min(split + 1, all.size()))}}};
  const dns::Name apex = MUST(dns::Name::parse("example.", dns::Name()));

  zone::MasterFile source(files, apex);
  zone::Record record;
  size_t errors = 0;
  for (size_t records = 0; records < max_records;) {
    const auto more = source.next(record);
    if (!more.ok()) {
      std::array<char, 8192> memory;
      TextWriter text(memory);
      more.error().write_text(text);
      require(!text.overflowed() && more.error().error.at.line >= 1 && more.error().error.at.column >= 1);
      require(++errors <= zone::max_errors);
      continue;
    }
    if (!more.value()) break;
    require(record.owner->is_at_or_below(apex) && dns::check_rdata(record.type, record.rdata).ok());
    if (++records <= 20) check_round_trip(record, apex);
  }

  zone::IncludeScan scan(files[0]);
  std::vector<char> path(zone::max_path_size);
  for (TextWriter out(path); scan.next(out); out.clear()) require(!out.view().empty());
  return 0;
}
