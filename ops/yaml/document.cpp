#include "ops/yaml/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

#include "dns-core/text/syntax_error.h"

namespace samara::ops::yaml {

namespace {

// Copies yaml-cpp's tree into ours. What cannot be expressed is reported and left out.
class Importer {
 public:
  Importer(const std::string& file, Diagnostics& found) : file_(file), found_(found) {}

  Value import(const YAML::Node& node, size_t depth, const Value* beside) {
    Value value;
    place(value, node, beside);
    if (stopped_) return value;
    if (++count_ > max_values || depth > max_depth) {
      stopped_ = true;
      found_.error({file_, value.line, value.column}, count_ > max_values ? "too many values" : "values nested too deeply",
                   count_ > max_values ? "at most 1,000,000, aliases expanded" : "at most 16 levels");
      return value;
    }
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: break;
      case YAML::NodeType::Scalar:
        value.kind = Value::Kind::scalar;
        value.text = node.Scalar();
        value.quoted = node.Tag() == "!";
        break;
      case YAML::NodeType::Sequence:
        value.kind = Value::Kind::sequence;
        for (const auto& item : node) value.items.push_back(import(item, depth + 1, &value));
        break;
      case YAML::NodeType::Map:
        value.kind = Value::Kind::mapping;
        for (const auto& entry : node) add_entry(value, entry.first, entry.second, depth);
        break;
    }
    return value;
  }

 private:
  void add_entry(Value& mapping, const YAML::Node& key_node, const YAML::Node& value_node, size_t depth) {
    Value key = import(key_node, depth + 1, &mapping);
    Value content = import(value_node, depth + 1, &key);
    if (key.is_scalar()) {
      mapping.entries.push_back({std::move(key), std::move(content)});
    } else if (!stopped_) {
      found_.error({file_, key.line, key.column}, "a key that is not text",
                   "KEY: VALUE; texts that begin with a bracket stand in quotes");
    }
  }

  // yaml-cpp gives no position for a value that is not there; it is then as good as where its neighbour is.
  static void place(Value& value, const YAML::Node& node, const Value* beside) {
    const YAML::Mark mark = node.Mark();
    if (!mark.is_null()) {
      value.line = static_cast<u32>(mark.line + 1);
      value.column = static_cast<u32>(mark.column + 1);
    } else if (beside != nullptr) {
      value.line = beside->line;
      value.column = beside->column;
    }
  }

  const std::string& file_;
  Diagnostics& found_;
  size_t count_ = 0;
  bool stopped_ = false;
};

// Where a document begins that is not the first.
struct SecondDocument {
  YAML::Mark mark;
  bool same_place;  // as the first: the parser has read nothing in between
};

// A first pass that makes nothing. yaml-cpp (0.7) takes nothing from a document that begins with what nothing can begin with (a
// comma, say), calls it empty, and comes back to it for ever when it is asked for all documents: so it is asked for two. What
// has more values than we take is not made into nodes first.
class Fence final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (first_) throw SecondDocument{mark, mark.pos == first_->pos};
    first_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { count(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { count(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override { count(mark); }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    count(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    count(mark);
  }
  void OnMapEnd() override {}

 private:
  void count(const YAML::Mark& mark) {
    if (++values_ > 2 * max_values) throw YAML::ParserException(mark, "too many values");  // keys are values here
  }

  std::optional<YAML::Mark> first_;
  size_t values_ = 0;
};

// Throws SecondDocument, and what yaml-cpp throws.
bool has_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Fence fence;
  if (!parser.HandleNextDocument(fence)) return false;
  parser.HandleNextDocument(fence);
  return true;
}

std::optional<dns::TextPosition> first_indenting_tab(std::string_view text) {
  for (u32 line = 1; !text.empty(); ++line) {
    const std::string_view content = text.substr(0, text.find('\n'));
    const size_t begin = std::min(content.find_first_not_of(" \t"), content.size());
    const size_t tab = content.substr(0, begin).find('\t');
    // A line of blanks alone, or one that is a comment, means nothing whatever it begins with.
    if (tab != std::string_view::npos && begin != content.size() && content[begin] != '#' && content[begin] != '\r') {
      return dns::TextPosition{line, static_cast<u32>(tab + 1)};
    }
    text.remove_prefix(std::min(content.size() + 1, text.size()));
  }
  return {};
}

// The hint names what an error of YAML on this line usually comes from.
std::string hint_for(std::string_view text, const YAML::Mark& at) {
  for (int line = at.line; line > 0; --line) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  const bool has_colons = text.substr(0, text.find('\n')).find("::") != std::string_view::npos;
  return has_colons ? "well-formed YAML; IPv6 addresses stand in quotes"
                    : "well-formed YAML: a blank behind each colon, and brackets, braces and quotes that are closed, here or "
                      "above; texts "
                      "with \": \" or \"#\" stand in quotes";
}

}  // namespace

std::optional<Value> parse(std::string_view text, const std::string& file, Diagnostics& found) {
  if (text.size() > max_text) {
    found.error({file}, "too long for YAML", "at most 64 MiB");
    return {};
  }
  try {
    const std::string copy(text);
    if (!has_document(copy)) return Value{};
    const size_t errors_before = found.error_count();
    Value root = Importer(file, found).import(YAML::Load(copy), 0, nullptr);
    if (found.error_count() != errors_before) return {};
    return root;
  } catch (const SecondDocument& second) {
    found.error({file, static_cast<u32>(second.mark.line + 1), static_cast<u32>(second.mark.column + 1)},
                second.same_place ? "not YAML: nothing can begin with this" : "a second YAML document",
                second.same_place ? "KEY: VALUE" : "one document a file, without \"---\" between parts");
    return {};
  } catch (const YAML::Exception& error) {
    if (const auto tab = first_indenting_tab(text)) {
      found.error({file, tab->line, tab->column}, "a tab at the beginning of a line", "blanks: YAML does not indent with tabs");
      return {};
    }
    const bool known = !error.mark.is_null();
    found.error({file, known ? static_cast<u32>(error.mark.line + 1) : 1, known ? static_cast<u32>(error.mark.column + 1) : 1},
                "not YAML: " + error.msg, hint_for(text, error.mark));
    return {};
  }
}

std::string_view kind_name(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null: return "nothing";
    case Value::Kind::scalar: return "a single value";
    case Value::Kind::sequence: return "a list";
    case Value::Kind::mapping: return "a mapping";
  }
  return {};
}

}  // namespace samara::ops::yaml
