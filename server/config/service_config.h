// ServiceConfig: what every authoritative role is told at start, as values that have been checked; PrimaryConfig and
// SecondaryConfig add what is theirs. It travels as a flattened device tree (docs/configuration.md has the layout); this folder
// is the only place that knows how to read and write it, for the host command that compiles it and for the images that boot
// from it.
//
// Texts and secrets are views into the blob (or into whatever the writer's caller owns); the owner outlives the config.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "dns-core/name.h"
#include "platform/base/ip_address.h"
#include "platform/base/log.h"
#include "platform/base/result.h"
#include "platform/base/text_writer.h"
#include "platform/base/types.h"
#include "platform/codec/device_tree.h"
#include "platform/runtime/network_config.h"

namespace samara::server {

// ---- what the values may be -----------------------------------------------------------------------------------------

constexpr std::string_view boot_compatible = "samara,boot-1";

template <class T>
struct Range {
  T low;
  T high;
  constexpr bool holds(u64 value) const { return value >= low && value <= high; }
};

constexpr size_t max_listen = 64;
constexpr size_t max_keys = 1024;
constexpr size_t max_access_rules = 1024;  // in one list
constexpr size_t max_zones = 100'000;
constexpr size_t max_catalogs = 64;
constexpr size_t max_peers = 64;  // in one list: who is told of a change, or asked for a zone
constexpr size_t max_exempt_prefixes = 256;
constexpr u32 least_notifies_under_way = 512;  // several zones' servers, on the smallest machine
constexpr u32 least_rate_table_size = 256;
constexpr size_t max_path_size = 4096;
constexpr size_t max_identity_text = 255;  // one character string of a TXT record (RFC 1035 section 3.3)
constexpr size_t max_nsid_size = 128;      // RFC 5001 sets none; it rides in every answer that asks for it
constexpr size_t cookie_secret_size = 16;  // RFC 9018 section 4.4: the SipHash-2-4 key
constexpr size_t entropy_seed_size = 48;
// RFC 2104 section 3 discourages secrets shorter than the hash; below 16 octets they can be guessed.
constexpr Range<u32> key_secret_size{16, 512};
constexpr Range<u32> worker_count{1, 64};
constexpr Range<u32> unprivileged_id{1, 0xfffffffe};
constexpr Range<u32> udp_payload_size{512, 4096};  // RFC 6891 section 6.2.3; beyond 4,096 answers only fragment
constexpr Range<u32> tcp_client_count{1, 65'536};
constexpr Range<u32> tcp_idle_time{1, 3600};
constexpr Range<u32> tcp_query_count{1, 1'000'000'000};
constexpr Range<u32> transfer_count{1, 4096};
constexpr Range<u32> signature_warning_time{0, 365 * 86'400};
constexpr Range<u64> zone_memory_size{u64{1} << 20, u64{1} << 33};  // zones refer to 8 GiB at most (zone/memory.h)
constexpr Range<u32> response_rate{1, 1'000'000};
constexpr Range<u32> rate_slip{0, 100};
constexpr Range<u32> rate_window{1, 3600};
constexpr Range<u32> rate_table_size{least_rate_table_size, 1 << 24};
constexpr Range<u32> ipv4_prefix_length{1, 32};
constexpr Range<u32> ipv6_prefix_length{1, 128};
constexpr Range<u32> zone_record_count{1, 1'000'000'000};
constexpr Range<u32> rrset_record_count{1, 65'535};  // the most a zone can hold
constexpr Range<u32> name_type_count{1, 4'096};      // likewise
constexpr Range<u64> zone_octet_count{1, u64{1} << 33};
constexpr Range<u32> history_differences{0, 1'000'000};
constexpr Range<u64> history_octets{0, u64{1} << 32};
constexpr Range<u64> storage_size{u64{1} << 20, u64{1} << 40};

// ---- what a role is told -----------------------------------------------------------------------------------------

enum class KeyAlgorithm : u8 { hmac_sha1, hmac_sha224, hmac_sha256, hmac_sha384, hmac_sha512 };
// "hmac-sha256" (RFC 8945 section 6); the name is also the algorithm's domain name less the final dot.
std::string_view key_algorithm_name(KeyAlgorithm algorithm);
std::optional<KeyAlgorithm> parse_key_algorithm(std::string_view text);

struct TsigKey {
  dns::Name name;
  KeyAlgorithm algorithm = KeyAlgorithm::hmac_sha256;
  std::string_view secret;  // octets, not text
  friend bool operator==(const TsigKey&, const TsigKey&) = default;
};

// Matches when the client is within `from` and the message is signed with `key`; what is absent always matches.
struct AccessRule {
  std::optional<IpPrefix> from;
  std::optional<u16> key;  // index into ServiceConfig::keys
  friend bool operator==(const AccessRule&, const AccessRule&) = default;
};
// Access is given when any rule matches; an empty list gives it to nobody.
using AccessList = std::vector<AccessRule>;

struct AccessControl {
  AccessList query{AccessRule{}};
  AccessList transfer;
  AccessList notify;
  AccessList update;  // at a primary: change zones; at a secondary: have it pass updates on
  friend bool operator==(const AccessControl&, const AccessControl&) = default;
};

// Identity is what the server says about itself. An empty text is not answered at all.
struct Identity {
  std::string_view server_id;  // TXT id.server and hostname.bind, class CH (RFC 4892)
  std::string_view version;    // TXT version.server and version.bind, class CH
  std::string_view nsid;       // octets of the NSID option (RFC 5001)
  friend bool operator==(const Identity&, const Identity&) = default;
};

// Another server: who is told of a change, or asked for a zone.
struct Peer {
  Endpoint endpoint;
  std::optional<u16> key;  // signs what is sent there; index into ServiceConfig::keys
  friend bool operator==(const Peer&, const Peer&) = default;
};
using PeerList = std::vector<Peer>;

// So much of a zone's past is kept to answer IXFR from; whichever limit comes first, the oldest goes. 0: nothing is kept.
struct HistoryConfig {
  u32 differences = 1'000;
  u64 octets = u64{16} << 20;
  friend bool operator==(const HistoryConfig&, const HistoryConfig&) = default;
};

// A zone has at most this size, wherever its records come from. An RRset is copied whole with each change of it and read whole
// with each answer, so that a few large ones take a server's time (CVE-2024-1737); beyond 4,000 addresses no message holds it,
// so that nobody can ask for it.
struct ZoneLimits {
  u32 max_records = 100'000'000;
  u64 max_octets = u64{1} << 33;  // of its records, each with its owner, uncompressed
  u32 max_records_per_rrset = 10'000;
  u32 max_types_per_name = name_type_count.high;
  // As zone/size_limits.h has them, which is not known here.
  template <class Sizes>
  Sizes sizes() const {
    return {
        .records = max_records, .octets = max_octets, .rrset_records = max_records_per_rrset, .name_types = max_types_per_name};
  }
  friend bool operator==(const ZoneLimits&, const ZoneLimits&) = default;
};

// A zone (or a catalog) may have settings of its own instead of the common ones; an absent one is the common one.
struct ZoneOverrides {
  std::optional<AccessList> transfer;
  std::optional<AccessList> notify_from;
  std::optional<AccessList> update;
  std::optional<PeerList> notify;
  std::optional<bool> notify_ns_records;
  std::optional<HistoryConfig> history;
  std::optional<bool> forward_updates = {};  // at a secondary
  std::optional<ZoneLimits> limits = {};
  friend bool operator==(const ZoneOverrides&, const ZoneOverrides&) = default;
};

struct Limits {
  u16 udp_payload_ipv4 = 1232;  // octets of a UDP answer, and what our OPT advertises
  u16 udp_payload_ipv6 = 1232;
  u32 tcp_clients = 1024;            // connections in all, shared by the workers
  u32 tcp_clients_per_prefix = 128;  // connections from one client prefix
  u8 tcp_prefix_ipv4 = 32;           // what one client prefix is
  u8 tcp_prefix_ipv6 = 64;
  u32 tcp_idle_seconds = 10;  // RFC 7766 section 6.2.3
  u32 tcp_queries_per_connection = 100'000;
  u64 zone_memory = u64{4} << 30;  // octets of address space for zones, the old version of a zone beside the new one
  u32 transfers = 64;              // transfers out at a time, in all
  u32 transfers_per_prefix = 8;    // and to one client prefix
  // The log warns so long before the first signature of a zone ends: time to mend a signer that has stopped over a weekend.
  u32 signature_warning_seconds = 3 * 86'400;
  friend bool operator==(const Limits&, const Limits&) = default;
};

// Response rate limiting: at most so many equal answers a second to one client prefix over UDP.
struct RateLimit {
  u32 responses_per_second = 200;
  u32 slip = 2;  // every n-th answer over the limit goes out truncated, so that a real client can come by TCP; 0: none
  u32 window_seconds = 15;
  u8 prefix_ipv4 = 24;
  u8 prefix_ipv6 = 56;
  u32 table_size = 65'536;  // client prefixes remembered, in each worker
  std::vector<IpPrefix> exempt;
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

using CookieSecret = std::array<u8, cookie_secret_size>;

// DNS cookies (RFC 7873, RFC 9018). Without a current secret the server draws one at start; servers behind one address share
// one.
struct Cookies {
  bool enabled = true;
  bool required = false;  // UDP queries without a good server cookie get BADCOOKIE
  std::optional<CookieSecret> current;
  std::optional<CookieSecret> previous;  // also accepted, during a change (RFC 9018 section 5)
  friend bool operator==(const Cookies&, const Cookies&) = default;
};

// The storage keeps over restarts what files and other servers do not have: a primary's updates, a secondary's zones. `samara
// run` opens it (a file, or a disk of the machine); the image is given no path to open.
struct StorageConfig {
  std::string_view file;  // for messages
  u64 size = u64{64} << 20;
  friend bool operator==(const StorageConfig&, const StorageConfig&) = default;
};

struct ServiceConfig {
  u32 workers = 1;
  std::vector<Endpoint> listen;  // at least one; UDP and TCP on each; port 0: the system chooses
  // The process becomes this user once its sockets are bound, if it was started as root. 65534 is nobody and nogroup in Debian.
  u32 user = 65534;
  u32 group = 65534;
  Identity identity;
  Level log_level = Level::info;
  std::optional<std::array<u8, entropy_seed_size>> entropy_seed;
  // Seconds since 1970 when the blob was made, for a machine without a wall clock. The machine reads it, not the role.
  std::optional<u64> boot_time;
  std::vector<TsigKey> keys;  // names are unique
  AccessControl access;
  Limits limits;
  std::optional<RateLimit> rate_limit;  // absent: no limit
  Cookies cookies;
  bool answer_rotation = false;  // begin each RRset of an answer with another of its records
  // For an image with a TCP/IP of its own. Absent: the Linux target uses the kernel's, the others are told nothing and fail.
  std::optional<runtime::NetworkConfig> network;
  PeerList notify;  // who is told when a zone has changed
  // True when the name servers in a zone's apex NS RRset are notified too (RFC 1996 section 3.3), all but the SOA's MNAME, as
  // far as the zone itself has their addresses.
  bool notify_ns_records = false;
  HistoryConfig history;
  ZoneLimits zone_limits;
  std::optional<StorageConfig> storage;
  u32 notifies_under_way = 4096;  // room for; no blob sets it
  friend bool operator==(const ServiceConfig&, const ServiceConfig&) = default;

  // TCP connections from clients that each worker is to have room for.
  u32 streams_per_worker() const { return (limits.tcp_clients + workers - 1) / workers; }
  // On a machine with memory for only `streams` of them the tables of the rate limit and of NOTIFYs are smaller by as much.
  void fit_tables(u32 streams) {
    if (streams >= streams_per_worker()) return;
    const auto fit = [&](u32& size, u32 least) {
      size = std::min(size, std::max(least, static_cast<u32>(u64{size} * streams / streams_per_worker())));
    };
    fit(notifies_under_way, least_notifies_under_way);
    if (rate_limit.has_value()) fit(rate_limit->table_size, least_rate_table_size);
  }

  // These return what holds for a zone.
  const AccessList& transfer_access(const ZoneOverrides& zone) const {
    return zone.transfer ? *zone.transfer : access.transfer;
  }
  const AccessList& notify_access(const ZoneOverrides& zone) const {
    return zone.notify_from ? *zone.notify_from : access.notify;
  }
  const AccessList& update_access(const ZoneOverrides& zone) const { return zone.update ? *zone.update : access.update; }
  const PeerList& notify_targets(const ZoneOverrides& zone) const { return zone.notify ? *zone.notify : notify; }
  bool notifies_ns_records(const ZoneOverrides& zone) const { return zone.notify_ns_records.value_or(notify_ns_records); }
  HistoryConfig history_of(const ZoneOverrides& zone) const { return zone.history.value_or(history); }
  ZoneLimits limits_of(const ZoneOverrides& zone) const { return zone.limits.value_or(zone_limits); }
};

// ---- what can be wrong with a blob ----------------------------------------------------------------------------------

// Why a blob is not a configuration for this role. The person who can fix it is the one who compiled the blob.
struct ConfigError {
  // wrong_role: the blob is for the role that `property` names.
  enum class Kind : u8 { missing, unknown, malformed, out_of_range, duplicate, too_many, wrong_role };
  Kind kind = Kind::missing;
  std::array<std::string_view, 4>
      path;                   // node names from below the root: {"acl", "transfer", "rule@2"}; ends at the first empty
  std::string_view property;  // empty when the node itself is meant
  std::string_view expected;  // "an address or a prefix", may be empty
  Range<u64> range{0, 0};     // the whole numbers expected, when `high` is not 0
  // `/acl/transfer/rule@2: property "from" is malformed (expected an address or a prefix)`
  void write_text(TextWriter& out) const;
};

// True when anybody is to be notified of anything: the server's ports for that are made at the start.
template <class RoleConfig>
bool notifies_anybody(const RoleConfig& config) {
  const auto notifies = [&](const auto& zone) {
    return !config.notify_targets(zone.overrides).empty() || config.notifies_ns_records(zone.overrides);
  };
  return !config.notify_targets({}).empty() || config.notifies_ns_records({}) || std::ranges::any_of(config.zones, notifies) ||
         std::ranges::any_of(config.catalogs, notifies);
}

}  // namespace samara::server
