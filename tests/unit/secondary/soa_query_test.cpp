#include "secondary/soa_query.h"

#include <gtest/gtest.h>

#include <array>

#include "../zone/master_file_zone.h"

namespace samara::secondary {
namespace {

// What is said of an answer with a code and nothing else.
std::string_view reason_for(dns::Rcode rcode) {
  const SoaQuestion question{.zone = zone::name_of("example."), .id = dns::MessageId(7), .edns = false};
  std::array<u8, 512> message{};
  const size_t size = compose_soa_query(question, nullptr, {}, message);
  message[2] = 0x84;  // a response, and authoritative
  message[3] = static_cast<u8>(rcode);
  return read_soa_answer(Bytes(message).first(size), question, std::nullopt, {}).reason;
}

TEST(SoaQuery, SaysWhetherThePrimaryWillNotOrCannotAnswer) {
  EXPECT_EQ(reason_for(dns::Rcode::REFUSED), "the query is refused");
  EXPECT_EQ(reason_for(dns::Rcode::SERVFAIL), "the primary cannot answer (SERVFAIL)");
  EXPECT_EQ(reason_for(dns::Rcode::NOTAUTH), "the primary does not have the zone (NOTAUTH)");
}

}  // namespace
}  // namespace samara::secondary
