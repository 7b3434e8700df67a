// UpdateMessage: an UPDATE request taken apart (RFC 2136 section 2): the zone it is about, its prerequisites and its changes,
// each with the owner name and the data in stored form. It says only that the message can be read; update.h says what it means.
// Records behind the update section (OPT, TSIG, section 2.6's glue) are not looked at.
#pragma once

#include <vector>

#include "dns-core/message/message_reader.h"
#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::server {

// One record of the prerequisite or the update section, as it came.
struct UpdateRecord : dns::RecordFields {
  dns::Name owner;
  size_t data_at = 0;  // the stored form, in UpdateMessage's memory
  size_t data_size = 0;
  bool malformed = false;  // a prerequisite whose data its type cannot have: it is judged in its turn
};

class UpdateMessage {
 public:
  // `message` is a whole request. Error: FORMERR, or NOTIMP when it is no UPDATE. A record that must have no data (class ANY,
  // and NONE among the prerequisites) is taken without reading its data.
  static Result<UpdateMessage, dns::Rcode> read(Bytes message);

  const dns::Name& zone() const { return zone_; }
  dns::RrClass zone_class() const { return zone_class_; }
  std::span<const UpdateRecord> prerequisites() const { return std::span(records_).first(prerequisite_count_); }
  std::span<const UpdateRecord> updates() const { return std::span(records_).subspan(prerequisite_count_); }
  Bytes rdata(const UpdateRecord& record) const { return Bytes(stored_).subspan(record.data_at, record.data_size); }

 private:
  UpdateMessage() = default;
  bool read_record(dns::MessageReader& at, bool prerequisite);

  dns::Name zone_;
  dns::RrClass zone_class_{};
  size_t prerequisite_count_ = 0;
  std::vector<UpdateRecord> records_;
  std::vector<u8> stored_;
};

}  // namespace samara::server
