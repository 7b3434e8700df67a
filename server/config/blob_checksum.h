// The checksum of a boot configuration: bits that change on a disk, or on the way into a machine's memory, are noticed, and not
// served. It is the root's property `checksum`, 16 octets: SipHash-2-4 under a key of zeros over what is in front of them, and
// over what is behind them, the lowest octets first. Zeros: nobody has computed it, because the blob goes from one process to
// the next, or was not made by us.
#pragma once

#include <string_view>
#include <vector>

#include "platform/codec/device_tree.h"

namespace samara::server {

constexpr std::string_view checksum_property = "checksum";
constexpr size_t checksum_size = 16;

// Puts it into a blob with that property.
void seal_blob(std::vector<u8>& blob);
// False: the blob is not as it was when it was sealed.
bool is_intact(const codec::DeviceTree& tree);

}  // namespace samara::server
