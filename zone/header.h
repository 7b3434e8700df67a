// The header of a zone (zone.h) while it is made.
#pragma once

#include <array>

#include "platform/base/result.h"
#include "zone/build_error.h"
#include "zone/zone.h"

namespace samara::zone {

using HeaderWords = std::array<u32, Zone::fixed_words>;

HeaderWords header_words(const Zone& zone);
// Sets what the SOA at this apex says, and writes the SOA record of negative answers.
Result<void, BuildError> set_soa(ExtentWriter& out, const dns::Name& apex, const NodeView& apex_node, HeaderWords& words);
// Returns 0 when the extent is full.
Ref write_header(ExtentWriter& out, const HeaderWords& words, const dns::Name& apex);
// Sets the history's words in the header of a zone that nobody has seen.
void set_history(ExtentWriter& out, Ref header, const HeaderWords& words);
// The extent in which a zone was built whole.
void set_extent(ExtentWriter& out, Ref header, Extent extent);

}  // namespace samara::zone
