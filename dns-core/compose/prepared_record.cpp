#include "dns-core/compose/prepared_record.h"

#include "dns-core/name.h"
#include "dns-core/rdata/rdata.h"
#include "dns-core/record_image.h"

namespace samara::dns {

std::optional<NamePointers> prepare_record(Bytes owner, Bytes image, ByteWriter& out) {
  NamePointers pointers;
  const CompressibleNames names = compressible_names(static_cast<RrType>(load_be16(image)));
  if (names.count > pointers.size()) return std::nullopt;
  const size_t start = out.size();
  size_t done = record_fixed_size + names.offset;
  out.bytes(image.first(done));
  Bytes before;
  for (size_t i = 0; i < names.count; ++i) {
    const Bytes rest = image.subspan(done);
    const Bytes name = rest.first(wire_name_size(rest));
    const size_t shared = common_suffix_size(name, owner);
    if (!before.empty() && common_suffix_size(name, before) > shared) return std::nullopt;
    before = name;
    done += name.size();
    if (shared == 1) {  // the root is shorter than a pointer to it
      out.bytes(name);
      continue;
    }
    out.bytes(name.first(name.size() - shared));
    pointers[i] = {.place = static_cast<u16>(out.size() - start), .suffix = static_cast<u16>(owner.size() - shared)};
    out.u16(0);
  }
  out.bytes(image.subspan(done));
  if (out.overflowed()) return std::nullopt;
  out.patch_u16(start + record_fixed_size - 2, static_cast<u16>(out.size() - start - record_fixed_size));
  return pointers;
}

}  // namespace samara::dns
