// Updates whose serials jump, files that change or do not, reloads, restarts and crashes, against a model of what has to be
// served: nothing that was confirmed goes but for another file with a greater serial, and that is told.
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>

#include "image_life.h"

namespace samara::server {
namespace {

using zone::store::CrashingStorage;

struct Served {
  u32 serial;
  size_t texts;  // each update adds one
};

// RFC 1982 section 3.2, spelled out once more.
bool is_above(u32 a, u32 b) {
  return a != b && static_cast<u32>(a - b) < 0x80000000U;
}

class Player {
 public:
  explicit Player(u64 seed) : random_(seed), storage_(u64{1} << 20) {
    file_ = served_ = {static_cast<u32>(random_()), 0};
    file_serial_served_ = file_.serial;
  }

  void play() {
    start();
    for (int step = 0; step < 40 && !testing::Test::HasFailure(); ++step) {
      switch (random_() % 8) {
        case 0: reload(); break;
        case 1: restart(false); break;
        case 2: restart(true); break;
        case 3: edit(); break;
        default: update(); break;
      }
    }
  }

 private:
  // Steps of everyday use, and such as take the serial round.
  u32 jump() {
    switch (random_() % 4) {
      case 0: return 0x7fffffff;
      case 1: return 1 + static_cast<u32>(random_() % 0x7fffffff);
      default: return 1 + static_cast<u32>(random_() % 3);
    }
  }
  void start() {
    life_.emplace(storage_);
    reload();
  }
  void update() {
    const u32 steps = jump();
    ASSERT_TRUE(life_->update("example.", std::to_string(++texts_made_), steps));
    served_ = {served_.serial + steps, served_.texts + 1};
    updated_ = true;
    ASSERT_TRUE(life_->publish());
    check();
  }
  void edit() {
    const u32 choice = static_cast<u32>(random_() % 4);
    if (choice == 0) {
      file_ = {file_.serial + jump(), 0};
    } else if (choice == 1) {
      file_ = {served_.serial + 1, 0};
    } else if (choice == 2) {
      file_ = {static_cast<u32>(random_()), 0};
    }
    ++edition_;  // with choice 3 the serial stays
    reload();
  }
  void restart(bool crash) {
    life_.reset();
    if (crash) storage_ = CrashingStorage(storage_.crashed(random_), 512);
    // Without updates nothing is in the storage: the zone is the file.
    if (!updated_) {
      edition_served_ = edition_;
      file_serial_served_ = file_.serial;
      served_ = {file_.serial, 0};
    }
    start();
  }
  void reload() {
    life_->configure("example.", file_.serial, "edition" + std::to_string(edition_) + " 60 A 192.0.2.1\n");
    const bool same = edition_ == edition_served_;
    const bool newer = file_.serial != file_serial_served_ && is_above(file_.serial, served_.serial);
    const bool taken = !same && (!updated_ || newer);
    const Served before = served_;
    const bool loaded = life_->load();
    ASSERT_EQ(loaded, same || taken) << life_->log;
    const bool told =
        life_->log.find("the file with serial " + std::to_string(file_.serial) + " replaces the zone with serial " +
                        std::to_string(before.serial) + ";") != std::string::npos;
    ASSERT_EQ(told, taken && updated_) << life_->log;
    if (taken) {
      served_ = {file_.serial, 0};
      edition_served_ = edition_;
      file_serial_served_ = file_.serial;
      updated_ = false;
    }
    check();
  }
  void check() {
    ASSERT_EQ(life_->serial(), served_.serial) << life_->log;
    ASSERT_EQ(life_->texts(), served_.texts) << life_->log;
  }

  std::mt19937_64 random_;
  CrashingStorage storage_;
  std::optional<Life> life_;
  Served file_;
  Served served_;
  u32 edition_ = 0;         // of the file
  u32 edition_served_ = 0;  // that the zone in service came from, and …
  u32 file_serial_served_ = 0;
  bool updated_ = false;
  u32 texts_made_ = 0;
};

TEST(KeptUpdatesModel, nothing_goes_but_for_another_file_with_a_greater_serial) {
  for (u64 seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Player(seed).play();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace samara::server
