// A transfer from a primary nobody trusts: the first octet says what was asked for, the rest is the stream. It is taken in one
// piece and octet by octet, which must come to the same; what is complete goes on to a zone, and the zone to a catalog.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "secondary/install.h"
#include "secondary/transfer_in.h"
#include "zone/catalog.h"

using namespace samara;
using namespace samara::secondary;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

dns::Name apex() {
  return MUST(dns::Name::parse("example.", dns::Name()));
}

struct Taken {
  TransferIn::State state;
  std::vector<u8> items;
  std::vector<std::vector<u8>> batches;
};

Taken take(const TransferRequest& request, Bytes stream, size_t step) {
  TransferIn transfer(request, Instant(), UnixTime{});
  Taken taken{};
  static std::vector<u8> room(max_batch_size);
  const auto pull = [&] {
    for (size_t size = 0; (size = transfer.next_batch(UnixTime{}, room)) != 0;) {
      taken.batches.emplace_back(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
      taken.items.insert(taken.items.end(), taken.batches.back().begin(), taken.batches.back().end());
    }
  };
  while (!stream.empty() && transfer.state() == TransferIn::State::running) {
    const MutableBytes space = transfer.input_space();
    const size_t count = std::min({space.size(), stream.size(), step});
    require(count != 0);
    std::ranges::copy(stream.first(count), space.begin());
    transfer.on_input(Instant(), count);
    stream = stream.subspan(count);
    pull();
  }
  transfer.on_end(Instant());
  pull();
  taken.state = transfer.state();
  require(taken.state != TransferIn::State::running && transfer.input_space().empty());
  return taken;
}

void install(const Taken& taken, bool differences) {
  static std::vector<u8> region(size_t{1} << 20);
  zone::ZoneMemory memory(region);
  std::optional<zone::Zone> base;
  zone::VersionedZone versions(memory);
  if (differences) {
    zone::ZoneBuilder builder(memory, apex());
    const u8 soa[] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5};
    require(builder.add(apex(), dns::RrType::SOA, dns::Ttl(60), soa).ok());
    require(builder.add(apex(), dns::RrType::NS, dns::Ttl(60), Bytes(soa).first(1)).ok());
    base = MUST(builder.finish());
    versions.adopt(*base);
  }
  ZoneInstaller installer(memory, apex(), base, {});
  bool complete = false;
  for (const std::vector<u8>& batch : taken.batches) {
    const auto result = installer.on_batch(batch);
    // What TransferIn lets through is never malformed; of what it cannot see (a zone's own rules) there are other errors.
    if (!result.ok()) {
      require(result.error() != InstallError::malformed_batch && result.error() != InstallError::out_of_order &&
              result.error() != InstallError::no_base && result.error() != InstallError::wrong_base);
      return;
    }
    complete = result.value();
  }
  require(complete == (taken.state == TransferIn::State::complete));
  if (!complete) return;
  const auto zone = installer.finish(versions);
  if (!zone.ok()) return;
  require(zone.value().serial() == installer.serial());
  if (base.has_value())
    require(zone.value().serial().compare(base->serial()) == dns::Serial::Order::greater || !installer.is_steps());
  (void)zone::Catalog::read(zone.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  if (size == 0) return 0;
  const bool differences = (data[0] & 1) != 0;
  TransferRequest request{
      .zone = apex(), .kind = differences ? TransferKind::differences : TransferKind::whole, .id = dns::MessageId(7)};
  if (differences) request.ours = dns::Serial(1);
  const Bytes stream = Bytes(data, size).subspan(1);
  const Taken whole = take(request, stream, stream.size());
  const Taken split = take(request, stream, 1);
  // In one piece the octets behind the end are seen, one by one they are not.
  if (whole.state != TransferIn::State::failed || split.state == TransferIn::State::failed) {
    require(whole.state == split.state);
    if (whole.state != TransferIn::State::failed) require(whole.items == split.items);
  }
  install(whole, differences);
  // A loader takes batches from a process that may have been taken over.
  zone::ZoneMemory memory{MutableBytes()};
  ZoneInstaller installer(memory, apex(), std::nullopt, {});
  (void)installer.on_batch(stream);
  return 0;
}
