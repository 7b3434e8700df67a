// LogWalker: the entries of a half, one after the other, as far as they are trustworthy, and around damage.
//
// The walk stops where no entry follows. That is the end of the log, unless what should be there was durable once: in front of
// `solid` everything was, and behind it a later header says so (`durable`). Then it is damage, and the walk goes on behind it.
#pragma once

#include <optional>

#include "zone/store/window.h"

namespace samara::zone::store {

class LogWalker {
 public:
  // Entries from the first on; not beyond `stop`, a position an earlier walk has ended at.
  LogWalker(Window& window, const HalfHeader& half, u64 begin, std::optional<u64> stop = std::nullopt)
      : window_(window), half_(half), stop_(stop), position_(begin), previous_(half.instance) {}

  struct Entry {
    EntryHeader header;
    u64 offset;
  };
  // Null: the end. Valid until the next call.
  const Entry* next();

  // Where the next entry begins, and the checksum and the number of the one in front of it.
  u64 position() const { return position_; }
  u64 previous() const { return previous_; }
  u64 sequence() const { return sequence_; }
  // No entry up to this number was lost by an interrupted write.
  u64 proven() const { return proven_; }
  // How often the walk had to go around damage.
  u32 damaged() const { return damaged_; }
  // Octets that it went around: they were durable once, or in front of what was.
  u64 lost() const { return lost_; }

 private:
  std::optional<ReadEntry> entry_at(u64 offset);
  template <class F>
  std::optional<u64> find(u64 from, u64 to, F&& wanted);
  bool go_around();

  Window& window_;
  HalfHeader half_;
  std::optional<u64> stop_;
  u64 position_;
  u64 previous_;
  bool linked_ = true;  // the next entry names previous_
  u64 sequence_ = 0;
  u64 proven_ = 0;
  u32 damaged_ = 0;
  u64 lost_ = 0;
  Entry entry_{};
};

}  // namespace samara::zone::store
