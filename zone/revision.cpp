#include "zone/revision.h"

#include "platform/base/panic.h"
#include "zone/compaction.h"
#include "zone/header.h"
#include "zone/reviser.h"

namespace samara::zone {
namespace {

// A small zone is compacted when it is worth the system calls that publish it.
constexpr size_t least_growth_to_compact = size_t{64} << 10;

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

void VersionedZone::take_over(const Zone& next) {
  const std::vector<Extent> grown = growth_.take_extents(next.extent().size);
  retired_.push_back(zone_->extent());
  retired_.insert(retired_.end(), grown.begin(), grown.end());
  zone_ = next;
}

void VersionedZone::abandon() {
  if (!zone_.has_value()) return;
  const std::vector<Extent> grown = growth_.take_extents(0);
  retired_.push_back(zone_->extent());
  retired_.insert(retired_.end(), grown.begin(), grown.end());
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

bool VersionedZone::compaction_due() const {
  if (!zone_.has_value()) return false;
  const NameIndex index = zone_->index();
  const size_t kept = memory_.is_scarce() ? 0 : zone_->extent().size / 2;
  return growth_.used() > std::max(kept, least_growth_to_compact) || 4 * index.taken() > 3 * index.slots();
}

bool VersionedZone::is_history_due() const {
  return zone_.has_value() && memory_.is_scarce() && history_.octets() > least_growth_to_compact;
}

Result<Zone, BuildError> VersionedZone::compact() {
  HistoryKeeper history = history_;
  if (memory_.is_scarce()) history.forget();
  const Zone next = TRY(zone::compact(*zone_, zone_->extent().size + growth_.used(), memory_, history));
  take_over(next);
  history_ = std::move(history);
  return next;
}

}  // namespace samara::zone
