#include "zone/check.h"

#include "zone/check_context.h"
#include "zone/zonemd.h"

namespace samara::zone {
void add_build_error(BuildError error, const dns::Name& owner, const RecordIndex* index, Diagnostics& out) {
  std::optional<SourcePosition> position;
  if (index != nullptr) position = index->find(owner, culprit(error));
  out.add(Severity::error, position, owner, ": ", describe(error));
}

namespace {

// RFC 8976 section 4: who verifies refuses the zone when this is wrong, and takes it unverified when nothing can be computed.
void check_digest(CheckContext& context) {
  const Zone& zone = context.zone;
  const ZonemdFinding finding = verify_zonemd(zone);
  if (finding == ZonemdFinding::verified || finding == ZonemdFinding::absent) return;
  const Severity severity = finding == ZonemdFinding::unsupported ? Severity::warning : Severity::error;
  context.report(severity, zone.apex(), dns::RrType::ZONEMD, describe(finding));
}

}  // namespace

void check_zone(const Zone& zone, const CheckOptions& options, Diagnostics& out) {
  CheckContext context{zone, options, out};
  if (options.index != nullptr) {
    options.index->for_each_duplicate([&out](const SourcePosition& again, const SourcePosition& first) {
      out.add(Severity::warning, again, "record stands in line ", first.at.line, " already");
    });
    options.index->for_each_mixed_ttl([&out](const SourcePosition& position) {
      out.add(Severity::warning, position, "the records of one set have different TTLs; the least is used for all");
    });
  }
  check_data(context);
  check_hints(context);
  check_dnssec(context);
  check_denial(context);
  check_digest(context);
}

}  // namespace samara::zone
