#include "ops/net/resolver_query.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "dns-core/message/message_reader.h"
#include "dns-core/message/request.h"
#include "dns-core/message/response.h"
#include "dns-core/rdata/rdata_text.h"
#include "ops/files.h"
#include "ops/net/dns_exchange.h"
#include "ops/text_of.h"

namespace samara::ops {

namespace {

constexpr std::string_view resolver_file = "/etc/resolv.conf";
constexpr size_t max_resolvers = 3;  // resolv.conf(5), MAXNS
constexpr Port dns_port{53};

std::vector<u8> query_for(const dns::Question& question) {
  u16 id = 0;
  // Without random numbers anybody can guess it, as anybody on the way can read it.
  const ssize_t got = ::getrandom(&id, sizeof id, 0);
  std::vector<u8> message(dns::request_size(question.name.size()));
  dns::RequestWriter request(message, {.id = dns::MessageId(got == static_cast<ssize_t>(sizeof id) ? id : u16{1}),
                                       .flags = dns::flag_rd,
                                       .name = question.name,
                                       .type = question.type});
  message.resize(request.finish());
  return message;
}

// A response to this query and no other.
std::optional<dns::Response> answer_to(const dns::Question& question, Bytes query, Bytes message) {
  const auto response = dns::read_response(message);
  if (!response.ok() || response.value().question != question) return {};
  const dns::Header& header = response.value().header;
  if (header.id.value() != load_be16(query) || header.opcode() != dns::Opcode::QUERY) return {};
  return response.value();
}

struct AnswerRecord {
  dns::Name owner;
  dns::RecordFields fields;
  size_t data_at = 0;
};

// The records of the answer and authority sections; those that cannot be read end the list.
std::vector<AnswerRecord> records_of(Bytes message) {
  std::vector<AnswerRecord> records;
  const auto response = dns::read_response(message);
  if (!response.ok()) return records;
  dns::MessageReader at(message, response.value().answers_at);
  const dns::Header& header = response.value().header;
  for (u32 left = u32{header.answers} + header.authorities; left != 0; --left) {
    AnswerRecord record{.owner = at.name(), .fields = at.fields(), .data_at = at.position()};
    at.bytes(record.fields.size);
    if (at.failed()) break;
    records.push_back(record);
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
  const dns::Question question{name, type};
  const std::vector<u8> request = query_for(question);
  std::string why;
  for (const Endpoint& server : servers_) {
    const auto each = patience_ / static_cast<int>(servers_.size());
    const auto read = [&](Bytes octets) { return answer_to(question, request, octets); };
    auto answer = exchange_udp(server, request, each, [&](Bytes octets) { return read(octets).has_value(); });
    if (answer.ok() && read(answer.value())->header.has(dns::flag_tc)) answer = exchange_tcp(server, request, each);
    if (!answer) {
      why = answer.error().problem;
    } else if (const auto response = read(answer.value()); !response) {
      why = "an answer to another question";
    } else if (response->rcode != dns::Rcode::NOERROR && response->rcode != dns::Rcode::NXDOMAIN) {
      why = dns::rcode_name(response->rcode);
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
    if (record.fields.type != dns::RrType::SOA) continue;
    if (record.owner != zone) {
      return fail(name_text(zone) + " is no zone; it is in " + name_text(record.owner) + " (did you mean --zone " +
                  name_text(record.owner) + "?)");
    }
    dns::MessageReader data(answer.value(), record.data_at);
    const dns::Name primary = data.name();
    if (data.failed()) break;
    if (primary.is_root()) return fail("the SOA of " + name_text(zone) + " names no primary; --server names one");
    return primary;
  }
  return fail("no SOA of " + name_text(zone) + " is found; --server says where the zone is");
}

Result<std::vector<IpAddress>, std::string> ResolverQuery::addresses_of(const dns::Name& host, dns::RrType type) const {
  const auto answer = ask(host, type);
  if (!answer) return fail("addresses of " + name_text(host) + " cannot be found out: " + answer.error());
  std::vector<IpAddress> found;
  for (const AnswerRecord& record : records_of(answer.value())) {
    if (record.fields.type != type) continue;
    const Bytes data = Bytes(answer.value()).subspan(record.data_at, record.fields.size);
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
