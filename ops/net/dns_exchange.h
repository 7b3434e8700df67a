// One DNS message to a server and one back, over sockets of this machine. Everything ends in time.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::ops {

// Why there is no answer, for people: "no answer within 5 s", "Connection refused".
struct NoAnswer {
  std::string problem;
};
// Whether a datagram that came back is the answer; others are ignored (a blind attacker's guesses, late answers).
using IsAnswer = std::function<bool(Bytes)>;

// Sends it again after one second, then after two, four, … until `patience` is over.
Result<std::vector<u8>, NoAnswer> exchange_udp(const Endpoint& server, Bytes request, std::chrono::milliseconds patience,
                                               const IsAnswer& is_answer);
// On a connection of its own.
Result<std::vector<u8>, NoAnswer> exchange_tcp(const Endpoint& server, Bytes request, std::chrono::milliseconds patience);

}  // namespace samara::ops
