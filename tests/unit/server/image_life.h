// One life of a primary's image on a storage: its zones as configured, loaded, updated and published.
#pragma once

#include <gtest/gtest.h>

#include <list>
#include <string>

#include "../zone/store/crashing_storage.h"
#include "server/zone_loader.h"

namespace samara::server {

class Life {
 public:
  explicit Life(hal::Storage& storage, size_t memory = size_t{4} << 20)
      : region_(memory), archive_(zone::store::ZoneArchive::open(storage, rng_)), loader_(region_, archive_.get()) {}

  // Without a storage.
  explicit Life(size_t memory) : region_(memory), loader_(region_) {}

  void configure(std::string_view zone, u32 serial, std::string_view records = "") {
    texts_.push_back("@ 60 SOA ns host " + std::to_string(serial) + " 3600 600 86400 300\n@ 60 NS ns\n" + std::string(records));
    std::erase_if(config_.zones, [&](const ZoneSource& old) { return old.name == named(zone); });
    config_.zones.push_back({.name = named(zone), .files = {{"file", texts_.back()}}});
  }
  bool load() {
    log.clear();
    LoadReport report(
        [](void* lines, Level, std::string_view line) { (static_cast<std::string*>(lines)->append(line)).append("\n"); }, &log);
    return loader_.load(config_, UnixTime{1'000}, report).has_value() && report.errors() == 0;
  }
  // Adds TXT `text` at the apex of `zone`, and `steps` to its serial.
  bool update(std::string_view zone, std::string_view text, u32 steps = 1) {
    const zone::Zone now = serving(zone).value();
    const zone::RecordView soa = now.soa().first();
    std::vector<u8> next(soa.rdata().begin(), soa.rdata().end());
    store_be32(next, next.size() - 20, now.serial().value() + steps);
    std::vector<u8> rdata{static_cast<u8>(text.size())};
    rdata.insert(rdata.end(), text.begin(), text.end());
    zone::Patch patch;
    patch.delete_record(now.apex(), dns::RrType::SOA, soa.rdata());
    patch.add_record(now.apex(), dns::RrType::SOA, soa.ttl(), next);
    patch.add_record(now.apex(), dns::RrType::TXT, dns::Ttl(60), rdata);
    return loader_.change(now.apex(), patch).ok();
  }
  // Adds or deletes TXT records of 200 octets at names nFIRST to nLAST of `zone`, with one more to its serial. Empty: it is
  // done.
  std::string change_long(std::string_view zone, int first, int last, bool add) {
    const zone::Zone now = serving(zone).value();
    const zone::RecordView soa = now.soa().first();
    std::vector<u8> next(soa.rdata().begin(), soa.rdata().end());
    store_be32(next, next.size() - 20, now.serial().value() + 1);
    std::vector<u8> rdata(201, 'w');
    rdata[0] = 200;
    zone::Patch patch;
    patch.delete_record(now.apex(), dns::RrType::SOA, soa.rdata());
    patch.add_record(now.apex(), dns::RrType::SOA, soa.ttl(), next);
    for (int i = first; i <= last; ++i) {
      const dns::Name owner = named("n" + std::to_string(i) + "." + std::string(zone));
      if (add) {
        patch.add_record(owner, dns::RrType::TXT, dns::Ttl(60), rdata);
      } else {
        patch.delete_record(owner, dns::RrType::TXT, rdata);
      }
    }
    const i64 octets = (last - first + 1) * i64{230};
    const auto changed = loader_.change(now.apex(), patch, add ? octets : -octets);
    return changed.ok() ? "" : std::string(changed.error());
  }
  // Makes the next set; false: what was changed is not in the storage.
  bool publish() {
    const bool durable = loader_.settle();
    EXPECT_TRUE(loader_.next_set().has_value());
    return durable;
  }
  // Nobody reads what was served before.
  void release() {
    loader_.published(++generation_);
    loader_.release_before(generation_, [](zone::Extent) {});
  }
  ZoneLoader& loader() { return loader_; }
  PrimaryConfig& config() { return config_; }
  std::optional<zone::Zone> serving(std::string_view zone) const { return loader_.zone_in_service(named(zone)); }
  u32 serial(std::string_view zone = "example.") const { return serving(zone).value().serial().value(); }
  size_t texts(std::string_view zone = "example.") const {
    const auto found = serving(zone).value().apex_node().find(dns::RrType::TXT);
    return found.has_value() ? found->count() : 0;
  }

  std::string log;

 private:
  static dns::Name named(std::string_view text) { return MUST(dns::Name::parse(text, dns::Name())); }

  zone::store::SeededRng rng_{7};
  std::vector<u8> region_;
  std::unique_ptr<zone::store::ZoneArchive> archive_;
  ZoneLoader loader_;
  u64 generation_ = 0;
  PrimaryConfig config_;
  std::list<std::string> texts_;
};

}  // namespace samara::server
