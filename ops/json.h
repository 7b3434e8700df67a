// JsonWriter: JSON text for scripts (RFC 8259). Octets that are not UTF-8 are written as U+FFFD, so that the output always
// is.
#pragma once

#include <string>
#include <string_view>

#include "platform/base/types.h"

namespace samara::ops {

class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  // The name of the member whose value comes next.
  void key(std::string_view name);
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(u64 number);
  void value(u32 number) { value(u64{number}); }
  void value(bool truth);
  template <class T>
  void member(std::string_view name, const T& content) {
    key(name);
    value(content);
  }
  std::string take() { return std::move(out_); }

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void string(std::string_view text);

  std::string out_;
  bool need_comma_ = false;
};

}  // namespace samara::ops
