#include "server/update_message.h"

#include <algorithm>
#include <memory>

#include "dns-core/message/message_reader.h"
#include "dns-core/record_image.h"

namespace samara::server {

using dns::Rcode;
using dns::RrClass;
using dns::RrType;

namespace {

// The least a record takes in a message: a pointer for its name, and no data.
constexpr size_t least_record = 2 + dns::record_fixed_size;

}  // namespace

Result<UpdateMessage, Rcode> UpdateMessage::read(Bytes message) {
  const auto header = dns::read_header(message);
  if (!header.has_value()) return fail(Rcode::FORMERR);
  if (header->opcode() != dns::Opcode::UPDATE) return fail(Rcode::NOTIMP);
  // RFC 2136 section 3.1.1: the zone section has one record, and its type is SOA.
  if (header->questions != 1) return fail(Rcode::FORMERR);
  dns::MessageReader at(message);
  UpdateMessage update;
  update.zone_ = at.name();
  const auto zone_type = static_cast<RrType>(at.u16_value());
  update.zone_class_ = static_cast<RrClass>(at.u16_value());
  if (at.failed() || zone_type != RrType::SOA) return fail(Rcode::FORMERR);
  update.prerequisite_count_ = header->answers;
  const size_t count = size_t{header->answers} + header->authorities;
  if (count > at.remaining() / least_record + 1) return fail(Rcode::FORMERR);
  update.records_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    if (!update.read_record(at, i < update.prerequisite_count_)) return fail(Rcode::FORMERR);
  }
  return update;
}

bool UpdateMessage::read_record(dns::MessageReader& at, bool prerequisite) {
  UpdateRecord& record = records_.emplace_back();
  record.owner = at.name();
  static_cast<dns::RecordFields&>(record) = at.fields();
  if (at.failed()) return false;
  const bool has_data = record.rr_class == zone_class_ || (record.rr_class == RrClass::NONE && !prerequisite);
  if (!has_data) {
    at.bytes(record.size);
    return true;
  }
  // Decompressed, the data may be longer than in the message by two names.
  record.data_at = stored_.size();
  stored_.resize(record.data_at + std::min(dns::max_rdata_size, record.size + 2 * dns::max_name_size));
  ByteWriter stored(MutableBytes(stored_).subspan(record.data_at));
  record.malformed = !at.rdata(record, stored).ok();
  record.data_size = record.malformed ? 0 : stored.size();
  stored_.resize(record.data_at + record.data_size);
  return prerequisite || !record.malformed;
}

}  // namespace samara::server
