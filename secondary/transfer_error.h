// Each thing that can be wrong with an incoming transfer has a name of its own, so that the log can say what to look at.
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
  soa_alone,  // IXFR: nothing follows a newer SOA
  // the connection
  not_connected,
  cut_short,
  // found by the loader
  not_installed,
};
std::string_view describe(TransferError error);

// When to ask a primary for the whole zone after an incremental transfer from it has failed. Nobody can know which failures
// have to do with the differences, so the whole zone follows nearly all of them (RFC 1995 section 4).
enum class WholeZone : u8 {
  at_once,    // the primary is there and reads what we ask
  next_time,  // it may be the path or the primary: others first, and then this one for the whole zone
  unrelated,  // the request never got there
};
WholeZone whole_zone_after(TransferError differences);

}  // namespace samara::secondary
