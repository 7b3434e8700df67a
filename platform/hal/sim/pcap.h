// A capture of frames in the file format every network tool reads (pcap with nanoseconds, link type Ethernet), kept in memory
// up to a number of frames: the last ones before a failure are what one wants to see.
#pragma once

#include <deque>
#include <vector>

#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara::hal::sim {

class Capture {
 public:
  explicit Capture(size_t max_frames) : max_frames_(max_frames) {}
  void add(Instant at, Bytes frame);
  // The whole file.
  std::vector<u8> file() const;
  size_t frames() const { return frames_.size(); }

 private:
  struct Frame {
    Instant at;
    std::vector<u8> octets;
  };
  size_t max_frames_;
  std::deque<Frame> frames_;
};

}  // namespace samara::hal::sim
