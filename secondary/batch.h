// Batches: how the checked records of a transfer travel from the worker that received them to the loader that makes a zone of
// them. A batch is a row of items; a transfer is a row of batches of at most max_batch_size octets.
//
//   whole   SERIAL                    a whole zone follows (AXFR): added records, the SOA among them
//   steps   FROM TO                   differences follow (IXFR): for each step old_soa, removed …, new_soa, added …
//   old_soa removed new_soa added     a record image (dns-core/record_image.h)
//   end     HAS EXPIRE                the transfer is complete and proven; the EXPIRE option (RFC 7314) if HAS is 1
//
// Serials and EXPIRE are 32 bits, HAS is 8.
#pragma once

#include <optional>

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"

namespace samara::secondary {

// A message to the loader has 64 KiB at most; some of it is for who sends it.
constexpr size_t max_batch_size = size_t{64} * 1024 - 512;

enum class ItemTag : u8 { whole = 1, steps, old_soa, removed, new_soa, added, end };

struct BatchItem {
  ItemTag tag{};
  dns::Serial from;           // steps
  dns::Serial to;             // whole, steps
  std::optional<u32> expire;  // end; seconds
  dns::Name owner;            // of a record, like the rest
  dns::RrType type{};
  dns::Ttl ttl;
  Bytes rdata;  // an argument on its way: a view into the batch; a stored form that dns::check_copied_rdata accepts
};

// Octets of the longest item that is not a record.
constexpr size_t max_mark_size = 9;

void write_whole(dns::Serial serial, ByteWriter& out);
void write_steps(dns::Serial from, dns::Serial to, ByteWriter& out);
void write_end(std::optional<u32> expire, ByteWriter& out);

enum class BatchError : u8 { malformed };

// Reads a batch, and trusts it no more than a message: the process that wrote it talks to the network.
class BatchReader {
 public:
  explicit BatchReader(Bytes batch) : at_(batch) {}
  // False: no more.
  Result<bool, BatchError> next(BatchItem& item);

 private:
  Result<void, BatchError> read_record(BatchItem& item);

  ByteReader at_;
};

}  // namespace samara::secondary
