// MasterFile: reads the records of a zone from master files (RFC 1035 section 5) that are in memory. It is a pull parser: each
// next() gives one record, so nothing but the file itself and one record is held.
//
//   RFC 1035 section 5.1   the grammar, $ORIGIN, $INCLUDE with an optional origin (the includer's origin and owner come back)
//   RFC 2308 section 4     $TTL; without it a record has the TTL of the last one that stated one (RFC 1035), and when there is
//                          none, the SOA's MINIMUM with a warning
//   RFC 3597 section 5     TYPEnnn, CLASSnnn and \# data
//   BIND's extensions      TTL units (1h30m), and $GENERATE FIRST-LAST[/STEP] OWNER [TTL] [CLASS] TYPE DATA, in whose OWNER and
//                          DATA `$` stands for the number, `${OFFSET[,WIDTH[,BASE]]}` for a formatted one (BASE d o x X n N),
//                          and
//                          `\$` or `$$` for a dollar sign
//
// Class and TTL may stand in either order; any class but IN is an error. Owners outside the zone are errors.
// Left out on purpose: reading files (the texts are given; include_scan.h tells which are needed).
//
// Order of calls: next() until it gives false. After an error next() goes on behind the line in error, so that more errors can
// be reported; after max_errors it gives false. An owner in error takes the records that continue it along.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "dns-core/text/lexer.h"
#include "platform/base/result.h"
#include "zone/master_file_generate.h"
#include "zone/record.h"

namespace samara::zone {

// More errors than a person wants to read at once.
constexpr size_t max_errors = 20;
// Files that include each other deeper than this are a mistake.
constexpr size_t max_include_depth = 10;
// All files that are included, as often as they are: files that include others many times each would be read for ever.
constexpr u64 max_included_octets = u64{1} << 30;
// What one line of a $GENERATE may expand to, in octets.
constexpr size_t max_expanded = 16384;
// Records of all $GENERATEs of a zone together: a /8 of addresses. A line of text must not fill the memory.
constexpr u32 max_generated = u32{1} << 24;

// The problem of an error about an owner that is not in the zone: a file read for another zone has one a line.
constexpr std::string_view owner_outside = "owner is outside the zone";

struct MasterFileError {
  std::string_view path;
  dns::SyntaxError error;
  // "PATH:LINE:COLUMN: what is wrong (expected …)"
  void write_text(TextWriter& out) const;
};

class MasterFile {
 public:
  // `files[0]` is the zone's file, the others are those it includes. The texts outlive this and what it returns. `apex` is the
  // first origin.
  MasterFile(std::span<const SourceFile> files, const dns::Name& apex);
  MasterFile(const MasterFile&) = delete;
  MasterFile& operator=(const MasterFile&) = delete;

  size_t error_count() const { return errors_; }
  // Of the zone's own file, to be read yet: what is included is not counted.
  size_t octets_left() const { return frames_.empty() ? 0 : frames_.front().lexer.rest().size(); }
  // What is suspicious but was read.
  std::span<const MasterFileError> warnings() const { return warnings_; }

  // True: `out` has the next record. False: there are no more. What an error shows lives until the next call.
  Result<bool, MasterFileError> next(Record& out);

 private:
  // A file being read, and what the file that includes it goes on with.
  struct Frame {
    u32 file;
    dns::Lexer lexer;
    dns::Name outer_origin;
    dns::Name outer_owner;
    bool outer_has_owner;
  };
  // What stands before the data of a record.
  struct Head {
    dns::TextPosition at;
    std::optional<dns::Ttl> ttl;
    dns::RrType type{};
  };

  template <class T>
  using Parsed = Result<T, dns::SyntaxError>;

  Parsed<bool> step(Record& out);
  Parsed<bool> read_simple_line(Record& out);
  Parsed<bool> read_entry(const dns::Token& first, Record& out);
  Parsed<void> read_head(dns::Token token, Head& head);
  Parsed<dns::Ttl> read_ttl(const dns::Token& token);
  Parsed<void> finish_record(const Head& head, Record& out);
  Parsed<void> use_owner(const dns::Token& token);
  Failure<dns::SyntaxError> outside(const dns::Token& token, const dns::Name& owner);
  bool inside(const dns::Name& owner, std::string_view token) const;
  Parsed<void> read_directive(const dns::Token& directive);
  Parsed<dns::Name> read_name();
  Parsed<void> begin_include(const dns::Token& directive);
  Parsed<void> begin_generate(const dns::Token& directive);
  Parsed<void> next_generated(Record& out);
  dns::Lexer& lexer() { return frames_.back().lexer; }
  void set_origin(const dns::Name& origin);
  void end_include();
  void warn(const dns::SyntaxError& what);

  std::span<const SourceFile> files_;
  dns::Name apex_;
  dns::Name origin_;
  dns::Name owner_;
  std::string_view owner_token_;  // the text owner_ was read from under this origin; empty when unknown
  bool origin_in_zone_ = true;
  bool has_owner_ = false;
  bool owner_in_error_ = false;          // records that continue it are passed over
  bool failed_ = false;                  // the last step() gave an error
  std::optional<dns::Ttl> default_ttl_;  // of $TTL
  std::optional<dns::Ttl> last_ttl_;
  std::vector<Frame> frames_;  // the file being read last
  u64 included_octets_ = 0;
  static constexpr size_t max_rdata = 65535;
  std::unique_ptr<std::array<u8, max_rdata>> rdata_;
  std::vector<MasterFileError> warnings_;
  size_t errors_ = 0;
  std::array<char, dns::max_name_text + 32> apex_hint_;  // "a name at or below APEX"
  size_t apex_hint_size_ = 0;
  std::array<char, dns::max_name_text> outside_;  // the owner of the last error about one

  // The $GENERATE being expanded.
  std::optional<GenerateRange> range_;
  Head generated_head_;
  dns::Token generate_owner_;
  std::vector<char> generate_data_;
  std::unique_ptr<std::array<char, max_expanded>> expanded_;
  dns::Name generated_owner_;
  u32 generated_ = 0;
};

}  // namespace samara::zone
