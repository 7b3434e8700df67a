// The wire rule of each field kind (descriptor.h).
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/descriptor.h"

namespace samara::dns {

// Steps over one field of the data of `type`; `last_octet` is the value of the latest one-octet number but flags,
// which says what a digest or hash is made of.
void check_field(Field field, RrType type, RdataCursor& at, u8& last_octet);
// What data of `type` has to be like in this field, said of data that is not; empty for fields that have nothing but a size.
std::string_view rule_of(Field field, RrType type);

}  // namespace samara::dns
