// The cookie of a message that is passed on. A cookie (RFC 7873) is a matter between a client and the server that it talks to:
// who stands between a requester and a server is the server of the one and the client of the other, and neither's cookie is of
// use to the far side.
#pragma once

#include "platform/base/byte_writer.h"

namespace samara::dns {

// Writes `message`, which can be read (query.h), with `cookie`, an option's data, in the place of all COOKIE options of its OPT
// record; with none when `cookie` is empty. As it is where there is no OPT record, or another record after it: a signature
// (TSIG, SIG(0)) covers the options as they came, and names may point to what comes after them.
void write_with_cookie(Bytes message, Bytes cookie, ByteWriter& out);

}  // namespace samara::dns
