// Requests from octets: whatever the verdict, what it refers to lies inside the packet.
#include <cstdlib>

#include "dns-core/message/query.h"

using namespace samara;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  const Bytes packet(data, size);
  const dns::Query query = dns::parse_query(packet);
  if (query.verdict == dns::QueryVerdict::ignore) return 0;
  require(size >= dns::header_size && dns::header_size + query.question_size() <= size);
  if (query.has_question) {
    ByteReader at(query.name(packet));
    require(dns::Name::from_wire(at).ok() && at.at_end());
  }
  require(query.verdict != dns::QueryVerdict::good || query.has_question);
  require(query.tsig_at < size && query.authority_at < size);
  require(query.verdict != dns::QueryVerdict::badvers || (query.edns.has_value() && query.edns->version != 0));
  if (query.edns.has_value()) {
    require(query.edns->udp_payload_size >= 512);
    if (query.edns->cookie.has_value()) require(query.edns->cookie->server_size <= 32);
  }
  return 0;
}
