// Questions to a resolver (RFC 1034 section 5.3.1: a stub): who a zone's primary is, and which addresses a name has.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/ip_address.h"
#include "platform/base/result.h"

namespace samara::ops {

// Those of /etc/resolv.conf, or this machine where it has none (resolv.conf(5)).
Result<std::vector<Endpoint>, std::string> system_resolvers();

class ResolverQuery {
 public:
  // The first server that answers counts; each question may take `patience` in all.
  ResolverQuery(std::vector<Endpoint> servers, std::chrono::milliseconds patience)
      : servers_(std::move(servers)), patience_(patience) {}

  // The MNAME of the zone's SOA. Errors are texts for a person.
  Result<dns::Name, std::string> primary_of(const dns::Name& zone) const;
  // Of A or AAAA records, aliases followed by the resolver. Empty: it has none of this type.
  Result<std::vector<IpAddress>, std::string> addresses_of(const dns::Name& host, dns::RrType type) const;

 private:
  Result<std::vector<u8>, std::string> ask(const dns::Name& name, dns::RrType type) const;

  std::vector<Endpoint> servers_;
  std::chrono::milliseconds patience_;
};

}  // namespace samara::ops
