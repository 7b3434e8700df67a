// UPDATE messages against a zone: whatever the octets are, the outcome is a response code or a patch that makes a zone, whose
// serial is greater and whose apex still has its SOA and NS records. The first octet of the input chooses who asks; the rest is
// the message.
#include <array>
#include <cstdlib>
#include <vector>

#include "server/update.h"
#include "zone/master_file.h"
#include "zone/revision.h"

using namespace samara;

namespace {

constexpr std::string_view zone_text = R"($TTL 300
@ SOA ns host 7 7200 900 1209600 60
@ NS ns
@ NS ns.elsewhere.
ns A 192.0.2.1
www A 192.0.2.80
www A 192.0.2.81
www TXT "web"
alias CNAME www
d DNAME elsewhere.
a.b.c A 192.0.2.3
cut NS ns.cut
ns.cut A 192.0.2.4
svc WKS 192.0.2.7 TCP smtp
*.wild TXT x
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A
www RRSIG A 13 2 300 20370101000000 20260101000000 1 @ AAAA
)";

void require(bool good) {
  if (!good) std::abort();
}

struct Fixture {
  Fixture() : region(size_t{1} << 22), memory(region) {
    const zone::SourceFile file{"zone", zone_text};
    const dns::Name apex = MUST(dns::Name::parse("example.", dns::Name()));
    zone::MasterFile source(std::span(&file, 1), apex);
    zone::ZoneBuilder builder(memory, apex);
    zone::Record record;
    while (MUST(source.next(record))) require(builder.add(*record.owner, record.type, record.ttl, record.rdata).ok());
    base.emplace(MUST(builder.finish()));
    server::UpdateRule& some = rules.emplace_back();
    some.match = server::UpdateNames::subtree;
    some.names = {MUST(dns::Name::parse("www.example.", dns::Name()))};
    some.signed_zones = true;
  }
  std::vector<u8> region;
  zone::ZoneMemory memory;
  std::optional<zone::Zone> base;
  std::vector<server::UpdateRule> rules;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  static Fixture fixture;
  if (size < 1) return 0;
  const Bytes input(data, size);
  const auto message = server::UpdateMessage::read(input.subspan(1));
  if (!message.ok()) return 0;
  const server::Requester requester{};
  const bool everything = input[0] % 2 == 0;
  const server::UpdateRights rights(fixture.rules, everything, requester, fixture.base->apex(), false);
  server::UpdateOutcome outcome = server::apply_update(*fixture.base, message.value(), rights);
  if (!outcome.patch.has_value()) return 0;
  require(outcome.rcode == dns::Rcode::NOERROR && outcome.patch->size() != 0);
  zone::VersionedZone versions(fixture.memory);
  versions.adopt(*fixture.base);
  const auto applied = versions.apply(*outcome.patch);
  if (applied.ok()) {
    const zone::Zone& zone = applied.value();
    require(zone.serial() == outcome.serial);
    require(zone.serial().compare(fixture.base->serial()) == dns::Serial::Order::greater);
    require(zone.apex_node().find(dns::RrType::NS).has_value());
    if (!everything) require(zone.find(MUST(dns::Name::parse("ns.example.", dns::Name())), dns::RrType::A).has_value());
  } else {
    // The one thing an update may ask for that a zone cannot hold.
    require(applied.error().build == zone::BuildError::too_many_rrsets ||
            applied.error().build == zone::BuildError::out_of_memory);
  }
  versions.abandon();
  for (const zone::Extent& extent : versions.take_retired()) {
    if (extent != fixture.base->extent()) fixture.memory.give_back(extent);
  }
  require(fixture.memory.in_use() == fixture.base->extent().size);
  return 0;
}
