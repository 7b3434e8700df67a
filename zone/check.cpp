#include "zone/check.h"

#include "zone/check_context.h"

namespace samara::zone {

void check_zone(const Zone& zone, const CheckOptions& options, Diagnostics& out) {
  CheckContext context{zone, options, out};
  if (options.index != nullptr) {
    options.index->for_each_duplicate([&out](const SourcePosition& again, const SourcePosition& first) {
      out.add(Severity::warning, again, "record stands in line ", first.at.line, " already");
    });
  }
  check_data(context);
  check_dnssec(context);
  check_denial(context);
}

}  // namespace samara::zone
