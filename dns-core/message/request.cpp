#include "dns-core/message/request.h"

#include "dns-core/rdata/soa.h"
#include "dns-core/record_image.h"

namespace samara::dns {
namespace {

constexpr u16 to_question = 0xc000 | header_size;

}  // namespace

RequestWriter::RequestWriter(MutableBytes room, const RequestHead& head) : out_(room) {
  out_.u16(head.id.value());
  out_.u16(flags_of(head.opcode) | head.flags);
  out_.u16(1);
  out_.zeros(header_size - answer_count_at);
  out_.bytes(head.name.wire());
  out_.u16(code(head.type));
  out_.u16(code(RrClass::IN));
}

void RequestWriter::own_record(Section section, Bytes image) {
  out_.u16(to_question);
  out_.bytes(image);
  count(section);
}

void RequestWriter::own_serial(Section section, Serial serial) {
  out_.u16(to_question);
  write_record_fields(RrType::SOA, Ttl(), 2 + soa_numbers_size, out_);
  out_.u16(0);  // MNAME and RNAME: the root
  out_.u32(serial.value());
  out_.zeros(soa_numbers_size - 4);
  count(section);
}

void RequestWriter::record(Section section, Bytes whole) {
  out_.bytes(whole);
  count(section);
}

void RequestWriter::opt(u16 udp_payload_size, std::initializer_list<EdnsOption> options) {
  out_.u8(0);
  out_.u16(code(RrType::OPT));
  out_.u16(udp_payload_size);
  out_.u32(0);
  out_.u16(static_cast<u16>(4 * options.size()));
  for (const EdnsOption option : options) {
    out_.u16(code(option));
    out_.u16(0);
  }
  count(Section::additional);
}

size_t RequestWriter::finish(TsigClient* tsig, UnixTime wall) {
  if (tsig != nullptr) tsig->sign_request(out_, wall);
  return out_.overflowed() ? 0 : out_.size();
}

void RequestWriter::count(Section section) {
  if (out_.overflowed()) return;
  const size_t at = answer_count_at + 2 * static_cast<size_t>(section);
  out_.patch_u16(at, static_cast<u16>(load_be16(out_.written(), at) + 1));
}

}  // namespace samara::dns
