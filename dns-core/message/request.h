// RequestWriter: composes a request (RFC 1035 section 4.1; RFC 1995, 1996, 2136, 5936): header, question or zone, records in
// the order of their sections, OPT, TSIG. Names are not compressed but for the question's own.
//
//   RequestWriter request(room, {.id = id, .opcode = Opcode::NOTIFY, .flags = flag_aa, .name = zone, .type = RrType::SOA});
//   request.own_record(Section::answer, soa_image);
//   request.opt(common_udp_payload_size, {});
//   const size_t size = request.finish(&tsig, wall);
#pragma once

#include <initializer_list>
#include <optional>

#include "dns-core/message/edns.h"
#include "dns-core/message/header.h"
#include "dns-core/name.h"
#include "dns-core/tsig/client.h"
#include "platform/base/byte_writer.h"
#include "platform/base/time.h"

namespace samara::dns {

struct RequestHead {
  MessageId id = {};
  Opcode opcode = Opcode::QUERY;
  u16 flags = 0;
  const Name& name;  // asked for, or of the zone that the request is about
  RrType type{};
};

// Octets of a request with this name and one OPT record with one empty option.
constexpr size_t request_size(size_t name_size) {
  return header_size + name_size + 4 + opt_fixed_size + 4;
}
// Octets of own_serial()'s record.
constexpr size_t own_serial_size = 2 + 10 + 22;

class RequestWriter {
 public:
  enum class Section : u8 { answer, authority, additional };  // for UPDATE: prerequisites, changes, additional data

  RequestWriter(MutableBytes room, const RequestHead& head);
  // Goes on with the request that the first `written` octets of `room` are.
  RequestWriter(MutableBytes room, size_t written) : out_(room, written) {}

  // A record whose owner is the question's name; `image` is what follows the owner (record_image.h).
  void own_record(Section section, Bytes image);
  // An SOA record of the question's name that says no more than a serial (RFC 1995 section 3, RFC 1996 section 3.7).
  void own_serial(Section section, Serial serial);
  // A record with its owner, in wire form and not compressed.
  void record(Section section, Bytes whole);
  // OPT with these options, each of them empty: whoever asks for EXPIRE or NSID sends no value.
  void opt(u16 udp_payload_size, std::initializer_list<EdnsOption> options);
  // Signs, where there is a key. Returns the size of the message; 0 when it does not fit.
  size_t finish(TsigClient* tsig = nullptr, UnixTime wall = {});

 private:
  void count(Section section);

  ByteWriter out_;
};

}  // namespace samara::dns
