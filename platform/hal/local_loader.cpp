#include "platform/hal/local_loader.h"

namespace samara::hal {

u64 LocalLoader::publish(u64 root) {
  publication_ = {publication_.generation + 1, root};
  return publication_.generation;
}

u64 LocalLoader::oldest_in_use() const {
  return handler_ == nullptr ? publication_.generation : std::min(publication_.generation, handler_->oldest_generation());
}

bool LocalLoader::send(u32 worker, Bytes message) {
  return worker == 0 && lanes_ != nullptr && lanes_->loader.send(message);
}

void LocalLoader::attach(Instant now, FrameHandler& handler) {
  handler_ = &handler;
  if (handler.has_messages()) {
    lanes_ = std::make_unique<Lanes>();
    handler.use_mailbox(lanes_->worker);
  }
  tell_publication(now);
}

void LocalLoader::tell_publication(Instant now) {
  told_ = publication_.generation;
  handler_->on_publication(now, publication_.generation, publication_.root);
}

bool LocalLoader::turn(Instant now, Role& role) {
  bool room_again = false;
  if (lanes_ != nullptr) {
    Mailbox& mailbox = lanes_->loader;
    mailbox.look();
    while (const auto message = mailbox.receive()) role.on_message(0, *message, *this);
    room_again = mailbox.take_room_again();
  }
  if (room_again || role.next_deadline() <= now) role.on_deadline(*this);
  const bool published = told_ != publication_.generation;
  if (published) tell_publication(now);
  if (const u64 oldest = oldest_in_use(); oldest > released_) {
    released_ = oldest;
    role.on_released(*this);
  }
  if (lanes_ == nullptr) return published;
  const bool messages = lanes_->worker.look();
  return lanes_->loader.take_wake() || messages || published;
}

}  // namespace samara::hal
