#include "server/update_message.h"

#include <algorithm>
#include <memory>

#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata.h"

namespace samara::server {

using dns::Rcode;
using dns::RrClass;
using dns::RrType;

namespace {

// The least a record takes in a message: a pointer for its name, and no data.
constexpr size_t least_record = 2 + dns::record_overhead;
constexpr size_t max_rdata = 65'535;

}  // namespace

Result<UpdateMessage, Rcode> UpdateMessage::read(Bytes message) {
  if (message.size() < dns::header_size) return fail(Rcode::FORMERR);
  if ((load_be16(message, 2) >> 11 & 15) != static_cast<unsigned>(dns::Opcode::UPDATE)) return fail(Rcode::NOTIMP);
  // RFC 2136 section 3.1.1: the zone section has one record, and its type is SOA.
  if (load_be16(message, 4) != 1) return fail(Rcode::FORMERR);
  ByteReader at(message);
  const auto malformed = [](auto) { return Rcode::FORMERR; };
  TRY(at.skip(dns::header_size).map_error(malformed));
  UpdateMessage update;
  update.zone_ = TRY(dns::Name::from_message(at).map_error(malformed));
  const auto zone_type = static_cast<RrType>(TRY(at.u16().map_error(malformed)));
  update.zone_class_ = static_cast<RrClass>(TRY(at.u16().map_error(malformed)));
  if (zone_type != RrType::SOA) return fail(Rcode::FORMERR);
  update.prerequisite_count_ = load_be16(message, 6);
  const size_t count = update.prerequisite_count_ + load_be16(message, 8);
  if (count > at.remaining() / least_record + 1) return fail(Rcode::FORMERR);
  update.records_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    if (!update.read_record(at, i < update.prerequisite_count_)) return fail(Rcode::FORMERR);
  }
  return update;
}

bool UpdateMessage::read_record(ByteReader& at, bool prerequisite) {
  auto owner = dns::Name::from_message(at);
  if (!owner.ok() || at.remaining() < dns::record_overhead) return false;
  UpdateRecord& record = records_.emplace_back();
  record.owner = owner.value();
  record.type = static_cast<RrType>(at.u16().value_or(0));
  record.rr_class = static_cast<RrClass>(at.u16().value_or(0));
  record.ttl = at.u32().value_or(0);
  record.size = at.u16().value_or(0);
  if (at.remaining() < record.size) return false;
  const bool has_data = record.rr_class == zone_class_ || (record.rr_class == RrClass::NONE && !prerequisite);
  if (!has_data) return at.skip(record.size).ok();
  // Decompressed, the data may be longer than in the message by two names.
  record.data_at = stored_.size();
  stored_.resize(record.data_at + std::min(max_rdata, record.size + 2 * dns::max_name_size));
  ByteWriter stored(MutableBytes(stored_).subspan(record.data_at));
  ByteReader data = at;
  if (!dns::rdata_from_message(record.type, data, record.size, stored).ok()) {
    stored_.resize(record.data_at);
    record.malformed = true;
    return prerequisite && at.skip(record.size).ok();
  }
  at = data;
  record.data_size = stored.size();
  stored_.resize(record.data_at + record.data_size);
  return true;
}

}  // namespace samara::server
