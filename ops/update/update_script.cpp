#include "ops/update/update_script.h"

#include <algorithm>
#include <array>

#include "dns-core/message/request.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/record_image.h"
#include "ops/nearest.h"
#include "ops/yaml/reading.h"

namespace samara::ops {

namespace {

using dns::Lexer;
using dns::RrClass;
using dns::RrType;
using dns::SyntaxError;
using dns::Token;

constexpr std::string_view command_form = "server, zone, ttl, prereq, update, add, delete, send or quit";
constexpr std::string_view prerequisite_form = "nxdomain, yxdomain, nxrrset or yxrrset";
constexpr std::string_view name_form = "a domain name";
constexpr std::string_view type_form = "a record type such as A, or TYPEnnn";
const std::array<std::string, 12> commands{"server", "zone", "ttl",    "class", "prereq", "update",
                                           "add",    "del",  "delete", "send",  "quit",   "prerequisite"};

Failure<SyntaxError> wrong(const Token& token, std::string_view problem, std::string_view expected,
                           std::string_view suggestion = {}) {
  return fail(SyntaxError{token.at, problem, token.text, expected, suggestion});
}

std::string lowered_text(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(dns::to_lower(static_cast<u8>(c)));
  return out;
}

Result<dns::Name, SyntaxError> read_name(Lexer& line) {
  const Token token = TRY(line.expect_text(name_form));
  const auto name = yaml::parse_name(token.text);
  if (!name) return wrong(token, dns::describe(name.error()), name_form);
  return name.value();
}

Result<RrType, SyntaxError> type_of(const Token& token) {
  const auto type = dns::parse_type(token.text);
  if (!type) return wrong(token, "unknown record type", type_form, dns::nearest_type(token.text));
  if (dns::is_meta_type(*type)) return wrong(token, "a type that no zone has", type_form);
  return *type;
}

}  // namespace

UpdateScript::UpdateScript(std::optional<ServerPlace> server, std::optional<dns::Name> zone, Diagnostics& found)
    : found_(found) {
  current_.server = std::move(server);
  current_.zone = zone;
}

void UpdateScript::read(std::string_view text, const std::string& file) {
  file_ = file;
  line_ = 0;
  while (!text.empty() && !ended_) {
    ++line_;
    const size_t end = std::min(text.find('\n'), text.size());
    Lexer line(text.substr(0, end));
    const Done done = read_line(line);
    if (!done) report(done.error(), line_);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void UpdateScript::add(std::string_view text, const std::string& file) {
  piece(text, file, &UpdateScript::read_add);
}

void UpdateScript::remove(std::string_view text, const std::string& file) {
  piece(text, file, &UpdateScript::read_remove);
}

void UpdateScript::prerequisite(std::string_view text, const std::string& file) {
  piece(text, file, &UpdateScript::read_prerequisite);
}

void UpdateScript::piece(std::string_view text, const std::string& file, Done (UpdateScript::*reader)(Lexer&)) {
  file_ = file;
  line_ = 1;
  Lexer line(text);
  const Done done = (this->*reader)(line);
  if (!done) report(done.error(), 1);
}

void UpdateScript::report(const SyntaxError& error, u32 line) {
  TextBuffer<512> text;
  SyntaxError shown = error;
  // A diagnostic says what was expected by itself.
  shown.expected = {};
  shown.suggestion = {};
  shown.write_text(text.writer());
  found_.error({file_, line, error.at.column}, std::string(text.view()), std::string(error.expected),
               std::string(error.suggestion));
}

void UpdateScript::send() {
  if (current_.prerequisites.empty() && current_.changes.empty()) return;
  UpdateBatch next;
  next.server = current_.server;
  next.zone = current_.zone;
  batches_.push_back(std::move(current_));
  current_ = std::move(next);
}

std::vector<UpdateBatch> UpdateScript::take() {
  send();
  return std::move(batches_);
}

void UpdateScript::begin() {
  if (current_.prerequisites.empty() && current_.changes.empty()) current_.at = {file_, line_, 1};
}

UpdateScript::Done UpdateScript::read_line(Lexer& line) {
  // A line with nothing on it sends; one with a comment alone does not.
  const std::string_view rest = line.rest();
  if (rest.find_first_not_of(" \t\r") == std::string_view::npos) {
    send();
    return {};
  }
  const Token word = TRY(line.next());
  if (word.kind == Token::Kind::end_of_file || word.kind == Token::Kind::end_of_line) return {};
  return read_command(word, line);
}

UpdateScript::Done UpdateScript::read_command(const Token& word, Lexer& line) {
  const std::string command = lowered_text(word.text);
  if (command == "server") return read_server(line);
  if (command == "zone") return read_zone(line);
  if (command == "ttl") return read_default_ttl(line);
  if (command == "class") return read_class(line);
  if (command == "prereq" || command == "prerequisite") return read_prerequisite(line);
  if (command == "update") return read_update(line);
  if (command == "add") return read_add(line);
  if (command == "del" || command == "delete") return read_remove(line);
  if (command == "send" || command == "quit") {
    TRY(line.expect_end_of_line());
    if (command == "send") send();
    ended_ = command == "quit";
    return {};
  }
  if (command == "key") return wrong(word, "a key's secret has no place in a script", "--key FILE");
  for (const std::string& known : commands) {
    if (nearest_word(command, commands) == known) return wrong(word, "unknown command", command_form, known);
  }
  return wrong(word, "unknown command", command_form);
}

UpdateScript::Done UpdateScript::read_server(Lexer& line) {
  constexpr std::string_view form = "ADDRESS or NAME, then perhaps a PORT";
  const Token token = TRY(line.expect_text(form));
  auto server = ServerPlace::parse(token.text);
  if (!server) return wrong(token, "not a server's address or name", form);
  const Token port = TRY(line.next());
  if (port.is_text()) {
    const auto number = parse_decimal(port.text, 65'535);
    if (!number || *number == 0) return wrong(port, "not a port", form);
    server->port = Port(static_cast<u16>(*number));
    TRY(line.expect_end_of_line());
  }
  current_.server = server;
  return {};
}

UpdateScript::Done UpdateScript::read_zone(Lexer& line) {
  const dns::Name zone = TRY(read_name(line));
  TRY(line.expect_end_of_line());
  current_.zone = zone;
  return {};
}

UpdateScript::Done UpdateScript::read_default_ttl(Lexer& line) {
  const Token token = TRY(line.expect_text("a time to live in seconds"));
  const auto ttl = dns::parse_ttl(token.text);
  if (!ttl) return wrong(token, "not a time to live", "seconds, or units as in 1h30m");
  TRY(line.expect_end_of_line());
  default_ttl_ = ttl->seconds();
  return {};
}

UpdateScript::Done UpdateScript::read_class(Lexer& line) {
  const Token token = TRY(line.expect_text("IN"));
  if (lowered_text(token.text) != "in") return wrong(token, "a class we do not serve", "IN");
  return line.expect_end_of_line();
}

UpdateScript::Done UpdateScript::read_update(Lexer& line) {
  const Token token = TRY(line.expect_text("add or delete"));
  const std::string word = lowered_text(token.text);
  if (word == "add") return read_add(line);
  if (word == "del" || word == "delete") return read_remove(line);
  return wrong(token, "unknown kind of update", "add or delete");
}

// NAME [TTL] [IN] [TYPE]; the line stands at the rdata then.
Result<UpdateScript::Head, SyntaxError> UpdateScript::read_head(Lexer& line) {
  Head head;
  head.owner = TRY(read_name(line));
  Lexer ahead = line;
  Token token = TRY(ahead.next());
  if (token.is_text() && !token.text.empty() && token.text.front() >= '0' && token.text.front() <= '9') {
    const auto ttl = dns::parse_ttl(token.text);
    if (!ttl) return wrong(token, "not a time to live", "seconds, or units as in 1h30m");
    head.ttl = ttl->seconds();
    line = ahead;
    token = TRY(ahead.next());
  }
  if (token.is_text() && lowered_text(token.text) == "in") {
    line = ahead;
    token = TRY(ahead.next());
  }
  if (!token.is_text()) return head;
  head.type = TRY(type_of(token));
  line = ahead;
  return head;
}

UpdateScript::Done UpdateScript::put(std::vector<std::vector<u8>>& into, const Head& head, RrClass rr_class, u32 ttl,
                                     Lexer* rdata) {
  std::vector<u8> memory(dns::max_record_image);
  ByteWriter record(memory);
  record.bytes(head.owner.wire());
  record.u16(dns::code(head.type.value_or(RrType::ANY)));
  record.u16(dns::code(rr_class));
  record.u32(ttl);
  record.u16(0);
  const size_t start = record.size();
  if (rdata != nullptr) {
    TRY(dns::parse_rdata(*head.type, *rdata, dns::Name(), record));
    record.patch_u16(start - 2, static_cast<u16>(record.size() - start));
  }
  into.emplace_back(record.written().begin(), record.written().end());
  return {};
}

UpdateScript::Done UpdateScript::read_add(Lexer& line) {
  const Head head = TRY(read_head(line));
  const Token at = TRY(line.peek());
  if (!head.type) return fail(SyntaxError{at.at, "a record without type", {}, "NAME TTL TYPE RDATA", {}});
  const std::optional<u32> ttl = head.ttl ? head.ttl : default_ttl_;
  if (!ttl) return fail(SyntaxError{at.at, "a record without time to live", {}, "NAME TTL TYPE RDATA, or ttl before it", {}});
  begin();
  return put(current_.changes, head, RrClass::IN, *ttl, &line);
}

UpdateScript::Done UpdateScript::read_remove(Lexer& line) {
  const Head head = TRY(read_head(line));
  begin();
  const Token next = TRY(line.peek());
  // RFC 2136 sections 2.5.2 to 2.5.4: class ANY for an RRset or all of a name, NONE for one record.
  if (head.type && next.is_text()) return put(current_.changes, head, RrClass::NONE, 0, &line);
  return put(current_.changes, head, RrClass::ANY, 0, nullptr);
}

UpdateScript::Done UpdateScript::read_prerequisite(Lexer& line) {
  const Token token = TRY(line.expect_text(prerequisite_form));
  const std::string kind = lowered_text(token.text);
  const bool domain = kind == "nxdomain" || kind == "yxdomain";
  if (!domain && kind != "nxrrset" && kind != "yxrrset") return wrong(token, "unknown prerequisite", prerequisite_form);
  Head head;
  head.owner = TRY(read_name(line));
  if (!domain) {
    Token word = TRY(line.expect_text(type_form));
    if (lowered_text(word.text) == "in") word = TRY(line.expect_text(type_form));
    head.type = TRY(type_of(word));
  }
  begin();
  const Token next = TRY(line.peek());
  // RFC 2136 section 2.4: class ANY where something must be, NONE where nothing may, the zone's own with the data it must have.
  if (kind == "yxrrset" && next.is_text()) return put(current_.prerequisites, head, RrClass::IN, 0, &line);
  TRY(line.expect_end_of_line());
  return put(current_.prerequisites, head, kind.starts_with("yx") ? RrClass::ANY : RrClass::NONE, 0, nullptr);
}

std::optional<std::vector<u8>> update_message(const UpdateBatch& batch) {
  using Section = dns::RequestWriter::Section;
  std::vector<u8> message(dns::max_message_size);
  if (batch.prerequisites.size() > UINT16_MAX || batch.changes.size() > UINT16_MAX) return {};
  dns::RequestWriter request(message, {.opcode = dns::Opcode::UPDATE, .name = *batch.zone, .type = RrType::SOA});
  for (const std::vector<u8>& record : batch.prerequisites) request.record(Section::answer, record);
  for (const std::vector<u8>& record : batch.changes) request.record(Section::authority, record);
  message.resize(request.finish());
  return message.empty() ? std::nullopt : std::optional(std::move(message));
}

}  // namespace samara::ops
