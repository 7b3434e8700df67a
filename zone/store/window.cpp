#include "zone/store/window.h"

#include <algorithm>

namespace samara::zone::store {

Bytes Window::at(u64 offset, size_t size, u64 end, size_t ahead) {
  if (offset >= end) return {};
  const size_t wanted = static_cast<size_t>(std::min<u64>(size, end - offset));
  if (filled_ == 0 || offset < begin_ || offset + wanted > begin_ + filled_) {
    const u64 much = round_up(std::max(wanted, ahead), block_);
    const size_t much_there = static_cast<size_t>(std::min<u64>(much, (end - offset) / block_ * block_));
    if (buffer_.size() < much_there) buffer_.resize(much_there);
    const MutableBytes room = MutableBytes(buffer_).first(much_there);
    begin_ = offset;
    filled_ = much_there;
    if (!storage_.read(offset, room).ok()) {
      for (size_t at = 0; at < room.size(); at += block_) {
        if (storage_.read(offset + at, room.subspan(at, block_)).ok()) continue;
        std::ranges::fill(room.subspan(at, block_), u8{0});
        ++unreadable_;
      }
    }
  }
  const size_t from = static_cast<size_t>(offset - begin_);
  return Bytes(buffer_).first(filled_).subspan(from, std::min(wanted, filled_ - from));
}

}  // namespace samara::zone::store
