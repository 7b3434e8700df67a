#include "zone/format.h"

#include "dns-core/rdata/rdata_text.h"

namespace samara::zone {

void write_record_line(const dns::Name& owner, RecordView record, TextWriter& out) {
  owner.write_text(out);
  out.put(' ');
  out.put(record.ttl().seconds());
  out.put(" IN ");
  dns::write_type(record.type(), out);
  out.put(' ');
  dns::write_rdata_text(record.type(), record.rdata(), out);
  out.put('\n');
}

}  // namespace samara::zone
