#include "zone/check.h"

#include "zone/check_context.h"

namespace samara::zone {
namespace {

// The type whose record the error is about.
dns::RrType culprit(BuildError error) {
  switch (error) {
    case BuildError::cname_and_data: return dns::RrType::CNAME;
    case BuildError::several_dname: return dns::RrType::DNAME;
    case BuildError::no_apex_ns: return dns::RrType::NS;
    case BuildError::no_soa:
    case BuildError::several_soa:
    case BuildError::soa_below_apex: return dns::RrType::SOA;
    case BuildError::out_of_zone:
    case BuildError::bad_rdata:
    case BuildError::meta_type:
    case BuildError::out_of_memory:
    case BuildError::too_many_rrsets:
    case BuildError::too_many_records: break;
  }
  return dns::RrType::ANY;
}

}  // namespace

void add_build_error(BuildError error, const dns::Name& owner, const RecordIndex* index, Diagnostics& out) {
  std::optional<SourcePosition> position;
  if (index != nullptr) position = index->find(owner, culprit(error));
  out.add(Severity::error, position, owner, ": ", describe(error));
}

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
  check_dnssec(context);
  check_denial(context);
}

}  // namespace samara::zone
