// Which files a master file includes, without reading its records: for whoever has to bring the texts before MasterFile, which
// opens no files, can read them.
#pragma once

#include "dns-core/text/lexer.h"
#include "platform/base/text_writer.h"
#include "zone/record.h"

namespace samara::zone {

constexpr size_t max_path_size = 4096;

// The path of a file that `includer` names `given`: as it is when it starts with "/", otherwise from the includer's folder;
// "." and ".." steps are resolved as text. `given` is the raw token, escapes included. False when it does not fit or is empty.
bool resolve_include(std::string_view includer, const dns::Token& given, TextWriter& out);

class IncludeScan {
 public:
  explicit IncludeScan(const SourceFile& file) : path_(file.path), lexer_(file.text) {}
  // Writes the next included file's path, as MasterFile will look for it; false when there are no more. Lines that cannot be
  // read are passed over: MasterFile reports them.
  bool next(TextWriter& out);
  // Where the file was named that next() gave last.
  dns::TextPosition position() const { return at_; }

 private:
  std::string_view path_;
  dns::Lexer lexer_;
  dns::TextPosition at_;
};

}  // namespace samara::zone
