#include "platform/net/tcp/block_ring.h"

#include <algorithm>

namespace samara::net::tcp {

size_t BlockRing::write(BlockPool& pool, u64 position, Bytes octets) {
  if (!set_) {
    for (Row& row : rows_) row.slots.fill(no_block);
    set_ = true;
  }
  size_t written = 0;
  while (written < octets.size()) {
    BlockIndex& block = slot(block_of(position + written));
    if (block == no_block) {
      block = pool.take();
      if (block == no_block) break;
      ++blocks_;
    }
    const size_t start = (position + written) % block_size;
    const size_t count = std::min(block_size - start, octets.size() - written);
    const Bytes piece = octets.subspan(written, count);
    std::copy_n(piece.begin(), count, pool.octets(block).subspan(start, count).begin());
    written += count;
  }
  return written;
}

void BlockRing::read(const BlockPool& pool, u64 position, MutableBytes into) const {
  for (size_t done = 0; done < into.size();) {
    const size_t start = (position + done) % block_size;
    const size_t count = std::min(block_size - start, into.size() - done);
    const Bytes piece = pool.octets(slot(block_of(position + done))).subspan(start, count);
    std::copy_n(piece.begin(), count, into.subspan(done, count).begin());
    done += count;
  }
}

void BlockRing::release(BlockPool& pool, u64 first, u64 end) {
  end = std::min(end, first + size());
  for (u64 number = first; number < end && blocks_ > 0; ++number) {
    BlockIndex& block = slot(number);
    if (block == no_block) continue;
    pool.give(block);
    block = no_block;
    --blocks_;
  }
}

}  // namespace samara::net::tcp
