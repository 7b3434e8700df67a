#include "ops/zone/second_opinion.h"

#include <ldns/ldns.h>

#include <memory>
#include <vector>

#include "platform/base/byte_writer.h"

namespace samara::ops {

namespace {

struct FreeRr {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
struct FreeList {
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
};
using Rr = std::unique_ptr<ldns_rr, FreeRr>;
using RrList = std::unique_ptr<ldns_rr_list, FreeList>;

constexpr size_t largest_rr = dns::max_name_size + 10 + 65'535;

// The record as ldns has it, through its wire format (RFC 1035 section 4.1.3); null when ldns refuses it.
Rr to_ldns(const dns::Name& owner, dns::RrType type, dns::RrClass rr_class, dns::Ttl ttl, Bytes rdata) {
  std::vector<u8> memory(largest_rr);
  ByteWriter wire(memory);
  wire.bytes(owner.wire());
  wire.u16(dns::code(type));
  wire.u16(dns::code(rr_class));
  wire.u32(ttl.seconds());
  wire.u16(static_cast<u16>(rdata.size()));
  wire.bytes(rdata);
  ldns_rr* rr = nullptr;
  size_t position = 0;
  if (ldns_wire2rr(&rr, memory.data(), wire.size(), &position, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK) return nullptr;
  return Rr(rr);
}

// False, and the record freed, when the list cannot take it or there is none.
bool push(const RrList& list, Rr rr) {
  if (rr == nullptr || !ldns_rr_list_push_rr(list.get(), rr.get())) return false;
  [[maybe_unused]] ldns_rr* owned_by_list = rr.release();
  return true;
}

}  // namespace

Opinion ldns_opinion(const dns::RrsetView& rrset, dns::Ttl ttl, Bytes rrsig, const dns::Name& key_owner, Bytes dnskey) {
  const Rr signature = to_ldns(rrset.owner, dns::RrType::RRSIG, rrset.rr_class, ttl, rrsig);
  Rr key = to_ldns(key_owner, dns::RrType::DNSKEY, rrset.rr_class, ttl, dnskey);
  const RrList set(ldns_rr_list_new());
  const RrList keys(ldns_rr_list_new());
  if (signature == nullptr || key == nullptr || set == nullptr || keys == nullptr) return Opinion::none;
  if (!push(keys, std::move(key))) return Opinion::none;
  for (const Bytes& rdata : rrset.rdata) {
    if (!push(set, to_ldns(rrset.owner, rrset.type, rrset.rr_class, ttl, rdata))) return Opinion::none;
  }
  const ldns_status status = ldns_verify_rrsig_keylist_notime(set.get(), signature.get(), keys.get(), nullptr);
  if (status == LDNS_STATUS_OK) return Opinion::good;
  return status == LDNS_STATUS_CRYPTO_UNKNOWN_ALGO ? Opinion::none : Opinion::bad;
}

}  // namespace samara::ops
