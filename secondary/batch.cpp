#include "secondary/batch.h"

#include "dns-core/rdata/rdata.h"
#include "dns-core/record_image.h"

namespace samara::secondary {
namespace {

constexpr auto as_malformed = [](auto) { return BatchError::malformed; };

}  // namespace

void write_whole(dns::Serial serial, ByteWriter& out) {
  out.u8(static_cast<u8>(ItemTag::whole));
  out.u32(serial.value());
}

void write_steps(dns::Serial from, dns::Serial to, ByteWriter& out) {
  out.u8(static_cast<u8>(ItemTag::steps));
  out.u32(from.value());
  out.u32(to.value());
}

void write_end(std::optional<u32> expire, ByteWriter& out) {
  out.u8(static_cast<u8>(ItemTag::end));
  out.u8(expire.has_value() ? 1 : 0);
  out.u32(expire.value_or(0));
}

Result<bool, BatchError> BatchReader::next(BatchItem& item) {
  if (at_.at_end()) return false;
  item.tag = static_cast<ItemTag>(TRY(at_.u8().map_error(as_malformed)));
  switch (item.tag) {
    case ItemTag::whole: item.to = dns::Serial(TRY(at_.u32().map_error(as_malformed))); return true;
    case ItemTag::steps:
      item.from = dns::Serial(TRY(at_.u32().map_error(as_malformed)));
      item.to = dns::Serial(TRY(at_.u32().map_error(as_malformed)));
      return true;
    case ItemTag::end: {
      const u8 has = TRY(at_.u8().map_error(as_malformed));
      const u32 expire = TRY(at_.u32().map_error(as_malformed));
      if (has > 1) return fail(BatchError::malformed);
      item.expire = has == 1 ? std::optional(expire) : std::nullopt;
      return true;
    }
    case ItemTag::old_soa:
    case ItemTag::removed:
    case ItemTag::new_soa:
    case ItemTag::added: TRY(read_record(item)); return true;
  }
  return fail(BatchError::malformed);
}

Result<void, BatchError> BatchReader::read_record(BatchItem& item) {
  const auto image = dns::RecordImage::read(at_);
  const bool soa = item.tag == ItemTag::old_soa || item.tag == ItemTag::new_soa;
  if (!image.has_value() || (soa && image->type != dns::RrType::SOA)) return fail(BatchError::malformed);
  item.owner = image->owner;
  item.type = image->type;
  item.ttl = image->ttl;
  item.rdata = image->rdata;
  TRY(dns::check_copied_rdata(item.type, item.rdata).map_error(as_malformed));
  return {};
}

}  // namespace samara::secondary
