#include "zone/master_file.h"

#include <algorithm>

#include "dns-core/rdata/numbers.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/rdata/soa.h"
#include "zone/directive.h"
#include "zone/include_scan.h"
#include "zone/simple_line.h"

namespace samara::zone {
namespace {

using dns::SyntaxError;
using dns::Token;

constexpr std::string_view expected_type = "a record type such as A or AAAA, or TYPEnnn";
constexpr std::string_view expected_data = "a TTL, a class or a record type";

Failure<SyntaxError> error_at(const Token& token, std::string_view problem, std::string_view expected,
                              std::string_view suggestion = {}) {
  return fail(SyntaxError{token.at, problem, token.text, expected, suggestion});
}

Failure<SyntaxError> bad_name(const Token& token, dns::NameError error) {
  return error_at(token, describe(error), "a domain name");
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The directive with the same first letter.
std::string_view nearest_directive(std::string_view text) {
  for (const std::string_view known : {"$ORIGIN", "$TTL", "$INCLUDE", "$GENERATE"}) {
    if (text.size() > 1 && equal_words(text.substr(1, 1), known.substr(1, 1))) return known;
  }
  return {};
}

}  // namespace

void MasterFileError::write_text(TextWriter& out) const {
  out.put(path);
  out.put(':');
  out.put(error.at.line);
  out.put(':');
  out.put(error.at.column);
  out.put(": ");
  error.write_text(out);
}

MasterFile::MasterFile(std::span<const SourceFile> files, const dns::Name& apex)
    : files_(files), apex_(apex), origin_(apex), rdata_(std::make_unique_for_overwrite<std::array<u8, max_rdata>>()) {
  frames_.push_back({0, dns::Lexer(files.empty() ? std::string_view() : files[0].text), {}, {}, false});
  TextWriter hint(apex_hint_);
  hint.put("a name at or below ");
  apex.write_text(hint);
  apex_hint_size_ = hint.size();
}

Result<bool, MasterFileError> MasterFile::next(Record& out) {
  if (errors_ >= max_errors) return false;
  if (failed_) {
    failed_ = false;
    lexer().skip_line();
  }
  Parsed<bool> result = step(out);
  if (!result.ok()) {
    failed_ = true;
    ++errors_;
    return fail(MasterFileError{files_[frames_.back().file].path, result.error()});
  }
  return result.value();
}

// Reads on to the next record.
MasterFile::Parsed<bool> MasterFile::step(Record& out) {
  for (;;) {
    if (range_.has_value()) {
      const auto made = next_generated(out);
      if (!made.ok()) range_.reset();  // the next number would be wrong in the same way
      TRY(made);
      return true;
    }
    if (TRY(read_simple_line(out))) return true;
    const Token first = TRY(lexer().next());
    if (first.kind == Token::Kind::end_of_file) {
      if (frames_.size() == 1) return false;
      end_include();
    } else if (directive_of(first) != Directive::none) {
      TRY(read_directive(first));
    } else if (TRY(read_entry(first, out))) {
      return true;
    }
  }
}

// The short way. False: nothing was read (though the owner may be known already), and the long way must be gone.
MasterFile::Parsed<bool> MasterFile::read_simple_line(Record& out) {
  dns::Lexer& at = lexer();
  if (!at.at_line_start()) return false;
  const std::string_view text = at.rest();
  const auto simple = read_simple_head(text);
  if (!simple.has_value()) return false;
  dns::TextPosition start = at.position();
  start.column += static_cast<u32>(simple->at);
  if (simple->owner.empty()) {
    if (!has_owner_ || owner_in_error_) return false;
  } else if (!use_owner({Token::Kind::word, false, simple->owner, start}).ok()) {
    return false;
  }
  out.owner = &owner_;
  const auto data = read_simple_data(text.substr(simple->data_at), simple->type, origin_, *rdata_);
  if (data.has_value()) {
    at.step_over_line(simple->data_at + data->line_size);
    out.rdata = Bytes(*rdata_).first(data->rdata_size);
  } else {
    at.step_into_line(simple->data_at);
    ByteWriter stored(*rdata_);
    TRY(dns::parse_rdata(simple->type, at, origin_, stored));
    out.rdata = stored.written();
  }
  TRY(finish_record({start, simple->ttl, simple->type}, out));
  return true;
}

// A logical line that holds a record; false when it belongs to an owner in error and was passed over.
MasterFile::Parsed<bool> MasterFile::read_entry(const Token& first, Record& out) {
  Head head;
  head.at = first.at;
  if (first.after_blank) {
    if (owner_in_error_) {
      lexer().skip_line();
      return false;
    }
    if (!has_owner_) return error_at(first, "the first record has no owner", "a name at the start of the line", "@");
    TRY(read_head(first, head));
  } else {
    owner_in_error_ = true;
    TRY(use_owner(first));
    owner_in_error_ = false;
    const Token token = TRY(lexer().expect_text(expected_data));
    TRY(read_head(token, head));
  }
  ByteWriter stored(*rdata_);
  TRY(dns::parse_rdata(head.type, lexer(), origin_, stored));
  out.owner = &owner_;
  out.rdata = stored.written();
  TRY(finish_record(head, out));
  return true;
}

// What has the highest bit set is 0 (RFC 2181 section 8), as it is in a transfer.
MasterFile::Parsed<dns::Ttl> MasterFile::read_ttl(const Token& token) {
  constexpr std::string_view expected = "seconds, or units such as 1h30m, up to 2147483647 seconds";
  const auto seconds = dns::parse_period(token.text, UINT32_MAX);
  if (!seconds.has_value()) return error_at(token, "bad TTL", expected);
  if (*seconds > dns::Ttl::max) warn({token.at, "this TTL is taken for 0 (RFC 2181 section 8)", token.text, expected, {}});
  return dns::Ttl(*seconds);
}

// [TTL] [CLASS] TYPE or [CLASS] [TTL] TYPE, from `token` on.
MasterFile::Parsed<void> MasterFile::read_head(Token token, Head& head) {
  bool has_class = false;
  for (;; token = TRY(lexer().expect_text(expected_data))) {
    if (token.kind == Token::Kind::quoted) return error_at(token, "quoted string before the record type", expected_data);
    if (is_digit(token.text[0])) {
      if (head.ttl.has_value()) return error_at(token, "second TTL", "a class or a record type");
      head.ttl = TRY(read_ttl(token));
      continue;
    }
    if (const auto rr_class = dns::parse_class(token.text); rr_class.has_value()) {
      if (has_class) return error_at(token, "second class", "a TTL or a record type");
      if (*rr_class != dns::RrClass::IN) return error_at(token, "class is not IN", "IN, the only class served here", "IN");
      has_class = true;
      continue;
    }
    const auto type = dns::parse_type(token.text);
    if (!type.has_value()) return error_at(token, "unknown record type", expected_type, dns::nearest_type(token.text));
    if (dns::is_meta_type(*type)) return error_at(token, "this type is for messages and cannot be in a zone", expected_type);
    head.type = *type;
    return {};
  }
}

// Type, position and TTL of a record whose owner and data are known.
MasterFile::Parsed<void> MasterFile::finish_record(const Head& head, Record& out) {
  out.type = head.type;
  out.position = {frames_.back().file, head.at};
  if (head.ttl.has_value()) {
    last_ttl_ = head.ttl;  // RFC 1035 section 5.1
  } else if (!default_ttl_.has_value() && !last_ttl_.has_value()) {
    const SyntaxError missing{head.at, "record has no TTL", {}, "a TTL in the line, or $TTL before it", "$TTL 3600"};
    if (head.type != dns::RrType::SOA) return fail(missing);
    last_ttl_ = dns::Ttl(dns::SoaNumbers::of(out.rdata).minimum);  // what TTLs defaulted to before RFC 2308
    SyntaxError warning = missing;
    warning.problem = "the SOA has no TTL; its MINIMUM is taken for it and the records after it";
    warn(warning);
  }
  out.ttl = head.ttl.has_value() ? *head.ttl : default_ttl_.has_value() ? *default_ttl_ : *last_ttl_;
  return {};
}

// Makes the token's name the owner.
MasterFile::Parsed<void> MasterFile::use_owner(const Token& token) {
  if (token.text == owner_token_ && has_owner_ && token.kind == Token::Kind::word) {
    owner_in_error_ = false;
    return {};
  }
  has_owner_ = false;
  owner_token_ = {};
  if (token.kind == Token::Kind::quoted) return error_at(token, "quoted string where a name belongs", "an owner name");
  const auto parsed = owner_.assign(token.text, origin_);
  if (!parsed.ok()) return bad_name(token, parsed.error());
  if (!inside(owner_, token.text)) {
    return outside(token, owner_);
  }
  has_owner_ = true;
  owner_in_error_ = false;
  owner_token_ = token.text;
  return {};
}

// Shows the whole name: "@" or "www" say nothing to who does not see which origin they are relative to.
Failure<SyntaxError> MasterFile::outside(const Token& token, const dns::Name& owner) {
  TextWriter text(outside_);
  owner.write_text(text);
  return fail(SyntaxError{token.at, owner_outside, text.view(), std::string_view(apex_hint_.data(), apex_hint_size_), {}});
}

// Whether a name read from `token` is in the zone. One that is relative to an origin in the zone is, without a look.
bool MasterFile::inside(const dns::Name& owner, std::string_view token) const {
  if (origin_in_zone_ && !token.ends_with('.')) return true;
  return owner.is_at_or_below(apex_);
}

MasterFile::Parsed<void> MasterFile::read_directive(const Token& directive) {
  switch (directive_of(directive)) {
    case Directive::origin: {
      const dns::Name origin = TRY(read_name());
      TRY(lexer().expect_end_of_line());
      set_origin(origin);
      return {};
    }
    case Directive::ttl: {
      const Token token = TRY(lexer().expect_text("a TTL"));
      const dns::Ttl ttl = TRY(read_ttl(token));
      TRY(lexer().expect_end_of_line());
      default_ttl_ = ttl;
      return {};
    }
    case Directive::include: return begin_include(directive);
    case Directive::generate: return begin_generate(directive);
    case Directive::unknown:
    case Directive::none: break;
  }
  return error_at(directive, "unknown directive", "$ORIGIN, $TTL, $INCLUDE or $GENERATE", nearest_directive(directive.text));
}

MasterFile::Parsed<dns::Name> MasterFile::read_name() {
  const Token token = TRY(lexer().expect_text("a domain name"));
  const auto name = dns::Name::parse(token.text, origin_);
  if (!name.ok()) return bad_name(token, name.error());
  return name.value();
}

void MasterFile::set_origin(const dns::Name& origin) {
  origin_ = origin;
  origin_in_zone_ = origin.is_at_or_below(apex_);
  owner_token_ = {};  // the same text may mean another name now
}

MasterFile::Parsed<void> MasterFile::begin_include(const Token& directive) {
  const Token given = TRY(lexer().expect_text("the path of a file"));
  dns::Name origin = origin_;
  if (TRY(lexer().peek()).is_text()) origin = TRY(read_name());
  TRY(lexer().expect_end_of_line());

  std::array<char, max_path_size> memory;
  TextWriter path(memory);
  if (!resolve_include(files_[frames_.back().file].path, given, path)) {
    return error_at(given, "bad path", "the path of a file");
  }
  const auto found = std::ranges::find(files_, path.view(), &SourceFile::path);
  if (found == files_.end())
    return error_at(given, "included file is not there", "the path of a file, from this file's folder");
  const u32 file = static_cast<u32>(found - files_.begin());
  if (std::ranges::find(frames_, file, &Frame::file) != frames_.end()) {
    return error_at(given, "file includes itself", "a file that is not being read already");
  }
  if (frames_.size() > max_include_depth)
    return error_at(directive, "files include each other too deeply", "at most 10 levels");
  if (files_[file].text.size() > max_included_octets - included_octets_)
    return error_at(directive, "files are included too often", "at most 1 GiB in all");
  included_octets_ += files_[file].text.size();
  frames_.push_back({file, dns::Lexer(files_[file].text), origin_, owner_, has_owner_});
  set_origin(origin);
  return {};
}

void MasterFile::end_include() {
  const Frame& done = frames_.back();
  owner_ = done.outer_owner;
  has_owner_ = done.outer_has_owner;
  owner_in_error_ = false;
  set_origin(done.outer_origin);
  frames_.pop_back();
}

MasterFile::Parsed<void> MasterFile::begin_generate(const Token& directive) {
  const Token range = TRY(lexer().expect_text("a range such as 1-127 or 0-255/2"));
  const auto parsed = parse_generate_range(range.text);
  if (!parsed.has_value()) return error_at(range, "bad range", "FIRST-LAST or FIRST-LAST/STEP, up to 2147483647");
  if (parsed->count() > max_generated - generated_) return error_at(range, "too many records", "at most 16777216 in a zone");
  generated_ += static_cast<u32>(parsed->count());
  generate_owner_ = TRY(lexer().expect_text("an owner name"));
  generated_head_ = Head{};
  generated_head_.at = directive.at;
  const Token first = TRY(lexer().expect_text(expected_data));
  TRY(read_head(first, generated_head_));

  // The data: one quoted string holds it all (as in BIND), otherwise it is the rest of the line.
  generate_data_.clear();
  const auto append = [this](std::string_view text) { generate_data_.insert(generate_data_.end(), text.begin(), text.end()); };
  Token token = TRY(lexer().expect_text("the data"));
  const bool lone = !TRY(lexer().peek()).is_text();
  for (; token.is_text(); token = TRY(lexer().next())) {
    const bool quotes = token.kind == Token::Kind::quoted && !lone;
    if (!generate_data_.empty()) append(" ");
    if (quotes) append("\"");
    append(token.text);
    if (quotes) append("\"");
  }
  range_ = parsed;
  return {};
}

MasterFile::Parsed<void> MasterFile::next_generated(Record& out) {
  const auto broken = [this](std::string_view problem, std::string_view found) {
    return fail(SyntaxError{generated_head_.at,
                            problem,
                            found,
                            "$, ${OFFSET}, ${OFFSET,WIDTH} or ${OFFSET,WIDTH,BASE} with a BASE of d o x X n N",
                            {}});
  };
  if (expanded_ == nullptr) expanded_ = std::make_unique_for_overwrite<std::array<char, max_expanded>>();
  const u32 number = range_->next;
  const std::string_view data_template(generate_data_.data(), generate_data_.size());
  TextWriter text(*expanded_);
  if (const auto error = expand_template(generate_owner_.text, number, text)) {
    return broken(describe(*error), generate_owner_.text);
  }
  const size_t owner_size = text.size();
  if (const auto error = expand_template(data_template, number, text)) return broken(describe(*error), data_template);
  if (text.overflowed()) return broken("the expanded line is too long", {});

  const Token owner{Token::Kind::word, false, text.view().substr(0, owner_size), generated_head_.at};
  const auto parsed = generated_owner_.assign(owner.text, origin_);
  if (!parsed.ok()) return bad_name(owner, parsed.error());
  if (!inside(generated_owner_, owner.text)) {
    return outside(owner, generated_owner_);
  }
  dns::Lexer data(text.view().substr(owner_size));
  ByteWriter stored(*rdata_);
  const auto result = dns::parse_rdata(generated_head_.type, data, origin_, stored);
  if (!result.ok()) {
    SyntaxError error = result.error();
    error.at = generated_head_.at;
    return fail(error);
  }
  out.owner = &generated_owner_;
  out.rdata = stored.written();
  TRY(finish_record(generated_head_, out));
  if (range_->last - number < range_->step) {
    range_.reset();
  } else {
    range_->next = number + range_->step;
  }
  return {};
}

void MasterFile::warn(const SyntaxError& what) {
  if (warnings_.size() < max_errors) warnings_.push_back({files_[frames_.back().file].path, what});
}

}  // namespace samara::zone
