// Records as a store keeps them: owner name in wire form (absolute, uncompressed), then TYPE CLASS TTL RDLENGTH RDATA.
#pragma once

#include <optional>

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"

namespace samara::zone::store {

struct RecordImage {
  dns::Name owner;
  dns::RrType type{};
  dns::Ttl ttl;
  Bytes rdata;
  Bytes whole;
};

// Octets that hold whole records, one after the other.
class RecordImages {
 public:
  explicit RecordImages(Bytes records) : reader_(records) {}
  // Nothing: the end, or (when bad() says so) no record.
  std::optional<RecordImage> next() {
    if (reader_.at_end()) return std::nullopt;
    const Bytes from_here = reader_.rest();
    const size_t begin = reader_.position();
    const auto owner = dns::Name::from_wire(reader_);
    const auto type = reader_.u16();
    const auto record_class = reader_.u16();
    const auto ttl = reader_.u32();
    const auto size = reader_.u16();
    bad_ = !owner.ok() || !type.ok() || !record_class.ok() || !ttl.ok() || !size.ok() || size.value() > reader_.remaining();
    if (bad_) return std::nullopt;
    const Bytes rdata = MUST(reader_.bytes(size.value()));
    return RecordImage{.owner = owner.value(),
                       .type = static_cast<dns::RrType>(type.value()),
                       .ttl = dns::Ttl(ttl.value()),
                       .rdata = rdata,
                       .whole = from_here.first(reader_.position() - begin)};
  }
  bool bad() const { return bad_; }

 private:
  ByteReader reader_;
  bool bad_ = false;
};

inline void write_record_image(ByteWriter& out, const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata) {
  out.bytes(owner.wire());
  out.u16(dns::code(type));
  out.u16(dns::code(dns::RrClass::IN));
  out.u32(ttl.seconds());
  out.u16(static_cast<u16>(rdata.size()));
  out.bytes(rdata);
}

}  // namespace samara::zone::store
