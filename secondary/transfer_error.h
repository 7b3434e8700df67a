// What can be wrong with a transfer that comes in, each by its own name, so that the log can say what to look at.
#pragma once

#include <string_view>

#include "dns-core/tsig/client.h"
#include "dns-core/types.h"

namespace samara::secondary {

enum class TransferError : u8 {
  // what the primary says
  refused,  // an RCODE other than NOERROR: TransferIn::rcode()
  // the message
  malformed,
  wrong_id,
  not_a_response,
  wrong_opcode,
  truncated_flag,
  wrong_question,
  no_answer,  // the first message holds no record
  tsig,       // TransferIn::tsig_error()
  unsigned_end,
  // its records
  foreign_class,
  meta_type,
  out_of_zone,
  bad_rdata,
  record_too_long,
  // their order (RFC 5936 section 2.2, RFC 1995 section 4)
  no_soa_first,
  soa_below_apex,
  soa_in_middle,
  trailing_data,
  other_start,   // IXFR: the first difference does not start at our serial
  broken_steps,  // IXFR: a difference does not start where the last ended, or goes back
  // serials (RFC 1982)
  serial_older,
  serial_undefined,
  serial_not_promised,
  // limits
  too_many_octets,
  too_many_records,
  too_many_messages,
  differences_too_large,
  too_slow,
  too_long,
  // the connection
  not_connected,
  cut_short,
  // found by the loader
  not_installed,
};
std::string_view describe(TransferError error);

// Whether the same primary may well give the whole zone where it could not give the differences (RFC 1995 section 4).
bool whole_zone_may_help(TransferError error, dns::Rcode rcode);

}  // namespace samara::secondary
