#include "dns-core/tsig/record.h"

#include <array>

#include "dns-core/message/header.h"
#include "dns-core/record_image.h"
#include "platform/base/byte_order.h"
#include "platform/base/byte_reader.h"

namespace samara::dns {
namespace {

constexpr u64 max_time = (u64{1} << 48) - 1;
// The fields behind the owner, and those of the data that have one size.
constexpr size_t fixed_size = record_fixed_size + 6 + 2 + 2 + 2 + 2 + 2;
// RFC 8945 section 4.2: other data is empty or, with BADTIME, the server's time.
constexpr size_t max_other_size = 6;

constexpr Failure<TsigRecordError> malformed() {
  return fail(TsigRecordError::malformed);
}
constexpr auto as_malformed = [](auto) { return TsigRecordError::malformed; };

// TRY with any reading error told as a malformed record.
#define TRY_FIELD(...) TRY((__VA_ARGS__).map_error(as_malformed))

}  // namespace

Result<TsigRecordView, TsigRecordError> TsigRecordView::parse(Bytes message, size_t at) {
  if (message.size() < header_size || at < header_size || at >= message.size()) return malformed();
  if (load_be16(message, additional_count_at) == 0) return malformed();
  ByteReader reader(message);
  TRY_FIELD(reader.skip(at));
  TsigRecordView record;
  record.key_name = TRY_FIELD(Name::from_message(reader));
  const u16 type = TRY_FIELD(reader.u16());
  const u16 rr_class = TRY_FIELD(reader.u16());
  const u32 ttl = TRY_FIELD(reader.u32());
  if (type != code(RrType::TSIG) || rr_class != code(RrClass::ANY) || ttl != 0) return malformed();
  const u16 rdata_size = TRY_FIELD(reader.u16());
  ByteReader rdata = TRY_FIELD(reader.sub(rdata_size));
  TRY_FIELD(reader.expect_end());
  record.algorithm = TRY_FIELD(Name::from_wire(rdata));  // RFC 8945 section 4.2: not compressed
  record.time_signed = TRY_FIELD(rdata.u48());
  record.fudge = TRY_FIELD(rdata.u16());
  const u16 mac_size = TRY_FIELD(rdata.u16());
  record.mac = TRY_FIELD(rdata.bytes(mac_size));
  record.original_id = TRY_FIELD(rdata.u16());
  record.error = Rcode{TRY_FIELD(rdata.u16())};
  const u16 other_size = TRY_FIELD(rdata.u16());
  if (other_size > max_other_size) return malformed();
  record.other = TRY_FIELD(rdata.bytes(other_size));
  TRY_FIELD(rdata.expect_end());
  return record;
}

bool TsigRecordView::is_timely(UnixTime now, u16 most) const {
  if (now.seconds < 0 || static_cast<u64>(now.seconds) > max_time) return false;
  const u64 here = static_cast<u64>(now.seconds);
  return (here > time_signed ? here - time_signed : time_signed - here) <= std::min(fudge, most);
}

size_t TsigRecordView::size(const Name& key_name, const Name& algorithm, size_t mac_size, size_t other_size) {
  return key_name.size() + algorithm.size() + fixed_size + mac_size + other_size;
}

void append_tsig(const TsigRecordView& record, ByteWriter& message) {
  const ByteWriter::Mark before = message.mark();
  message.bytes(record.key_name.wire());
  message.u16(code(RrType::TSIG));
  message.u16(code(RrClass::ANY));
  message.u32(0);
  message.u16(
      static_cast<u16>(record.algorithm.size() + fixed_size - record_fixed_size + record.mac.size() + record.other.size()));
  message.bytes(record.algorithm.wire());
  message.u48(record.time_signed);
  message.u16(record.fudge);
  message.u16(static_cast<u16>(record.mac.size()));
  message.bytes(record.mac);
  message.u16(record.original_id);
  message.u16(code(record.error));
  message.u16(static_cast<u16>(record.other.size()));
  message.bytes(record.other);
  if (message.overflowed()) {
    message.rollback({before.size, true});
    return;
  }
  message.patch_u16(additional_count_at, static_cast<u16>(load_be16(message.written(), additional_count_at) + 1));
}

void digest_prior_mac(crypto::Hmac& hmac, Bytes mac) {
  std::array<u8, 2> size{};
  store_be16(size, 0, static_cast<u16>(mac.size()));
  hmac.update(size);
  hmac.update(mac);
}

void digest_received(crypto::Hmac& hmac, Bytes message, size_t tsig_at, u16 original_id) {
  std::array<u8, header_size> header{};
  ByteWriter out(header);
  out.u16(original_id);
  out.bytes(message.subspan(2, additional_count_at - 2));
  out.u16(static_cast<u16>(load_be16(message, additional_count_at) - 1));
  hmac.update(header);
  hmac.update(message.subspan(header_size, tsig_at - header_size));
}

void digest_variables(crypto::Hmac& hmac, const TsigRecordView& record) {
  std::array<u8, 2 * max_name_size + 32> memory{};
  ByteWriter out(memory);
  out.bytes(record.key_name.lowercased().wire());
  out.u16(code(RrClass::ANY));
  out.u32(0);
  out.bytes(record.algorithm.lowercased().wire());
  out.u48(record.time_signed);
  out.u16(record.fudge);
  out.u16(code(record.error));
  out.u16(static_cast<u16>(record.other.size()));
  out.bytes(record.other);
  hmac.update(out.written());
}

void digest_timers(crypto::Hmac& hmac, const TsigRecordView& record) {
  std::array<u8, 8> memory{};
  ByteWriter out(memory);
  out.u48(record.time_signed);
  out.u16(record.fudge);
  hmac.update(out.written());
}

}  // namespace samara::dns
