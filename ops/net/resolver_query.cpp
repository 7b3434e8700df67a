#include "ops/net/resolver_query.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "dns-core/message/query.h"
#include "dns-core/rdata/rdata_text.h"
#include "ops/files.h"
#include "ops/net/dns_exchange.h"
#include "ops/text_of.h"
#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"

namespace samara::ops {

namespace {

constexpr std::string_view resolver_file = "/etc/resolv.conf";
constexpr size_t max_resolvers = 3;  // resolv.conf(5), MAXNS
constexpr Port dns_port{53};

std::vector<u8> question(const dns::Name& name, dns::RrType type) {
  std::array<u8, dns::header_size + dns::max_name_size + 4> memory{};
  ByteWriter out(memory);
  u16 id = 0;
  // Without random numbers anybody can guess it, as anybody on the way can read it.
  const ssize_t got = ::getrandom(&id, sizeof id, 0);
  out.u16(got == static_cast<ssize_t>(sizeof id) ? id : 1);
  out.u16(dns::flag_rd);
  for (const u16 count : {u16{1}, u16{0}, u16{0}, u16{0}}) out.u16(count);
  out.bytes(name.wire());
  out.u16(dns::code(type));
  out.u16(dns::code(dns::RrClass::IN));
  return {out.written().begin(), out.written().end()};
}

// A response to this question and no other.
bool answers(Bytes message, Bytes question) {
  if (message.size() < question.size() || (message[2] & 0xf8) != 0x80) return false;
  const Bytes asked = message.subspan(dns::header_size, question.size() - dns::header_size);
  const auto lower = [](u8 octet) { return dns::to_lower(octet); };
  return load_be16(message) == load_be16(question) && load_be16(message, 4) == 1 &&
         std::ranges::equal(asked, question.subspan(dns::header_size), {}, lower, lower);
}

struct AnswerRecord {
  dns::Name owner;
  dns::RrType type{};
  Bytes whole;  // the message, for names in the data that point into it
  size_t data_at = 0;
  size_t data_size = 0;
};

// The records of the answer and authority sections; those that cannot be read end the list.
std::vector<AnswerRecord> records_of(Bytes message) {
  std::vector<AnswerRecord> records;
  ByteReader at(message);
  if (!at.skip(dns::header_size).ok() || !dns::Name::from_message(at).ok() || !at.skip(4).ok()) return records;
  const size_t count = size_t{load_be16(message, 6)} + load_be16(message, 8);
  for (size_t i = 0; i < count; ++i) {
    const auto owner = dns::Name::from_message(at);
    if (!owner.ok()) break;
    const auto type = at.u16();
    if (!type.ok() || !at.skip(6).ok()) break;
    const auto size = at.u16();
    const size_t data_at = at.position();
    if (!size.ok() || !at.skip(size.value()).ok()) break;
    records.push_back({owner.value(), static_cast<dns::RrType>(type.value()), message, data_at, size.value()});
  }
  return records;
}

std::string name_text(const dns::Name& name) {
  return text_of(name);
}

}  // namespace

Result<std::vector<Endpoint>, std::string> system_resolvers() {
  std::vector<Endpoint> found;
  const auto text = read_file(std::string(resolver_file));
  std::string_view rest = text ? std::string_view(text.value()) : std::string_view();
  constexpr std::string_view keyword = "nameserver";
  while (!rest.empty() && found.size() < max_resolvers) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.starts_with(keyword)) continue;
    const size_t begin = line.find_first_not_of(" \t", keyword.size());
    if (begin == std::string_view::npos || begin == keyword.size()) continue;
    const std::string_view word = line.substr(begin, line.find_first_of(" \t\r#;", begin) - begin);
    if (const auto address = IpAddress::parse(word)) found.push_back({*address, dns_port});
  }
  if (found.empty()) found.push_back({*IpAddress::parse("127.0.0.1"), dns_port});
  return found;
}

Result<std::vector<u8>, std::string> ResolverQuery::ask(const dns::Name& name, dns::RrType type) const {
  const std::vector<u8> request = question(name, type);
  std::string why;
  for (const Endpoint& server : servers_) {
    const auto each = patience_ / static_cast<int>(servers_.size());
    auto answer = exchange_udp(server, request, each, [&](Bytes octets) { return answers(octets, request); });
    if (answer.ok() && (load_be16(answer.value(), 2) & dns::flag_tc) != 0) answer = exchange_tcp(server, request, each);
    if (!answer) {
      why = answer.error().problem;
    } else if (!answers(answer.value(), request)) {
      why = "an answer to another question";
    } else if (const auto rcode = static_cast<dns::Rcode>(answer.value()[3] & 15);
               rcode != dns::Rcode::NOERROR && rcode != dns::Rcode::NXDOMAIN) {
      why = dns::rcode_name(rcode);
    } else {
      return std::move(answer).value();
    }
    why = "resolver " + text_of(server) + ": " + why;
  }
  return fail(why);
}

Result<dns::Name, std::string> ResolverQuery::primary_of(const dns::Name& zone) const {
  const auto answer = ask(zone, dns::RrType::SOA);
  if (!answer) return fail("who serves " + name_text(zone) + " cannot be found out: " + answer.error());
  for (const AnswerRecord& record : records_of(answer.value())) {
    if (record.type != dns::RrType::SOA) continue;
    if (record.owner != zone) {
      return fail(name_text(zone) + " is no zone; it is in " + name_text(record.owner) + " (did you mean --zone " +
                  name_text(record.owner) + "?)");
    }
    ByteReader data(record.whole);
    if (!data.skip(record.data_at).ok()) break;
    const auto primary = dns::Name::from_message(data);
    if (!primary.ok()) break;
    if (primary.value().is_root()) return fail("the SOA of " + name_text(zone) + " names no primary; --server names one");
    return primary.value();
  }
  return fail("no SOA of " + name_text(zone) + " is found; --server says where the zone is");
}

Result<std::vector<IpAddress>, std::string> ResolverQuery::addresses_of(const dns::Name& host, dns::RrType type) const {
  const auto answer = ask(host, type);
  if (!answer) return fail("addresses of " + name_text(host) + " cannot be found out: " + answer.error());
  std::vector<IpAddress> found;
  for (const AnswerRecord& record : records_of(answer.value())) {
    if (record.type != type) continue;
    const Bytes data = record.whole.subspan(record.data_at, record.data_size);
    if (type == dns::RrType::A && data.size() == 4) {
      std::array<u8, 4> octets{};
      std::ranges::copy(data, octets.begin());
      found.push_back(IpAddress::v4(octets));
    } else if (type == dns::RrType::AAAA && data.size() == 16) {
      std::array<u8, 16> octets{};
      std::ranges::copy(data, octets.begin());
      found.push_back(IpAddress::v6(octets));
    }
  }
  return found;
}

}  // namespace samara::ops
