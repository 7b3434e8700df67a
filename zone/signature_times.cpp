#include "zone/signature_times.h"

#include <algorithm>
#include <optional>

#include "dns-core/dnssec/records.h"
#include "dns-core/rdata/rdata_text.h"

namespace samara::zone {
namespace {

constexpr i64 minute = 60;
constexpr i64 hour = 60 * minute;
constexpr i64 day = 24 * hour;

// Seconds until the last signature of a set ends; nothing when none can be read.
std::optional<i64> ends_in(const RrsetView& signatures, UnixTime now) {
  std::optional<i64> last;
  signatures.for_each_record([&](RecordView record) {
    const auto signature = dns::RrsigView::parse(record.rdata());
    if (!signature.ok()) return;
    // RFC 4034 section 3.1.5: times are compared as serial numbers are.
    const i64 left = static_cast<i32>(signature.value().expiration - static_cast<u32>(now.seconds));
    last = std::max(last.value_or(left), left);
  });
  return last;
}

// "3 days", "1 hour": as much as a person wants to know.
void write_duration(i64 seconds, TextWriter& out) {
  const auto put = [&out](i64 number, std::string_view unit) {
    out.put(static_cast<u64>(number));
    out.put(unit);
    if (number != 1) out.put('s');
  };
  if (seconds >= 2 * day) return put(seconds / day, " day");
  if (seconds >= 2 * hour) return put(seconds / hour, " hour");
  if (seconds >= 2 * minute) return put(seconds / minute, " minute");
  put(seconds, " second");
}

}  // namespace

SignatureTimes look_at_signatures(const Zone& zone, UnixTime now, Duration ahead, const Pause& pause) {
  SignatureTimes times;
  Pace pace(pause);
  zone.for_each_node([&](const NodeView& node) {
    pace.step();
    if (!node.has(node_has_signatures)) return;
    node.for_each_rrset([&](const RrsetView& set) {
      if (!set.has_signatures()) return;
      const auto left = ends_in(set.signatures(), now);
      if (!left.has_value()) return;
      if (times.signed_sets++ == 0 || *left < times.first_ends_in) {
        times.first_ends_in = *left;
        times.first_owner = zone.owner(node);
        times.first_type = set.type();
      }
      if (*left < 0) {
        ++times.expired;
      } else if (*left < ahead.seconds()) {
        ++times.expiring;
      }
    });
  });
  return times;
}

void SignatureTimes::write_text(TextWriter& out) const {
  const bool over = expired != 0;
  out.put(over ? expired : expiring);
  out.put(" of ");
  out.put(signed_sets);
  out.put(over ? " signed sets have expired, the first (" : " signed sets expire soon, the first (");
  first_owner.write_text(out);
  out.put(' ');
  dns::write_type(first_type, out);
  out.put(over ? ") " : ") in ");
  write_duration(std::abs(first_ends_in), out);
  out.put(over ? " ago: resolvers that validate refuse them; sign the zone again" : "; sign the zone again");
}

}  // namespace samara::zone
