// Record images: records in octets, not compressed, as stores, histories, transfers on their way and zone memory have them:
//
//   OWNER TYPE CLASS TTL RDLENGTH RDATA    as in a message (RFC 1035 section 4.1.3), the owner absolute
//
// Zone memory leaves out the owner, which its nodes have. The class is IN.
#pragma once

#include <optional>

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"

namespace samara::dns {

// Octets of TYPE, CLASS, TTL and RDLENGTH.
constexpr size_t record_fixed_size = 10;
// Octets of the longest data.
constexpr size_t max_rdata_size = 65'535;
// Octets of the longest image.
constexpr size_t max_record_image = max_name_size + record_fixed_size + max_rdata_size;

// Writes the fields between owner and data; `rdata_size` is at most max_rdata_size.
inline void write_record_fields(RrType type, Ttl ttl, size_t rdata_size, ByteWriter& out, RrClass rr_class = RrClass::IN) {
  out.u16(code(type));
  out.u16(code(rr_class));
  out.u32(ttl.seconds());
  out.u16(static_cast<u16>(rdata_size));
}

inline void write_record_image(const Name& owner, RrType type, Ttl ttl, Bytes rdata, ByteWriter& out) {
  out.bytes(owner.wire());
  write_record_fields(type, ttl, rdata.size(), out);
  out.bytes(rdata);
}

// Octets of the first of several images without owners.
inline size_t ownerless_image_size(Bytes images) {
  return record_fixed_size + load_be16(images, record_fixed_size - 2);
}

struct RecordImage {
  Name owner;
  RrType type{};
  Ttl ttl;
  Bytes rdata;  // a view, as the next
  Bytes whole;

  // The image that `at` stands in front of, and steps over. Nothing: it is none.
  static std::optional<RecordImage> read(ByteReader& at);
};

// Octets that hold whole images, one after the other.
class RecordImages {
 public:
  explicit RecordImages(Bytes images) : at_(images) {}
  // Nothing: the end, or (when bad() says so) no image.
  std::optional<RecordImage> next() {
    if (at_.at_end()) return std::nullopt;
    auto image = RecordImage::read(at_);
    bad_ = !image.has_value();
    return image;
  }
  bool bad() const { return bad_; }

 private:
  ByteReader at_;
  bool bad_ = false;
};

}  // namespace samara::dns
