#include "dns-core/text/lexer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace samara::dns {
namespace {

using Kind = Token::Kind;

// Tokens as "word", "quoted" in quotes, $ for the end of a line, with a blank in front where one stood before the token.
std::string show(std::string_view text) {
  Lexer lexer(text);
  std::string shown;
  for (;;) {
    const auto token = lexer.next();
    if (!token.ok()) return shown + "<" + std::string(token.error().problem) + ">";
    const Token& t = token.value();
    if (t.kind == Kind::end_of_file) return shown;
    if (t.kind == Kind::end_of_line) {
      shown += "$";
      continue;
    }
    shown += t.after_blank ? " [" : "[";
    shown += t.kind == Kind::quoted ? '"' + std::string(t.text) + '"' : std::string(t.text);
    shown += "]";
  }
}

std::string position(TextPosition at) {
  return std::to_string(at.line) + ":" + std::to_string(at.column);
}

SyntaxError error_of(std::string_view text) {
  Lexer lexer(text);
  for (;;) {
    const auto token = lexer.next();
    if (!token.ok()) return token.error();
    if (token.value().kind == Kind::end_of_file) return {};
  }
}

Token word_of(std::string_view text) {
  Token token;
  token.kind = Kind::word;
  token.text = text;
  return token;
}

std::string decoded(std::string_view text) {
  std::vector<u8> out(text.size());
  const auto size = decode_text(word_of(text), out);
  if (!size.ok()) return "<" + std::string(size.error().problem) + ">";
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size.value())};
}

TEST(Lexer, SplitsAtBlanksAndTabs) {
  EXPECT_EQ(show("a  IN\tA 192.0.2.1\n"), "[a] [IN] [A] [192.0.2.1]$");
}

TEST(Lexer, TellsWhetherALineStartsWithABlank) {
  EXPECT_EQ(show("a A\n  A\n\tA\n"), "[a] [A]$ [A]$ [A]$");
  EXPECT_EQ(show("  \nA\n"), "[A]$") << "the blanks of an empty line are not those of the next";
  EXPECT_EQ(show("a ; note\nA\n"), "[a]$[A]$");
}

TEST(Lexer, EmptyAndCommentOnlyLinesYieldNothing) {
  EXPECT_EQ(show("\n\n ; c\n;c\n\r\na\n\n\n"), "[a]$");
}

TEST(Lexer, LastLineNeedsNoNewline) {
  EXPECT_EQ(show("a b"), "[a] [b]");
  EXPECT_EQ(show("a ;c"), "[a]");
  EXPECT_EQ(show("\"a\""), "[\"a\"]");
  EXPECT_EQ(show("a\\"), "[a\\]");
  EXPECT_EQ(show(""), "");
}

TEST(Lexer, CarriageReturnsAreBlanks) {
  EXPECT_EQ(show("a b\r\nc\r\n\"q\"\r\n"), "[a] [b]$[c]$[\"q\"]$");
}

TEST(Lexer, ParenthesesJoinLines) {
  EXPECT_EQ(show("a ( b ; one\n c\n) d\ne\n"), "[a] [b] [c] [d]$[e]$");
  EXPECT_EQ(show("a (b\nc) d\n"), "[a] [b] [c] [d]$") << "a joined line's end is a blank";
  EXPECT_EQ(show("a((b)\n)c\n"), "[a][b] [c]$") << "they nest";
  EXPECT_EQ(show("()\na\n"), "[a]$") << "parentheses alone are an empty line";
}

// Whether a line has an owner is told by its first character, whatever stands between that and the owner: RFC 1035 section 5.1
// says what parentheses do to line ends, not to blanks. named reads it so.
TEST(Lexer, blanks_behind_a_parenthesis_that_begins_a_line_are_not_those_of_the_line) {
  EXPECT_EQ(show("(a A)\n"), "[a] [A]$");
  EXPECT_EQ(show("( a A )\n"), "[a] [A]$");
  EXPECT_EQ(show("(\n  a A )\n"), "[a] [A]$");
  EXPECT_EQ(show("( ( \"a\" A ))\n"), "[\"a\"] [A]$");
  EXPECT_EQ(show(" ( A )\n"), " [A]$");
  EXPECT_EQ(show("()\n A\n"), " [A]$") << "the line with the parentheses is over";
  EXPECT_EQ(show("( ) A\n"), "[A]$");
}

TEST(Lexer, SpecialCharactersEndWords) {
  EXPECT_EQ(show("a;c\nb\"q\"(d)e"), "[a]$[b][\"q\"][d][e]");
}

TEST(Lexer, QuotedStringsHoldBlanksSemicolonsAndParentheses) {
  EXPECT_EQ(show("\"a b;c(d)\" \"\"\n"), "[\"a b;c(d)\"] [\"\"]$");
  EXPECT_EQ(show("\"a\\\"b\" c"), "[\"a\\\"b\"] [c]");
  EXPECT_EQ(show("\"a\\\\\" c"), "[\"a\\\\\"] [c]");
}

TEST(Lexer, EscapesKeepSpecialCharactersInWords) {
  EXPECT_EQ(show("a\\ b c\\;d e\\(f \\\"g\n"), "[a\\ b] [c\\;d] [e\\(f] [\\\"g]$");
  EXPECT_EQ(show("a\\\nb\n"), "[a\\]$[b]$") << "but never take a line's end along";
  EXPECT_EQ(show("a\\\r\nb\n"), "[a\\]$[b]$");
}

TEST(Lexer, SkipsAByteOrderMark) {
  const std::string text = "\xef\xbb\xbf$ORIGIN .\n";
  EXPECT_EQ(show(text), "[$ORIGIN] [.]$");
  Lexer lexer(text);
  EXPECT_EQ(position(lexer.next().value().at), "1:1");
}

TEST(Lexer, KnowsLineAndColumnOfEachToken) {
  Lexer lexer("a\n  bb ( c\n\n\td ; x\n) \"q\"\n e");
  std::string positions;
  for (auto t = lexer.next().value(); t.kind != Kind::end_of_file; t = lexer.next().value()) positions += position(t.at) + " ";
  EXPECT_EQ(positions, "1:1 1:2 2:3 2:8 4:2 5:3 5:6 6:2 ");
  EXPECT_EQ(position(lexer.position()), "6:3");
}

TEST(Lexer, EndOfFileComesAgainAndAgain) {
  Lexer lexer("a");
  EXPECT_EQ(lexer.next().value().kind, Kind::word);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(lexer.next().value().kind, Kind::end_of_file);
}

TEST(Lexer, PeekTakesNothing) {
  Lexer lexer("a b\n");
  EXPECT_EQ(lexer.peek().value().text, "a");
  EXPECT_EQ(lexer.peek().value().text, "a");
  EXPECT_EQ(lexer.next().value().text, "a");
  EXPECT_EQ(lexer.peek().value().text, "b");
}

TEST(Lexer, UnclosedQuoteIsAnErrorWhereItOpens) {
  for (const std::string_view text :
       {"a\n b \"c d\ne\"\n", "a\n b \"c d", "a\n b \"c d\\\"\n", "a\n b \"c d\\\ne\"", "a\n b \"c d\r\n"}) {
    const SyntaxError e = error_of(text);
    EXPECT_EQ(e.problem, "quoted string is not closed") << text;
    EXPECT_EQ(position(e.at), "2:4") << text;
    EXPECT_EQ(e.found.substr(0, 4), "\"c d") << text;
    EXPECT_EQ(e.found.find_first_of("\r\n"), std::string_view::npos) << text;
  }
}

TEST(Lexer, UnclosedParenthesisIsAnErrorWhereTheOutermostOpens) {
  const SyntaxError e = error_of("a\nb ( c (\nd )\ne\n");
  EXPECT_EQ(e.problem, "parenthesis is never closed");
  EXPECT_EQ(position(e.at), "2:3");
}

TEST(Lexer, ClosingParenthesisWithoutAnOpeningOneIsAnError) {
  const SyntaxError e = error_of("a (b) )\n");
  EXPECT_EQ(e.problem, "closing parenthesis without an opening one");
  EXPECT_EQ(position(e.at), "1:7");
}

TEST(Lexer, SkipLineGoesToTheNextLogicalLine) {
  Lexer lexer("a b ( c\n d\n) e \"unclosed\nf\n) x\ng\n");
  EXPECT_EQ(lexer.next().value().text, "a");
  lexer.skip_line();
  EXPECT_EQ(lexer.next().value().text, "f");
  lexer.skip_line();
  EXPECT_FALSE(lexer.next().ok());
  lexer.skip_line();
  EXPECT_EQ(lexer.next().value().text, "g");
  lexer.skip_line();
  EXPECT_EQ(lexer.next().value().kind, Kind::end_of_file);
  lexer.skip_line();
  EXPECT_EQ(lexer.next().value().kind, Kind::end_of_file);
}

TEST(Lexer, SkipLineStaysWhereALineHasJustEnded) {
  Lexer lexer("a\nb\n");
  EXPECT_EQ(lexer.next().value().text, "a");
  EXPECT_EQ(lexer.next().value().kind, Kind::end_of_line);
  lexer.skip_line();
  EXPECT_EQ(lexer.next().value().text, "b");
}

TEST(Lexer, SkipLineEndsInAnUnclosedParenthesis) {
  Lexer lexer("a (\nb\n");
  EXPECT_EQ(lexer.next().value().text, "a");
  lexer.skip_line();
  EXPECT_EQ(lexer.next().value().kind, Kind::end_of_file);
}

TEST(Lexer, ExpectTextNamesWhatIsMissing) {
  Lexer lexer("a\nb");
  EXPECT_TRUE(lexer.expect_text("an owner").ok());
  const auto none = lexer.expect_text("a record type");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().problem, "line ends early");
  EXPECT_EQ(none.error().expected, "a record type");
  EXPECT_EQ(position(none.error().at), "1:2");
  EXPECT_TRUE(lexer.expect_text("an owner").ok());
  EXPECT_EQ(lexer.expect_text("a record type").error().problem, "file ends early");
}

TEST(Lexer, ExpectEndOfLineRefusesMoreText) {
  Lexer lexer("a b\nc ; d\ne");
  EXPECT_TRUE(lexer.next().ok());
  const auto more = lexer.expect_end_of_line();
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().found, "b");
  EXPECT_EQ(position(more.error().at), "1:3");
  lexer.skip_line();
  EXPECT_TRUE(lexer.next().ok());
  EXPECT_TRUE(lexer.expect_end_of_line().ok());
  EXPECT_TRUE(lexer.next().ok());
  EXPECT_TRUE(lexer.expect_end_of_line().ok()) << "the end of the file ends a line";
}

// Each text lies in memory of exactly its size, so that the sanitizers see a step beyond it.
TEST(Lexer, NeverReadsBeyondTheText) {
  const std::string all = "a\t\"q\\\"\\065 x\" ( \\; ; c\r\n) \\255\\\\ \"\"\n\xef\xbb\xbf";
  for (size_t start = 0; start < all.size(); ++start) {
    for (size_t size = 0; start + size <= all.size(); ++size) {
      const auto memory = std::make_unique<char[]>(size);
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(start), size, memory.get());
      Lexer lexer(std::string_view(memory.get(), size));
      size_t steps = 0;
      for (;; ++steps) {
        ASSERT_LE(steps, all.size() + 1);
        const auto token = lexer.next();
        if (token.ok() && token.value().kind == Kind::end_of_file) break;
        if (!token.ok()) {
          lexer.skip_line();
          continue;
        }
        std::vector<u8> out(token.value().text.size());
        static_cast<void>(decode_text(token.value(), out));
      }
    }
  }
}

TEST(DecodeText, DecodesEscapes) {
  EXPECT_EQ(decoded("abc"), "abc");
  EXPECT_EQ(decoded("a\\.b\\\\c\\\"d\\ e"), "a.b\\c\"d e");
  EXPECT_EQ(decoded("\\000\\065\\255"), std::string("\0A\xff", 3));
  EXPECT_EQ(decoded("\\0651"), "A1");
  EXPECT_EQ(decoded(""), "");
}

TEST(DecodeText, RefusesBadEscapes) {
  EXPECT_EQ(decoded("a\\"), "<backslash without a character>");
  EXPECT_EQ(decoded("\\256"), "<bad escape>");
  EXPECT_EQ(decoded("\\25"), "<bad escape>");
  EXPECT_EQ(decoded("\\2"), "<bad escape>");
  EXPECT_EQ(decoded("\\2x5"), "<bad escape>");
}

TEST(DecodeText, ErrorsPointAtTheEscape) {
  Lexer lexer("  ab\\999  \"ab\\999\"");
  std::vector<u8> out(10);
  EXPECT_EQ(position(decode_text(lexer.next().value(), out).error().at), "1:5");
  EXPECT_EQ(position(decode_text(lexer.next().value(), out).error().at), "1:14");
}

TEST(DecodeText, RefusesWhatDoesNotFit) {
  std::vector<u8> out(3);
  EXPECT_EQ(decode_text(word_of("ab\\099"), out).value(), 3U);
  EXPECT_EQ(decode_text(word_of("abcd"), out).error().problem, "text is too long");
  EXPECT_EQ(decode_text(word_of("abc\\100"), out).error().problem, "text is too long");
}

TEST(SyntaxErrorText, SaysProblemFoundExpectedAndSuggestion) {
  TextBuffer<200> buffer;
  const SyntaxError full{{}, "unknown record type", "AAA", "a type mnemonic such as A, or TYPEnnn", "AAAA"};
  full.write_text(buffer.writer());
  EXPECT_EQ(buffer.view(), "unknown record type \"AAA\" (expected a type mnemonic such as A, or TYPEnnn; did you mean AAAA?)");
  buffer.writer().clear();
  SyntaxError{{}, "line ends early", {}, "a name", {}}.write_text(buffer.writer());
  EXPECT_EQ(buffer.view(), "line ends early (expected a name)");
  buffer.writer().clear();
  SyntaxError{{}, "bad", "x", {}, "y"}.write_text(buffer.writer());
  EXPECT_EQ(buffer.view(), "bad \"x\" (did you mean y?)");
}

TEST(SyntaxErrorText, EscapesControlCharactersAndCutsLongWords) {
  TextBuffer<300> buffer;
  const std::string lengthy(200, 'x');
  SyntaxError{{}, "bad", "a\nb\x7f", {}, {}}.write_text(buffer.writer());
  EXPECT_EQ(buffer.view(), "bad \"a\\010b\\127\"");
  buffer.writer().clear();
  SyntaxError{{}, "bad", lengthy, {}, {}}.write_text(buffer.writer());
  EXPECT_EQ(buffer.view(), "bad \"" + std::string(80, 'x') + "...\"");
}

}  // namespace
}  // namespace samara::dns
