#include "secondary/transfer_error.h"

namespace samara::secondary {

std::string_view describe(TransferError error) {
  switch (error) {
    case TransferError::refused: return "the primary does not give it";
    case TransferError::malformed: return "a message cannot be read";
    case TransferError::wrong_id: return "a message has another id than the request";
    case TransferError::not_a_response: return "a message is no response";
    case TransferError::wrong_opcode: return "a message has another opcode than the request";
    case TransferError::truncated_flag: return "a message by TCP says it is truncated";
    case TransferError::wrong_question: return "a message answers another question";
    case TransferError::no_answer: return "the first message holds no records";
    case TransferError::tsig: return "a signature is wrong";
    case TransferError::unsigned_end: return "the last message is not signed";
    case TransferError::foreign_class: return "a record has another class than the zone";
    case TransferError::bad_rdata: return "the data of a record cannot be read";
    case TransferError::record_too_long: return "a record is too long";
    case TransferError::no_soa_first: return "the first record is not the SOA of the zone";
    case TransferError::soa_below_apex: return "an SOA record stands at another name than the zone's";
    case TransferError::soa_in_middle: return "another SOA record stands in the middle";
    case TransferError::trailing_data: return "something follows after the last SOA record";
    case TransferError::other_start: return "the differences do not start at the serial held here";
    case TransferError::broken_steps: return "the differences do not lead from one serial to the next";
    case TransferError::serial_older: return "the serial is older than the one held here";
    case TransferError::serial_undefined: return "the serial is neither newer nor older than the one held here (RFC 1982)";
    case TransferError::serial_not_promised: return "the serial is older than the primary said before";
    case TransferError::too_many_octets: return "it is larger than the limit for octets";
    case TransferError::too_many_records: return "it has more records than the limit";
    case TransferError::too_many_messages: return "it has more messages than the limit";
    case TransferError::differences_too_large: return "the differences are larger than the limit for them";
    case TransferError::too_slow: return "the primary sends too slowly";
    case TransferError::too_long: return "it takes longer than the limit";
    case TransferError::soa_alone: return "nothing follows the newer SOA record";
    case TransferError::not_connected: return "no connection to the primary";
    case TransferError::cut_short: return "the connection ended before the transfer did";
    case TransferError::not_installed: return "the records do not make a zone";
  }
  return "unknown transfer error";
}

WholeZone whole_zone_after(TransferError differences) {
  switch (differences) {
    // The RCODE does not matter: servers without IXFR, or without EDNS, say it in different ways (RFC 1995 section 2, RFC 6891
    // section 7), and some that do not find a version say NOTAUTH, NXDOMAIN or YXDOMAIN.
    case TransferError::refused:
    case TransferError::malformed:
    case TransferError::wrong_id:
    case TransferError::not_a_response:
    case TransferError::wrong_opcode:
    case TransferError::truncated_flag:
    case TransferError::wrong_question:
    case TransferError::no_answer:
    case TransferError::unsigned_end:
    case TransferError::foreign_class:
    case TransferError::bad_rdata:
    case TransferError::record_too_long:
    case TransferError::no_soa_first:
    case TransferError::soa_below_apex:
    case TransferError::soa_in_middle:
    case TransferError::trailing_data:
    case TransferError::other_start:
    case TransferError::broken_steps:
    case TransferError::too_many_octets:
    case TransferError::too_many_records:
    case TransferError::too_many_messages:
    case TransferError::differences_too_large:
    case TransferError::soa_alone:
    case TransferError::cut_short:
    case TransferError::not_installed: return WholeZone::at_once;
    case TransferError::tsig:
    case TransferError::serial_older:
    case TransferError::serial_undefined:
    case TransferError::serial_not_promised:
    case TransferError::too_slow:
    case TransferError::too_long: return WholeZone::next_time;
    case TransferError::not_connected: return WholeZone::unrelated;
  }
  return WholeZone::at_once;
}

}  // namespace samara::secondary
