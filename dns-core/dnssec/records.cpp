#include "dns-core/dnssec/records.h"

#include "platform/base/byte_reader.h"

namespace samara::dns {
namespace {

constexpr RdataError as_rdata_error(ReadError error) {
  return error == ReadError::trailing ? RdataError::trailing : RdataError::truncated;
}
constexpr RdataError as_rdata_error(NameError error) {
  return error == NameError::truncated ? RdataError::truncated : RdataError::bad_name;
}

// TRY with the error told as an RdataError.
#define TRY_FIELD(...) TRY((__VA_ARGS__).map_error([](auto error) { return as_rdata_error(error); }))

Result<Nsec3ParameterView, RdataError> parse_parameters(ByteReader& at) {
  Nsec3ParameterView view;
  view.algorithm = TRY_FIELD(at.u8());
  view.flags = TRY_FIELD(at.u8());
  view.iterations = TRY_FIELD(at.u16());
  const u8 salt_size = TRY_FIELD(at.u8());
  view.salt = TRY_FIELD(at.bytes(salt_size));
  return view;
}

}  // namespace

Result<RrsigView, RdataError> RrsigView::parse(Bytes rdata) {
  ByteReader at(rdata);
  RrsigView view;
  view.covered = RrType{TRY_FIELD(at.u16())};
  view.algorithm = DnssecAlgorithm{TRY_FIELD(at.u8())};
  view.labels = TRY_FIELD(at.u8());
  view.original_ttl = TRY_FIELD(at.u32());
  view.expiration = TRY_FIELD(at.u32());
  view.inception = TRY_FIELD(at.u32());
  view.key_tag = KeyTag(TRY_FIELD(at.u16()));
  view.signer = TRY_FIELD(Name::from_wire(at));
  view.signature = at.rest();
  return view;
}

Result<DnskeyView, RdataError> DnskeyView::parse(Bytes rdata) {
  ByteReader at(rdata);
  DnskeyView view;
  view.flags = TRY_FIELD(at.u16());
  view.protocol = TRY_FIELD(at.u8());
  view.algorithm = DnssecAlgorithm{TRY_FIELD(at.u8())};
  view.public_key = at.rest();
  return view;
}

Result<DsView, RdataError> DsView::parse(Bytes rdata) {
  ByteReader at(rdata);
  DsView view;
  view.key_tag = KeyTag(TRY_FIELD(at.u16()));
  view.algorithm = DnssecAlgorithm{TRY_FIELD(at.u8())};
  view.digest_type = DsDigest{TRY_FIELD(at.u8())};
  view.digest = at.rest();
  return view;
}

Result<NsecView, RdataError> NsecView::parse(Bytes rdata) {
  ByteReader at(rdata);
  NsecView view;
  view.next = TRY_FIELD(Name::from_wire(at));
  view.types = at.rest();
  return view;
}

Result<Nsec3ParameterView, RdataError> Nsec3ParameterView::parse(Bytes rdata) {
  ByteReader at(rdata);
  const Nsec3ParameterView view = TRY(parse_parameters(at));
  TRY_FIELD(at.expect_end());
  return view;
}

Result<Nsec3View, RdataError> Nsec3View::parse(Bytes rdata) {
  ByteReader at(rdata);
  Nsec3View view;
  view.parameters = TRY(parse_parameters(at));
  const u8 hash_size = TRY_FIELD(at.u8());
  view.next_hash = TRY_FIELD(at.bytes(hash_size));
  view.types = at.rest();
  return view;
}

}  // namespace samara::dns
