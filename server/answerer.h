// Answerer: one answer in the making. Inside server/: query.cpp drives it, denial.cpp adds the proofs of what does not exist,
// additional.cpp the addresses. It lives on the stack for the time of one call.
#pragma once

#include <array>

#include "server/query.h"
#include "zone/lookup.h"

namespace samara::server {

class Answerer {
 public:
  Answerer(const zone::ZoneSet& zones, const AnswerRules& rules, Bytes packet, const dns::Query& query, dns::Composer& out)
      : zones_(zones),
        rules_(rules),
        packet_(packet),
        query_(query),
        out_(out),
        wants_dnssec_(query.edns.has_value() && query.edns->dnssec_ok),
        name_(query.name(packet)),
        search_(name_) {}
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  // Fills the sections; the RCODE is in `answer`.
  void run(Answer& answer);
  // The zone that gave the first answer, for options that tell of it.
  const std::optional<zone::Zone>& zone() const { return first_zone_.has_value() ? first_zone_ : zone_; }
  std::optional<dns::ExtendedError> why() const { return why_; }

 private:
  enum class Next : u8 { done, follow };
  // Chased remembers where the chain has been: nodes, each with the name it was reached by, as a wildcard's may be reached by
  // many.
  struct Chased {
    zone::Ref node;
    u64 name;  // its hash; two names that share one at a node end the chain early
  };

  // query.cpp
  bool enter_zone();
  bool holds_answer(const zone::Zone& other, size_t apex_labels) const;
  Next step(Answer& answer);
  Next answer_from(const zone::NodeView& node, const zone::Lookup& found);
  void answer_any(const zone::NodeView& node);
  void answer_signatures(const zone::NodeView& node);
  Next follow_dname(const zone::NodeView& node, size_t labels, Answer& answer);
  void refer(const zone::NodeView& cut, size_t labels, Answer& answer);
  // An RRset of a node and, when asked for and there, its signatures. False when something did not fit.
  bool add(dns::Section section, const dns::Owner& owner, const zone::RrsetView& set, u32 ttl_limit = dns::Ttl::max);
  bool add_signatures(dns::Section section, const dns::Owner& owner, const zone::RrsetView& set, u32 ttl_limit);
  void add_soa();
  // The last `labels` labels of the name in question as an owner.
  dns::Owner suffix(size_t labels) const;
  bool chased_before(zone::Ref node);
  Chased here(zone::Ref node) const { return {node, search_.hash(search_.label_count())}; }
  // On to another name.
  void go_to(Bytes name, size_t at);
  // The key of the name in question, for the order of names that proofs need.
  const zone::LookupKey& key() {
    if (!key_made_) key_.assign(name_);
    key_made_ = true;
    return key_;
  }
  void truncate();

  // denial.cpp: each adds the records that prove its statement, if the zone is signed and the client asked for DNSSEC.
  bool proves() const { return dnssec_ && (zone_->has_nsec() || zone_->has_nsec3()); }
  void prove_no_data(const zone::Lookup& found);
  void prove_no_name(const zone::Lookup& found);
  void prove_wildcard(const zone::Lookup& found);
  void prove_unsigned_delegation(const zone::NodeView& cut, size_t labels);
  void add_nsec_covering(const zone::LookupKey& key);
  zone::Ref matching_nsec3(const zone::LookupKey& key) const;
  void add_nsec3_covering(const zone::LookupKey& key);
  // The depth of the encloser that the records prove: not always the closest one, because opt-out leaves out names.
  size_t add_closest_provable_encloser(size_t labels);
  void add_denial(zone::Ref node, dns::RrType type);
  void add_denial_from(const zone::Zone& zone, zone::Ref node, dns::RrType type);
  // Proofs for wildcards that a chain came by, put off by answer_from() because answer records were still to follow.
  void add_denials_put_off() {
    if (put_off_count_ != 0) [[unlikely]]
      write_denials_put_off();
  }
  void write_denials_put_off();

  // A host in this zone, found while one answer is made; `name` lies in the snapshot as the rdata spells it.
  struct Host {
    zone::Ref node = 0;
    Bytes name;
    bool below_cut = false;
  };
  // additional.cpp: addresses of the hosts that an RRset names; of a referral's servers, those below the cut first.
  void add_glue(const zone::RrsetView& servers, size_t cut_labels);
  void add_additional(const zone::RrsetView& set, std::optional<size_t> except_below = std::nullopt);
  Host host_of(zone::RecordView record, std::optional<size_t> cut_labels) const;
  bool add_host(const Host& host, std::span<const dns::RrType> wanted, zone::Ref except);

  const zone::ZoneSet& zones_;
  const AnswerRules& rules_;
  Bytes packet_;
  const dns::Query& query_;
  dns::Composer& out_;
  const bool wants_dnssec_;
  bool dnssec_ = false;  // wanted, and the zone is signed
  std::optional<dns::ExtendedError> why_;
  bool truncated_ = false;

  // The name in question: the query's, then what CNAMEs and DNAMEs lead to.
  Bytes name_;
  size_t name_at_ = dns::header_size;  // where it stands in the message
  zone::SearchName search_;
  bool key_made_ = false;  // the same for proofs, which need the order of names; made when it is wanted
  zone::LookupKey key_;
  std::array<u8, dns::max_name_size> made_;  // a name made by a DNAME
  std::optional<zone::Zone> zone_;
  size_t apex_labels_ = 0;
  std::optional<zone::Zone> first_zone_;  // the one that holds the query's name, when a chain has led on from it

  std::array<Chased, max_chain> chased_;
  unsigned chain_ = 0;
  std::array<zone::Ref, 8> proofs_;  // denial records already there
  unsigned proof_count_ = 0;
  struct Denial {
    zone::Ref zone;
    zone::Ref node;
    dns::RrType type;
  };
  bool put_off_denials_ = false;
  std::array<Denial, max_chain> put_off_;
  unsigned put_off_count_ = 0;
};

}  // namespace samara::server
