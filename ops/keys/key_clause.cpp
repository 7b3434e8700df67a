#include "ops/keys/key_clause.h"

#include <algorithm>

#include "ops/yaml/reading.h"
#include "platform/codec/base64.h"

namespace samara::ops {

namespace {

constexpr std::string_view clause_form = "key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };";
constexpr size_t longest_secret_text = 1024;

struct Word {
  std::string text;  // empty: the end of the file
  bool quoted = false;
  Place at;
  bool is(std::string_view symbol) const { return !quoted && text == symbol; }
};

class Words {
 public:
  Words(std::string_view text, const std::string& file) : text_(text), at_{file, 1, 1} {}

  Word next() {
    skip_blanks();
    Word word{{}, false, at_};
    if (rest().empty()) return word;
    const char first = rest().front();
    if (first == '"') {
      word.quoted = true;
      step(1);
      while (!rest().empty() && rest().front() != '"' && rest().front() != '\n') take(word);
      step(1);
    } else if (symbols.find(first) != std::string_view::npos) {
      take(word);
    } else {
      while (!rest().empty() && blanks.find(rest().front()) == std::string_view::npos &&
             symbols.find(rest().front()) == std::string_view::npos && rest().front() != '"') {
        take(word);
      }
    }
    return word;
  }

 private:
  static constexpr std::string_view symbols = "{};";
  static constexpr std::string_view blanks = " \t\r\n";

  std::string_view rest() const { return text_.substr(offset_); }
  void take(Word& word) {
    word.text += rest().front();
    step(1);
  }
  void step(size_t count) {
    for (; count > 0 && offset_ < text_.size(); --count, ++offset_) {
      ++at_.column;
      if (text_[offset_] != '\n') continue;
      ++at_.line;
      at_.column = 1;
    }
  }
  void skip_blanks() {
    for (;;) {
      if (rest().starts_with("#") || rest().starts_with("//")) {
        step(std::min(rest().find('\n'), rest().size()));
      } else if (rest().starts_with("/*")) {
        const size_t end = rest().find("*/", 2);
        step(end == std::string_view::npos ? rest().size() : end + 2);
      } else if (!rest().empty() && blanks.find(rest().front()) != std::string_view::npos) {
        step(1);
      } else {
        return;
      }
    }
  }

  std::string_view text_;
  size_t offset_ = 0;
  Place at_;
};

class Clauses {
 public:
  Clauses(std::string_view text, const std::string& file, Diagnostics& found) : words_(text, file), found_(found) {}

  std::vector<dns::TsigKey> read() {
    std::vector<dns::TsigKey> keys;
    for (Word word = words_.next(); !word.text.empty(); word = words_.next()) {
      if (word.is(";")) continue;
      if (!word.is("key")) {
        error(word, "unknown clause " + in_quotes(word.text));
        break;
      }
      std::optional<dns::TsigKey> key = read_key();
      if (!key) break;
      keys.push_back(std::move(*key));
    }
    return keys;
  }

 private:
  void error(const Word& at, std::string problem) {
    found_.error(at.at, at.text.empty() ? "the file ends within a key clause" : std::move(problem), std::string(clause_form));
  }
  bool expect(std::string_view symbol) {
    const Word word = words_.next();
    if (word.is(symbol)) return true;
    error(word, "no " + in_quotes(symbol) + " here");
    return false;
  }

  std::optional<dns::TsigKey> read_key() {
    const Word name_word = words_.next();
    const auto name = yaml::parse_name(name_word.text);
    if (name_word.text.empty() || !name) {
      error(name_word, in_quotes(name_word.text) + " is not a domain name");
      return {};
    }
    dns::TsigKey key;
    key.name = name.value();
    if (!expect("{")) return {};
    bool algorithm = false;
    for (Word word = words_.next(); !word.is("}"); word = words_.next()) {
      const Word value = words_.next();
      if (word.is("algorithm")) {
        const auto parsed = dns::parse_tsig_algorithm(value.text);
        if (!parsed) {
          found_.error(value.at, "unknown algorithm " + in_quotes(value.text), "hmac-sha256 or the like");
          return {};
        }
        key.algorithm = *parsed;
        algorithm = true;
      } else if (word.is("secret")) {
        auto secret = decode_key_secret(value.text, value.at, found_);
        if (!secret) return {};
        key.secret = std::move(*secret);
      } else {
        error(word, "unknown word " + in_quotes(word.text) + " in a key clause");
        return {};
      }
      if (!expect(";")) return {};
    }
    if (algorithm && !key.secret.empty()) return key;
    found_.error(name_word.at, std::string("a key without ") + (algorithm ? "secret" : "algorithm"), std::string(clause_form));
    return {};
  }

  Words words_;
  Diagnostics& found_;
};

}  // namespace

bool is_key_clause(std::string_view text) {
  return Words(text, {}).next().is("key");
}

std::vector<dns::TsigKey> read_key_clauses(std::string_view text, const std::string& file, Diagnostics& found) {
  return Clauses(text, file, found).read();
}

std::optional<crypto::SecretBytes> decode_key_secret(std::string_view text, const Place& at, Diagnostics& found) {
  const std::string expected = "base 64 of " + std::to_string(server::key_secret_size.low) + " to " +
                               std::to_string(server::key_secret_size.high) + " octets";
  std::vector<u8> octets(longest_secret_text);
  ByteWriter out(octets);
  const bool decoded = text.size() <= longest_secret_text && codec::decode_base64(text, out).ok();
  if (!decoded || !server::key_secret_size.holds(out.size())) {
    if (!decoded && is_key_clause(text)) {
      found.error(at, "a key clause where the base 64 of a secret alone belongs", expected,
                  "--key FILE without NAME:ALGORITHM:");
    } else {
      found.error(at, decoded ? "a secret of " + std::to_string(out.size()) + " octets" : "the secret is not base 64",
                  expected);
    }
    return {};
  }
  crypto::SecretBytes secret(out.written());
  crypto::wipe(octets);
  return secret;
}

}  // namespace samara::ops
