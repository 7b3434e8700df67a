// `samara zone verify`: is everything that is signed signed well? Every signature is verified twice, by our own code and by
// ldns, which shares nothing with it; where the two disagree, one of them has a bug, and that is reported too.
#include <cstdio>

#include "dns-core/dnssec/ds.h"
#include "dns-core/dnssec/verify.h"
#include "dns-core/rdata/rdata_text.h"
#include "ops/json.h"
#include "ops/verbs/verbs.h"
#include "ops/verbs/zone_options.h"
#include "ops/zone/second_opinion.h"
#include "zone/zonemd.h"

namespace samara::ops {

namespace {

using dns::RrType;

struct ZoneVerifyOptions : ZoneOptions {
  bool json = false;
};

class SignatureCheck {
 public:
  SignatureCheck(const std::string& path, const zone::Zone& zone, Diagnostics& found)
      : path_(path), zone_(zone), apex_(zone.apex()), found_(found) {
    if (const auto keys = zone.apex_node().find(RrType::DNSKEY)) {
      keys->for_each_record([this](zone::RecordView record) { keys_.push_back(record.rdata()); });
    }
  }

  void run() {
    zone_.for_each_node([this](const zone::NodeView& node) {
      const dns::Name owner = zone_.owner(node);
      node.for_each_rrset([&](const zone::RrsetView& set) {
        if (set.has_signatures()) verify_set(owner, set);
      });
    });
  }

  size_t signatures() const { return signatures_; }
  bool has_keys() const { return !keys_.empty(); }

 private:
  void verify_set(const dns::Name& owner, const zone::RrsetView& set) {
    std::vector<Bytes> rdata;
    set.for_each_record([&](zone::RecordView record) { rdata.push_back(record.rdata()); });
    const dns::RrsetView whole{owner, set.type(), dns::RrClass::IN, rdata};
    set.signatures().for_each_record([&](zone::RecordView signature) { verify(whole, set.ttl(), signature.rdata()); });
  }

  // Keys may share a tag; one of them has to fit. Keys of other tags cannot.
  void verify(const dns::RrsetView& set, dns::Ttl ttl, Bytes rrsig) {
    ++signatures_;
    const auto fields = dns::RrsigView::parse(rrsig);
    if (!fields) return error(set, "a signature that cannot be read");
    const u16 tag = fields.value().key_tag.value();
    std::optional<dns::RrsigError> ours = dns::RrsigError::wrong_key;
    bool ldns_good = false;
    bool ldns_knows = false;
    bool tried = false;
    for (const Bytes& key : keys_) {
      if (dns::key_tag(key) != fields.value().key_tag) continue;
      tried = true;
      const auto verified = dns::verify_rrsig(set, rrsig, apex_, key, scratch_);
      if (verified) {
        ours.reset();
      } else if (ours) {
        ours = verified.error();
      }
      const Opinion theirs = ldns_opinion(set, ttl, rrsig, apex_, key);
      ldns_good = ldns_good || theirs == Opinion::good;
      ldns_knows = ldns_knows || theirs != Opinion::none;
    }
    if (!tried) return;  // the check of the zone reports signatures without a key
    const std::string whose = "signature of key " + std::to_string(tag);
    if (ours) error(set, whose + ": " + std::string(dns::describe(*ours)));
    if (ldns_knows && ldns_good == ours.has_value()) {
      const std::string both = whose + ": samara and ldns disagree: samara says " + (ours ? "bad" : "good") + ", ldns says " +
                               (ldns_good ? "good" : "bad");
      if (const std::string_view fault = fault_of_ldns(set.type); !fault.empty()) {
        warn(set, both + "; " + std::string(fault));
      } else {
        error(set, both);
      }
    }
  }

  static std::string described(const dns::RrsetView& set, const std::string& problem) {
    TextBuffer<dns::max_name_text + 32> what;
    set.owner.write_text(what.writer());
    what.writer().put(' ');
    dns::write_type(set.type, what.writer());
    return std::string(what.view()) + ": " + problem;
  }
  void error(const dns::RrsetView& set, const std::string& problem) { found_.error({path_}, described(set, problem)); }
  void warn(const dns::RrsetView& set, const std::string& problem) { found_.warning({path_}, described(set, problem)); }

  const std::string& path_;
  const zone::Zone& zone_;
  dns::Name apex_;
  Diagnostics& found_;
  std::vector<Bytes> keys_;  // stored forms of the apex DNSKEYs
  std::vector<u8> scratch_;
  size_t signatures_ = 0;
};

// Whether it is whole was checked with the zone.
const char* chain_of(const zone::Zone& zone) {
  if (zone.has_nsec3()) return "NSEC3 chain whole";
  return zone.has_nsec() ? "NSEC chain whole" : "no NSEC chain";
}

// A digest that is wrong was reported with the checks of the zone.
const char* digest_of(zone::ZonemdFinding finding) {
  switch (finding) {
    case zone::ZonemdFinding::verified: return "ZONEMD good";
    case zone::ZonemdFinding::absent: return "no ZONEMD";
    case zone::ZonemdFinding::unsupported: return "ZONEMD not checked";
    case zone::ZonemdFinding::wrong_serial:
    case zone::ZonemdFinding::wrong_digest: return "ZONEMD wrong";
  }
  return "";
}

void verify(const std::string& path, const ZoneVerifyOptions& options, Diagnostics& found) {
  const size_t errors_before = found.error_count();
  const std::optional<LoadedZone> loaded =
      LoadedZone::load_and_check(path, options.zone_name(), options.time(), found, options.folders());
  if (!loaded) return;
  const zone::Zone& zone = loaded->zone();
  SignatureCheck signatures(path, zone, found);
  if (signatures.has_keys()) signatures.run();
  const zone::ZonemdFinding digest = zone::verify_zonemd(zone);
  const bool is_signed = signatures.signatures() != 0;
  // RFC 8976 section 4 works without DNSSEC too: it shows that the zone is whole, not whose it is.
  if (!is_signed && digest != zone::ZonemdFinding::verified) {
    if (found.error_count() == errors_before) {
      found.error({path}, "nothing to verify: the zone is not signed, and " + std::string(zone::describe(digest)),
                  "DNSKEY records at the apex and RRSIG records beside the data, or a ZONEMD record");
    }
    return;
  }
  if (options.json || found.error_count() != errors_before) return;
  if (!is_signed) {
    std::printf("%s: good, serial %u, not signed, %s\n", path.c_str(), zone.serial().value(), digest_of(digest));
    return;
  }
  std::printf("%s: good, serial %u, %zu signatures verified by samara and ldns, %s, %s\n", path.c_str(), zone.serial().value(),
              signatures.signatures(), chain_of(zone), digest_of(digest));
}

ExitCode run_zone_verify(const ZoneVerifyOptions& options) {
  Diagnostics found;
  for (const std::string& path : options.files) verify(path, options, found);
  return report(found, options.json);
}

}  // namespace

void add_zone_verify(CLI::App& zone, Action& chosen) {
  auto options = std::make_shared<ZoneVerifyOptions>();
  CLI::App* verb = zone.add_subcommand("verify", "Verify a zone: signatures, NSEC or NSEC3 chain, ZONEMD");
  add_zone_options(*verb, *options, "Master files of zones that are signed or have a ZONEMD record", 1, 1'000'000);
  add_time_option(*verb, *options);
  verb->add_flag("--json", options->json,
                 "What was found as a JSON array on standard output: severity, file, line, column, message, …");
  verb->footer(
      "Every signature is verified by samara and by ldns; a disagreement of the two is an error of its own,\n"
      "or a warning where it is a known fault of ldns.\n"
      "A zone that is not signed is verified by its ZONEMD record alone.\n\n"
      "Examples:\n"
      "  samara zone verify zones/nsec.example.zone\n"
      "  samara zone verify --zone . --at 20180130000000 root.txt");
  verb->callback([options, &chosen] { chosen = [options] { return run_zone_verify(*options); }; });
}

}  // namespace samara::ops
