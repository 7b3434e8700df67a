#include "dns-core/rdata/host_identity.h"

#include "platform/codec/base64.h"
#include "platform/codec/hex.h"

namespace samara::dns {

void check_host_identity(RdataCursor& at) {
  const size_t tag = at.u8();
  at.u8();
  const size_t key = at.u16();
  at.bytes(tag + key);
  at.require(tag != 0 && key != 0);
  while (!at.at_end()) at.name();
}

Result<void, SyntaxError> read_host_identity(TextFields& fields) {
  ByteWriter& out = fields.out();
  const u64 algorithm = TRY(fields.number("a public key algorithm from 0 to 255", UINT8_MAX));
  const size_t start = out.size();
  out.u8(0);  // size of the tag, below
  out.u8(static_cast<u8>(algorithm));
  out.u16(0);  // size of the key, below

  constexpr std::string_view expected_tag = "a host identity tag in hex, at most 255 octets";
  const Token tag = TRY(fields.word(expected_tag));
  const size_t tag_start = out.size();
  const auto tag_decoded = codec::decode_hex(tag.text, out);
  if (!tag_decoded.ok()) return wrong(tag, codec::describe(tag_decoded.error()), expected_tag);
  const size_t tag_size = out.size() - tag_start;
  if (tag_size == 0 || tag_size > 255) return wrong(tag, "bad size of a host identity tag", expected_tag);

  constexpr std::string_view expected_key = "a public key in base 64, at most 65535 octets";
  const Token key = TRY(fields.word(expected_key));
  const size_t key_start = out.size();
  const auto key_decoded = codec::decode_base64(key.text, out);
  if (!key_decoded.ok()) return wrong(key, codec::describe(key_decoded.error()), expected_key);
  const size_t key_size = out.size() - key_start;
  if (key_size == 0 || key_size > 65535) return wrong(key, "bad size of a public key", expected_key);

  if (out.overflowed()) return {};
  out.written_mutable()[start] = static_cast<u8>(tag_size);
  out.patch_u16(start + 2, static_cast<u16>(key_size));
  for (Token token = TRY(fields.next_or_end()); token.is_text(); token = TRY(fields.next_or_end())) {
    fields.put_back(token);
    TRY(fields.name("the name of a rendezvous server"));
  }
  return {};
}

void write_host_identity(RdataCursor& at, TextWriter& out) {
  const size_t tag_size = at.u8();
  out.put(at.u8());
  const size_t key_size = at.u16();
  out.put(' ');
  codec::encode_hex(at.bytes(tag_size), out, codec::HexCase::upper);
  out.put(' ');
  codec::encode_base64(at.bytes(key_size), out);
  while (!at.at_end()) {
    ByteReader server(at.name());
    out.put(' ');
    MUST(Name::from_wire(server)).write_text(out);
  }
}

}  // namespace samara::dns
