// The wire rule of each field kind (descriptor.h).
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/descriptor.h"

namespace samara::dns {

// Steps over one field of the data of `type`; `last_octet` is the value of the latest one-octet number, which says what a
// digest is made of.
void check_field(Field field, RrType type, RdataCursor& at, u8& last_octet);

}  // namespace samara::dns
