// Diagnostics: all that is wrong with the files a person wrote, collected so that one run reports everything. Each line reads
//   samara: FILE:LINE:COLUMN: what is wrong (what was expected)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/exit_code.h"
#include "platform/base/types.h"

namespace samara::ops {

class JsonWriter;

// Where in a file: both from 1, the column in octets; a line of 0 means the file as a whole.
struct Place {
  std::string file;
  u32 line = 0;
  u32 column = 0;
};

struct Diagnostic {
  enum class Severity : u8 { error, warning };
  Severity severity = Severity::error;
  Place at;
  std::string problem;     // "unknown key "worker""
  std::string expected;    // "a whole number from 1 to 64", may be empty
  std::string suggestion;  // the nearest valid word, may be empty

  // "FILE:LINE:COLUMN: warning: problem (did you mean …? Expected …)". Control characters are shown as \xNN.
  std::string to_text() const;
  // The same for standard error: in colours where a person looks.
  std::string to_shown_text() const;

 private:
  std::string text(bool shown) const;
};

// What a file that cannot be read, or may not be, means for the rest.
enum class Unreadable : u8 {
  fail,       // an error like others: nothing comes of the whole
  leave_out,  // what it belongs to is left out, with a warning: a server serves what is left, or what it has
};

class Diagnostics {
 public:
  explicit Diagnostics(Unreadable unreadable = Unreadable::fail) : unreadable_(unreadable) {}

  void error(Place at, std::string problem, std::string expected = {}, std::string suggestion = {});
  void warning(Place at, std::string problem, std::string expected = {});
  // A file that cannot be read. True: go on without it.
  bool unreadable_file(Place at, std::string problem, bool no_permission, std::string expected = "a readable file");
  void add(Diagnostic diagnostic);
  // A line before all others that explains them; said once.
  void note(std::string text) { note_ = std::move(text); }
  const std::string& noted() const { return note_; }
  Unreadable unreadable() const { return unreadable_; }
  // The system did not let us read something, which is the reason for the exit code.
  void lacks_permission() { no_permission_ = true; }

  const std::vector<Diagnostic>& all() const { return all_; }
  size_t error_count() const { return errors_; }
  size_t warning_count() const { return all_.size() - errors_; }
  bool good() const { return errors_ == 0; }
  // Of a command that cannot go on: 77 when the system did not let it read a file, otherwise 65.
  ExitCode exit_code() const { return no_permission_ ? ExitCode::no_permission : ExitCode::bad_data; }

  // In the order of the files (by first appearance), lines and columns.
  std::vector<Diagnostic> sorted() const;
  // One `samara: …` line each on stderr, sorted.
  void print() const;
  // [{"severity":"error","file":…,"line":…,"column":…,"message":…,"expected":…,"suggestion":…}, …]
  std::string to_json() const;
  // The same as a value in something greater.
  void write_json(JsonWriter& json) const;

 private:
  std::vector<Diagnostic> all_;
  std::string note_;
  size_t errors_ = 0;
  Unreadable unreadable_;
  bool no_permission_ = false;
};

// `text` in quotes for an error message: control characters escaped, cut when longer than `longest`. Paths are shown whole.
constexpr size_t longest_quotation = 60;
constexpr size_t longest_path = 4096;
std::string in_quotes(std::string_view text, size_t longest = longest_quotation);
// One line on stderr: "samara: TEXT".
void complain(std::string_view text);

}  // namespace samara::ops
