// ZoneInstaller: from the batches of a transfer (batch.h) to a zone that may be served, on the side that owns zone memory. A
// whole zone is built beside the old one; differences are kept until all are there and then applied one after the other, so
// that nothing changes unless everything fits (RFC 1995 section 4). Until then the new version lies in zone memory, differences
// as the octets they came in: held() says how much it is. The heap is asked for what finish() needs, 32 octets for each record
// of a whole zone, some 100 for each change of the largest step; where it has no room, that is an error as well. The result has
// been checked: the zone's own rules (one SOA and so on), the serial that was announced, its ZONEMD digest where it has one
// (RFC 8976), and the limits. An error leaves the old zone as it is. Rules for publishers that the zone breaks are warnings;
// records that cannot be in the zone (their names lie outside, or their types are no data) are left out with one, and
// differences that take them away do nothing.
//
// Order of calls: on_batch() for each batch until it says true; finish() once.
// Capacities: what Limits says; zone memory.
#pragma once

#include <optional>

#include "secondary/batch.h"
#include "zone/builder.h"
#include "zone/diff.h"
#include "zone/revision.h"
#include "zone/zonemd.h"

namespace samara::secondary {

struct InstallLimits {
  u32 records = 100'000'000;
  u64 octets = u64{4} << 30;  // of records on their way, and of the zone in memory
  u32 longest_ttl = dns::Ttl::max;
  zone::SizeLimits zone{};
};

enum class InstallError : u8 {
  malformed_batch,
  out_of_order,  // an item where it cannot be
  too_many_records,
  too_large,
  ttl_too_long,
  no_base,         // differences for a zone that is not there
  wrong_base,      // differences from another serial than the zone's
  bad_record,      // a record the zone cannot hold: build_error()
  bad_difference,  // a difference does not fit the zone: patch_error(), build_error()
  bad_zone,        // the records make no zone: build_error()
  wrong_serial,    // the SOA has another serial than announced
  wrong_digest,    // ZONEMD says the zone is another: zonemd()
  no_memory,       // for what came, or the zone that it makes
};
std::string_view describe(InstallError error);

class ZoneInstaller {
 public:
  // `memory` outlives this. `base` is the zone in service, which stays readable until finish() has returned; its records have
  // `base_octets`, if that is known.
  ZoneInstaller(zone::ZoneMemory& memory, const dns::Name& apex, std::optional<zone::Zone> base, const InstallLimits& limits,
                std::optional<u64> base_octets = std::nullopt);
  ZoneInstaller(const ZoneInstaller&) = delete;
  ZoneInstaller& operator=(const ZoneInstaller&) = delete;

  // The next batch; true: the transfer is complete.
  Result<bool, InstallError> on_batch(Bytes batch);
  // The new version, made in `zone`, which is at `base`. An error leaves `zone` as it was.
  Result<zone::Zone, InstallError> finish(zone::VersionedZone& zone);

  // Octets of zone memory that are taken for what has come.
  size_t held() const { return differences_.used() + (builder_.has_value() ? builder_->staged_octets() : 0); }
  // True when differences came, not a whole zone.
  bool is_steps() const { return kind_ == Kind::steps; }

  dns::Serial serial() const { return to_; }
  // Counts the new version's records, each with its owner; nothing where no limit asks for it.
  std::optional<u64> zone_octets() const { return zone_octets_; }
  std::optional<u32> expire() const { return expire_; }
  std::optional<zone::BuildError> build_error() const { return build_error_; }
  std::optional<zone::PatchError> patch_error() const { return patch_error_; }
  std::optional<zone::ZonemdFinding> zonemd() const { return zonemd_; }
  // "OWNER TYPE: rule", of what was taken over although it breaks one, and of what was left out.
  const zone::Diagnostics& warnings() const { return warnings_; }
  // The sets of a whole zone that no message can hold; of differences they are among the warnings.
  const zone::Diagnostics& large_sets() const { return is_steps() ? no_sets_ : builder_->large_sets(); }
  // Writes for the log what went wrong: the error and its cause.
  void write_reason(InstallError error, TextWriter& out) const;

 private:
  enum class Kind : u8 { none, whole, steps };
  enum class Step : u8 { none, removing, adding };

  Result<void, InstallError> on_item(const BatchItem& item);
  Result<void, InstallError> on_record(const BatchItem& item);
  bool belongs(const BatchItem& item) const;
  Result<void, InstallError> keep_differences(Bytes batch);
  void warn(const BatchItem& item, std::string_view rule);
  Result<zone::Zone, InstallError> apply_steps(zone::VersionedZone& zone);
  Result<void, InstallError> apply_all(zone::VersionedZone& zone);
  Result<void, InstallError> apply(zone::VersionedZone& zone, zone::Patch& patch);
  Failure<InstallError> failed_build(zone::BuildError error, InstallError otherwise);
  Result<void, InstallError> check(const zone::Zone& zone, size_t octets);
  Result<void, InstallError> check_growth(const zone::Zone& made);

  zone::ZoneMemory& memory_;
  dns::Name apex_;
  std::optional<zone::Zone> base_;
  InstallLimits limits_;
  Kind kind_ = Kind::none;
  Step step_ = Step::none;
  bool complete_ = false;
  dns::Serial from_;
  dns::Serial to_;
  std::optional<u32> expire_;
  u64 records_ = 0;
  u64 octets_ = 0;
  std::optional<zone::ZoneBuilder> builder_;
  // Batches of differences, in a row: where the next one is (0: none), its size, its octets.
  zone::StagedOctets differences_;
  // StepSize counts what one step brings: the present one, or the largest so far.
  struct StepSize {
    size_t removed = 0;
    size_t added = 0;
    size_t octets = 0;
  };
  StepSize step_size_;
  StepSize largest_step_;
  u32 first_batch_ = 0;
  u32 last_batch_ = 0;
  zone::Diagnostics warnings_;
  zone::Diagnostics no_sets_;
  std::optional<zone::BuildError> build_error_;
  std::optional<zone::Patch::Failed::Set> set_at_fault_;
  std::optional<u64> zone_octets_;
  i64 growth_ = 0;  // in octets, by differences
  std::optional<zone::PatchError> patch_error_;
  std::optional<zone::ZonemdFinding> zonemd_;
};

}  // namespace samara::secondary
