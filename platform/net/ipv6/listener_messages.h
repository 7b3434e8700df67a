// Messages of multicast listener discovery: MLDv2 (RFC 3810 section 5) and MLDv1 (RFC 2710 section 3). A host hears queries
// and other hosts' version 1 reports, and sends reports; what it parses has passed the rules of RFC 3810 section 6.2 and RFC
// 2710 section 4. Reports and dones are written with the hop-by-hop header that carries the router alert (RFC 2711), and
// start with it.
#pragma once

#include <optional>

#include "platform/base/ip_address.h"
#include "platform/base/result.h"
#include "platform/base/time.h"
#include "platform/net/ip_packet.h"
#include "platform/net/ipv6/bounded_list.h"
#include "platform/net/ipv6/icmpv6.h"

namespace samara::net::ipv6 {

// Whether `packet`, from its IPv6 header on, begins with hop-by-hop options among which is the router alert for MLD.
bool has_router_alert(Bytes packet);

struct ListenerQuery {
  // Sources kept of one query; a query that names more is taken for one about all sources, the answer to which includes theirs.
  static constexpr size_t max_sources = 16;

  u8 version = 2;
  IpAddress group = IpAddress::v6({});  // unspecified: a general query
  Duration max_response;
  // Version 2 only.
  u8 robustness = 0;        // 0: not told
  Duration query_interval;  // 0: not told
  BoundedList<IpAddress, max_sources> sources;
  bool is_general() const { return group.is_unspecified(); }
  friend bool operator==(const ListenerQuery&, const ListenerQuery&) = default;
};
// Checks source, hop limit and router alert (in packet.quotable), too.
Result<ListenerQuery, MessageError> parse_listener_query(const IpPacket& packet);
// `message.max_response` and `query_interval` are rounded down to what the wire can say. Without the router alert's header.
std::optional<WrittenMessage> write(const ListenerQuery& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out);

// The group of another host's version 1 report.
Result<IpAddress, MessageError> parse_listener_report_v1(const IpPacket& packet);

// RFC 3810 section 5.2.12.
enum class ListenerRecordType : u8 {
  mode_is_include = 1,
  mode_is_exclude = 2,
  change_to_include = 3,
  change_to_exclude = 4,
  allow_new_sources = 5,
  block_old_sources = 6,
};
struct ListenerRecord {
  ListenerRecordType type{};
  IpAddress group;
  u16 source_count = 0;  // of the report's `sources`, in the order of the records
  friend bool operator==(const ListenerRecord&, const ListenerRecord&) = default;
};
struct ListenerReport {
  static constexpr size_t max_records = 40;  // with all sources, fewer octets than the minimum MTU

  BoundedList<ListenerRecord, max_records> records;
  BoundedList<IpAddress, ListenerQuery::max_sources> sources;
  friend bool operator==(const ListenerReport&, const ListenerReport&) = default;
};
Result<ListenerReport, MessageError> parse_listener_report(const IpPacket& packet);
// Protocol and hop limit of what comes out are those of the whole: a hop-by-hop header, and 1.
std::optional<WrittenMessage> write(const ListenerReport& message, const IpAddress& source, MutableBytes out);
// `type` is listener_report or listener_done.
std::optional<WrittenMessage> write_listener_message_v1(MessageType type, const IpAddress& group, const IpAddress& source,
                                                        MutableBytes out);

}  // namespace samara::net::ipv6
