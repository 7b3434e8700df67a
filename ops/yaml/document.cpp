#include "ops/yaml/document.h"

#include <yaml-cpp/yaml.h>

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

}  // namespace

std::optional<Value> parse(std::string_view text, const std::string& file, Diagnostics& found) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      const YAML::Mark mark = documents.at(1).Mark();
      found.error({file, static_cast<u32>(mark.line + 1), static_cast<u32>(mark.column + 1)}, "a second YAML document",
                  "one document a file, without \"---\" between parts");
      return {};
    }
    const size_t errors_before = found.error_count();
    Value root = documents.empty() ? Value{} : Importer(file, found).import(documents.front(), 0, nullptr);
    if (found.error_count() != errors_before) return {};
    return root;
  } catch (const YAML::Exception& error) {
    const bool known = !error.mark.is_null();
    found.error({file, known ? static_cast<u32>(error.mark.line + 1) : 1, known ? static_cast<u32>(error.mark.column + 1) : 1},
                "not YAML: " + error.msg, "well-formed YAML; IPv6 addresses and texts with \": \" or \"#\" stand in quotes");
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
