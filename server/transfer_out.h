// TransferOut: the messages of one outgoing transfer, made one at a time as the client takes them: AXFR (RFC 5936 section 2.2)
// and IXFR (RFC 1995 section 4). The zone is sent as it is, glue and occluded names included (RFC 5936 section 3), between its
// SOA at the start and again at the end; differences oldest first.
//
// Order of calls: start(); first(), and continue_signed() when the client signed and its response was signed; then next() until
// done(). first() gives no octets when the SOA has no room in the reply, which it always has by TCP; next() gives some, because
// a zone has no record that no message could hold (zone/node.h).
//
// It holds references into the zone's memory: whoever owns it says which generation is in use (outgoing_transfers.h). No memory
// is taken after the construction, whatever the zone. Each message has the question, for names to point to, and up to
// message_size octets, as far as pointers reach; a record larger than that has a message of its own. All messages are signed.
// Left out: keeping the case of names in the rdata that point to an equal name in another case (RFC 4343 section 4.1 allows
// it).
#pragma once

#include <array>
#include <optional>

#include "dns-core/compose/composer.h"
#include "dns-core/tsig/server.h"
#include "server/transfer_request.h"
#include "zone/zone.h"

namespace samara::server {

class TransferOut {
 public:
  using Content = TransferPlan::Content;
  static constexpr size_t message_size = 16'384;  // what 14 bits can point to (RFC 1035 section 4.1.4)

  TransferOut() {}  // NOLINT: what is not written here is not read before start()
  TransferOut(const TransferOut&) = delete;
  TransferOut& operator=(const TransferOut&) = delete;

  // `plan` has a zone. The packet is needed for this call only.
  void start(const TransferPlan& plan, Bytes packet, const dns::Query& query);
  // The first message, complete but for its TSIG record, for which rules.tail_room is left.
  size_t first(const AnswerRules& rules, MutableBytes reply);
  void continue_signed(const dns::TsigServer& tsig) { tsig_ = tsig; }
  // The next message; `room` has 65,535 octets.
  size_t next(MutableBytes room, UnixTime now);
  bool done() const { return part_ == Part::done; }

 private:
  enum class Part : u8 { first_soa, records, last_soa, done };
  static constexpr size_t max_head = dns::header_size + dns::max_name_size + 4;

  size_t compose(const AnswerRules* rules, MutableBytes room, size_t budget, size_t most_records);
  void write_records(dns::Composer& out, size_t most);
  // Write records until there are no more (true) or the message is full; at most `most`.
  bool write_zone(dns::Composer& out, dns::OwnerTrail& trail, size_t most);
  bool write_differences(dns::Composer& out, dns::OwnerTrail& trail, size_t most);
  bool write_soa(dns::Composer& out, dns::OwnerTrail& trail) const;
  // Makes the zone's next RRset, or the signatures of the last, `rest_`; false when there is none.
  bool find_set();
  bool find_node();
  // Makes the next difference `rest_`.
  void find_difference();

  std::array<u8, max_head> head_;  // the request's header and question
  dns::Query query_;
  std::optional<zone::Zone> zone_;
  std::optional<dns::TsigServer> tsig_;
  Content content_ = Content::whole;
  Part part_ = Part::done;

  Bytes rest_;  // what is left of an RRset or a difference: a view of the zone's memory
  // The whole zone: names, then the owners of NSEC3 records.
  std::optional<zone::TrieCursor> cursor_;
  bool among_hashes_ = false;
  std::optional<zone::NodeView> node_;
  size_t next_set_ = 0;                    // of node_
  std::optional<zone::RrsetView> signed_;  // the RRset whose signatures are still to come
  bool compressible_ = false;
  u16 udp_payload_size_ = 0;  // that the first message offered
  // Differences.
  dns::Serial at_;  // where the next one leads on from
};

}  // namespace samara::server
