// The numbers that end the data of an SOA record: its zone's version, and times (RFC 1035 section 3.3.13).
#pragma once

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/byte_order.h"

namespace samara::dns {

constexpr size_t soa_numbers_size = 20;  // SERIAL, REFRESH, RETRY, EXPIRE and MINIMUM, which end it
constexpr size_t max_soa_rdata_size = 2 * max_name_size + soa_numbers_size;

struct SoaNumbers {
  Serial serial;
  u32 refresh = 0;  // seconds, as the rest
  u32 retry = 0;
  u32 expire = 0;
  u32 minimum = 0;

  // `rdata` is a valid stored form.
  static SoaNumbers of(Bytes rdata) {
    const Bytes numbers = rdata.last(soa_numbers_size);
    return {.serial = Serial(load_be32(numbers)),
            .refresh = load_be32(numbers, 4),
            .retry = load_be32(numbers, 8),
            .expire = load_be32(numbers, 12),
            .minimum = load_be32(numbers, 16)};
  }
  friend bool operator==(const SoaNumbers&, const SoaNumbers&) = default;
};

}  // namespace samara::dns
