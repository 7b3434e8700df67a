// Records that are allowed and served as they are, but hardly meant: slips that a person makes and no resolver complains about.
#include <algorithm>
#include <array>

#include "dns-core/rdata/numbers.h"
#include "zone/check_targets.h"

namespace samara::zone {
namespace {

using dns::Name;
using dns::RrType;

// IANA "Certification Authority Restriction Properties".
constexpr std::array<std::string_view, 7> caa_tags{"issue",    "issuewild",    "iodef",       "issuemail",
                                                   "issuevmc", "contactemail", "contactphone"};
// What the records begin with that have a list of tags behind semicolons (RFC 6376, 7489, 8461, 8460, and BIMI).
constexpr std::array<std::string_view, 5> tag_lists{"v=DKIM1", "v=DMARC1", "v=STSv1", "v=TLSRPTv1", "v=BIMI1"};
constexpr std::string_view spf_version = "v=spf1";  // RFC 7208 section 4.5

bool same_text(Bytes octets, std::string_view text) {
  return std::ranges::equal(octets, text, [](u8 a, char b) { return dns::to_lower(a) == dns::to_lower(static_cast<u8>(b)); });
}

// The first string of a TXT record's data.
Bytes first_string(Bytes rdata) {
  return rdata.empty() ? Bytes() : rdata.subspan(1, std::min<size_t>(rdata[0], rdata.size() - 1));
}

bool is_spf(Bytes rdata) {
  const Bytes text = first_string(rdata);
  return text.size() >= spf_version.size() && same_text(text.first(spf_version.size()), spf_version) &&
         (text.size() == spf_version.size() || text[spf_version.size()] == ' ');
}

class HintCheck {
 public:
  explicit HintCheck(CheckContext& context) : context_(context), zone_(context.zone), apex_(zone_.apex()) {}

  void run() {
    zone_.for_each_node([this](const NodeView& node) {
      if (node.has(node_governed)) return;
      const Name owner = zone_.owner(node);
      node.for_each_rrset([&](const RrsetView& set) { check_set(owner, set); });
    });
  }

 private:
  void check_set(const Name& owner, const RrsetView& set) {
    switch (dns::code(set.type())) {
      case dns::code(RrType::CNAME):
      case dns::code(RrType::PTR):
      case dns::code(RrType::SVCB):
      case dns::code(RrType::HTTPS): return check_targets(owner, set);
      case dns::code(RrType::TXT): return check_texts(owner, set);
      case dns::code(RrType::CAA): return check_tags(owner, set);
      default: return;
    }
  }

  // NS, MX and SRV are looked at in check_data.cpp, where a target without addresses is wrong as well.
  void check_targets(const Name& owner, const RrsetView& set) {
    set.for_each_record([&](RecordView record) {
      const auto where = dns::rdata_name(set.type(), record.rdata(), 0);
      if (!where.has_value()) return;
      const Name target = name_at(record.rdata().subspan(where->offset, where->size));
      if (!target.is_at_or_below(apex_) || look_at_target(zone_, target) != Target::missing) return;
      context_.report(Severity::warning, owner, record, "target ", target, " does not exist in this zone",
                      TargetHint(target, apex_));
    });
  }

  void check_texts(const Name& owner, const RrsetView& set) {
    size_t policies = 0;
    set.for_each_record([&](RecordView record) {
      const Bytes text = first_string(record.rdata());
      const auto list = std::ranges::find_if(tag_lists, [text](std::string_view start) { return same_text(text, start); });
      if (list != tag_lists.end() && text.size() + 1 == record.rdata().size()) {
        context_.report(Severity::warning, owner, record, "ends after ", *list,
                        "; outside of quotes a semicolon begins a comment: put the text in quotes");
      }
      // RFC 7208 section 3.2: with two of them the policy is an error.
      if (is_spf(record.rdata()) && ++policies == 2) {
        context_.report(Severity::warning, owner, record, "a second SPF record; there may be one, so that none is taken");
      }
    });
  }

  void check_tags(const Name& owner, const RrsetView& set) {
    set.for_each_record([&](RecordView record) {
      const Bytes data = record.rdata();
      if (data.size() < 2 || data.size() < size_t{2} + data[1]) return;
      const Bytes tag = data.subspan(2, data[1]);
      // RFC 8659 section 4.1: in any case of letters.
      if (std::ranges::any_of(caa_tags, [tag](std::string_view known) { return same_text(tag, known); })) return;
      std::array<char, 255> memory{};
      std::ranges::copy(tag, memory.begin());
      const std::string_view text(memory.data(), tag.size());
      std::string_view nearest;
      size_t least = dns::suggestion_distance(text) + 1;
      for (const std::string_view known : caa_tags) {
        const size_t distance = dns::edit_distance(text, known, least);
        if (distance >= least) continue;
        least = distance;
        nearest = known;
      }
      if (nearest.empty()) {
        context_.report(Severity::warning, owner, record, "no authority knows the tag ", text);
      } else {
        context_.report(Severity::warning, owner, record, "no authority knows the tag ", text, "; did you mean ", nearest, "?");
      }
    });
  }

  CheckContext& context_;
  const Zone& zone_;
  Name apex_;
};

}  // namespace

void check_hints(CheckContext& context) {
  HintCheck(context).run();
}

}  // namespace samara::zone
