#include "dns-core/message/message_reader.h"

#include "dns-core/record_image.h"

namespace samara::dns {

Name MessageReader::name() {
  ByteReader at(message_, at_);
  auto name = Name::from_message(at);
  if (!name.ok()) {
    fail();
    return {};
  }
  at_ = at.position();
  return name.value();
}

void MessageReader::skip_name() {
  for (size_t size = 0; size < max_name_size;) {
    const Bytes length = bytes(1);
    if (length.empty() || length[0] == 0) return;
    if ((length[0] & 0xc0) == 0xc0) {
      bytes(1);
      return;
    }
    if (length[0] > max_label_size) break;
    bytes(length[0]);
    size += size_t{length[0]} + 1;
  }
  fail();
}

RecordFields MessageReader::fields() {
  const Bytes b = bytes(record_fixed_size);
  if (b.empty()) return {};
  const RecordFields record{.type = static_cast<RrType>(load_be16(b)),
                            .rr_class = static_cast<RrClass>(load_be16(b, 2)),
                            .ttl = load_be32(b, 4),
                            .size = load_be16(b, 8)};
  if (record.size <= remaining()) return record;
  fail();
  return {};
}

Result<void, RdataError> MessageReader::rdata(const RecordFields& record, ByteWriter& stored, RdataRules rules) {
  ByteReader at(message_, at_);
  auto read = rdata_from_message(record.type, at, record.size, stored, rules);
  bytes(record.size);
  return read;
}

}  // namespace samara::dns
