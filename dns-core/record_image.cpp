#include "dns-core/record_image.h"

namespace samara::dns {

std::optional<RecordImage> RecordImage::read(ByteReader& at) {
  const Bytes from_here = at.rest();
  const size_t begin = at.position();
  const auto owner = Name::from_wire(at);
  if (!owner.ok() || at.remaining() < record_fixed_size) return std::nullopt;
  const Bytes fields = at.rest().first(record_fixed_size);
  if (static_cast<RrClass>(load_be16(fields, 2)) != RrClass::IN) return std::nullopt;
  if (!at.skip(record_fixed_size).ok()) return std::nullopt;
  const auto rdata = at.bytes(load_be16(fields, 8));
  if (!rdata.ok()) return std::nullopt;
  return RecordImage{.owner = owner.value(),
                     .type = static_cast<RrType>(load_be16(fields)),
                     .ttl = Ttl(load_be32(fields, 4)),
                     .rdata = rdata.value(),
                     .whole = from_here.first(at.position() - begin)};
}

}  // namespace samara::dns
