#include "zone/revision.h"

#include <bit>

#include "platform/base/panic.h"
#include "zone/compaction.h"
#include "zone/header.h"
#include "zone/reviser.h"

namespace samara::zone {
namespace {

// A small zone is compacted when it is worth the system calls that publish it.
constexpr size_t least_growth_to_compact = size_t{64} << 10;

// Where memory is scarce, growth of more than this part of memory is copied away, and so much of a zone is worth a copy.
constexpr size_t memory_per_growth = 64;
constexpr size_t base_per_worth = 16;

bool goes_up(dns::Serial from, dns::Serial to) {
  return to.compare(from) == dns::Serial::Order::greater;
}

}  // namespace

void VersionedZone::adopt(const Zone& zone) {
  if (zone_.has_value()) panic("versioned zone: adopts a second one");
  zone_ = zone;
  history_.adopt(zone);
  growth_.take_extents(zone.extent().size);
}

void VersionedZone::retire_all(size_t base) {
  const std::vector<Extent> grown = growth_.take_extents(base);
  if (zone_->extent().size != 0) retired_.push_back(zone_->extent());
  retired_.insert(retired_.end(), grown.begin(), grown.end());
  copied_ = 0;
}

void VersionedZone::take_over(const Zone& next) {
  retire_all(next.extent().size);
  zone_ = next;
}

void VersionedZone::abandon() {
  if (!zone_.has_value()) return;
  retire_all(0);
  zone_.reset();
  history_.forget();
}

Result<Zone, Patch::Failed> VersionedZone::apply(Patch& patch, Diagnostics* copied, const SizeLimits& limits) {
  growth_.begin();
  HistoryKeeper history = history_;
  const auto made = [&]() -> Result<Zone, Patch::Failed> {
    constexpr Patch::Failed out_of_memory{PatchError::bad_zone, BuildError::out_of_memory};
    Reviser reviser(growth_, *zone_, patch, history.octets_limit(), copied, limits);
    TRY(reviser.run());
    if (!reviser.changed()) return *zone_;
    ExtentWriter& out = growth_.writer();
    HeaderWords& words = reviser.words();
    const dns::Serial serial(words[Zone::serial_at]);
    if (!goes_up(zone_->serial(), serial)) {
      history.break_off(zone_->serial());
    } else if (reviser.step().too_large()) {
      history.forget();
    } else if (!history.append(out, zone_->serial(), serial, reviser.step())) {
      return fail(out_of_memory);
    }
    history.describe_in(words);
    const Ref header = write_header(out, words, zone_->apex());
    if (header == 0) return fail(out_of_memory);
    return Zone(out.view(), header);
  }();
  if (!made.ok() || made.value().header() == zone_->header()) {
    growth_.roll_back();
    return made;
  }
  growth_.commit();
  history_ = std::move(history);
  zone_ = made.value();
  return made;
}

void VersionedZone::back_to(Savepoint&& before) {
  growth_.back_to(before.growth);
  history_ = std::move(before.history);
  zone_ = before.zone;
}

VersionedZone::Comparison VersionedZone::compare(const Zone& next, const Pause& pause) const {
  Comparison comparison(*zone_, history_.octets_limit());
  const auto difference = Difference::between(comparison.from_, next, pause);
  if (!difference.has_value()) panic("versioned zone: replaced by another zone");
  comparison.compared_ = difference->is_complete();
  if (!comparison.compared_) return comparison;
  comparison.same_ = difference->empty() && std::ranges::equal(comparison.from_.apex_wire(), next.apex_wire());
  if (comparison.same_) return comparison;
  Pace pace(pause);
  StepRecords& step = comparison.step_;
  difference->for_each_deleted([&](const dns::Name& owner, RecordView record) {
    pace.step();
    if (record.type() != dns::RrType::SOA) step.deleted(owner, record);
  });
  difference->for_each_added([&](const dns::Name& owner, RecordView record) {
    pace.step();
    if (record.type() != dns::RrType::SOA) step.added(owner, record);
  });
  step.soa(next.apex(), comparison.from_.soa().first(), next.soa().first());
  return comparison;
}

Zone VersionedZone::replace(const Zone& next, const Comparison& comparison) {
  if (!comparison.holds_for(*this)) panic("versioned zone: replaced by what was compared with another version");
  if (!comparison.compared_) return replace_uncompared(next);
  if (comparison.same_) {
    memory_.give_back(next.extent());
    return *zone_;
  }
  const StepRecords& step = comparison.step_;
  const dns::Serial before = zone_->serial();
  take_over(next);
  growth_.begin();
  ExtentWriter& out = growth_.writer();
  // Where there is no room for the history, the zone goes before it.
  if (!goes_up(before, next.serial())) {
    growth_.roll_back();
    history_.break_off(before);
  } else if (step.too_large() || !history_.move_to(out) || !history_.append(out, before, next.serial(), step)) {
    growth_.roll_back();
    history_.forget();
  } else {
    growth_.commit();
  }
  write_history(next);
  return next;
}

Zone VersionedZone::replace_uncompared(const Zone& next) {
  const dns::Serial before = zone_->serial();
  take_over(next);
  if (goes_up(before, next.serial())) {
    history_.forget();
  } else {
    history_.break_off(before);
  }
  write_history(next);
  return next;
}

void VersionedZone::write_history(const Zone& next) {
  HeaderWords words = header_words(next);
  history_.describe_in(words);
  set_history(growth_.writer(), next.header(), words);
}

size_t VersionedZone::copy_octets() const {
  const NameIndex index = zone_->index();
  const size_t slots = std::bit_ceil(2 * size_t{zone_->node_count()});
  return octets() + 8 * (std::max<size_t>(slots, index.slots()) - index.slots());
}

bool VersionedZone::compaction_due(bool scarce) const {
  if (!zone_.has_value()) return false;
  const NameIndex index = zone_->index();
  const size_t most = std::max(memory_.usable() / memory_per_growth, extent_alignment);
  const size_t kept = scarce || memory_.is_scarce() ? std::clamp(base() / 2, extent_alignment, most)
                                                    : std::max(base() / 2, least_growth_to_compact);
  return growth() > kept || 4 * index.taken() > 3 * index.slots();
}

bool VersionedZone::is_worth_compacting(bool scarce) const {
  if (!zone_.has_value()) return false;
  const size_t goes = growth() + (scarce || memory_.is_scarce() ? history_.octets() : 0);
  return goes > std::max(base() / base_per_worth, extent_alignment);
}

Result<Zone, BuildError> VersionedZone::compact(bool scarce) {
  HistoryKeeper history = history_;
  if (scarce || memory_.is_scarce()) history.forget();
  Growth copy(memory_, copy_octets(), Growth::Steps::whole);
  const Zone next = TRY(zone::compact(*zone_, copy, history));
  retire_all(0);
  growth_.take_over(copy);
  copied_ = growth_.used();
  zone_ = next;
  history_ = std::move(history);
  return next;
}

}  // namespace samara::zone
