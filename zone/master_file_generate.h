// The two small languages inside $GENERATE (master_file.h): the range and the template.
#pragma once

#include <optional>
#include <string_view>

#include "platform/base/text_writer.h"
#include "platform/base/types.h"

namespace samara::zone {

// FIRST-LAST[/STEP], all at most 2^31 - 1, FIRST <= LAST, STEP >= 1.
struct GenerateRange {
  u32 next = 0;
  u32 last = 0;
  u32 step = 1;
  u64 count() const { return (u64{last} - next) / step + 1; }
};
std::optional<GenerateRange> parse_generate_range(std::string_view text);

enum class TemplateError : u8 {
  bad_modifier,  // not ${OFFSET[,WIDTH[,BASE]]}
  out_of_range,  // number and offset make less than zero or more than 2^31 - 1
};
std::string_view describe(TemplateError error);

// Writes `text` with the number in place of each `$`.
std::optional<TemplateError> expand_template(std::string_view text, u32 number, TextWriter& out);

}  // namespace samara::zone
