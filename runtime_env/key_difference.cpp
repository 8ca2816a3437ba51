#include "runtime_env/key_difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "base/json_text.hpp"
#include "runtime_env/project_name.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

constexpr std::string_view k_digest = "sha256:";

// The fields of a key's parts whose names aren't words for people.
struct Word {
  std::string_view field;
  std::string_view word;
};
constexpr std::array<Word, 7> k_words{{{"requirements", "requirement"},
                                       {"constraints", "constraint"},
                                       {"options", "option"},
                                       {"settings", "setting"},
                                       {"installer_version", "installer version"},
                                       {"inherits", "inherited packages"},
                                       {"key_version", "key version"}}};

std::string word_for(const std::string& field) {
  const auto* const known = std::ranges::find(k_words, field, &Word::field);
  return std::string(known == k_words.end() ? std::string_view(field) : known->word);
}

std::string value_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : json_text(value);
}

// A list's items as text. An item that stands for files becomes one text for each file.
std::vector<std::string> texts_of(const json& list) {
  std::vector<std::string> texts;
  for (const json& item : list) {
    if (!item.is_object()) {
      texts.push_back(value_text(item));
      continue;
    }
    const bool is_folder = item.contains("find-links");
    const json files = item.value(is_folder ? "find-links" : "content", json());
    const json name = is_folder ? json("--find-links ") : item.value("option", json(""));
    if (files.empty()) texts.push_back(value_text(item));
    for (const json& file : files) texts.push_back(value_text(name) + value_text(file));
  }
  return texts;
}

// Two items with the same subject are versions of one thing.
std::string subject_of(const std::string& item) {
  if (item.starts_with('-')) return item.substr(0, std::min(item.find('='), item.find(k_digest)));
  return project_name(item);
}

// Removes what both have, each item as often as both have it.
void remove_common(std::vector<std::string>& a, std::vector<std::string>& b) {
  std::erase_if(a, [&](const std::string& item) {
    const auto same = std::ranges::find(b, item);
    if (same == b.end()) return false;
    b.erase(same);
    return true;
  });
}

class Comparison {
 public:
  std::vector<KeyDifference> differences;

  void compare(const std::string& part, const json& before, const json& after) {
    if (before == after) return;
    if (before.is_array() || after.is_array())
      compare_lists(part, before, after);
    else if (before.is_object() || after.is_object())
      compare_objects(part, before, after);
    else
      add(part, before, after);
  }

  // `part`: of the whole; its fields are named after it.
  void compare_objects(const std::string& part, const json& before, const json& after) {
    std::set<std::string> fields;
    for (const json* object : {&before, &after})
      if (object->is_object())
        for (const auto& [field, value] : object->items()) fields.insert(field);
    for (const std::string& field : fields) {
      const json old = before.is_object() ? before.value(field, json()) : json();
      const json now = after.is_object() ? after.value(field, json()) : json();
      if (field == "later_phases")
        compare_phases(old, now);
      else if (part == "setting" && field == "files")
        compare("configuration file", old, now);
      else
        compare(part.empty() ? word_for(field) : fmt::format("{} {}", part, word_for(field)), old,
                now);
    }
  }

 private:
  void compare_phases(const json& before, const json& after) {
    const auto phase = [](const json& phases, std::size_t i) {
      return phases.is_array() && i < phases.size() ? phases[i] : json();
    };
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i)
      compare(fmt::format("phase {}", i + 2), phase(before, i), phase(after, i));
  }

  // Null or a scalar counts as a list of its own.
  void compare_lists(const std::string& part, const json& before, const json& after) {
    const auto list_of = [](const json& value) {
      return value.is_array() || value.is_null() ? value : json::array({value});
    };
    std::vector<std::string> removed = texts_of(list_of(before));
    std::vector<std::string> added = texts_of(list_of(after));
    remove_common(removed, added);
    if (removed.empty() && added.empty())
      return add(before.empty() ? part : fmt::format("order of {}s", part), before, after);
    for (const std::string& old : removed) {
      const auto changed = std::ranges::find(added, subject_of(old), subject_of);
      differences.push_back({part, old, std::nullopt});
      if (changed == added.end()) continue;
      differences.back().after = *changed;
      added.erase(changed);
    }
    for (const std::string& item : added) differences.push_back({part, std::nullopt, item});
  }

  void add(const std::string& part, const json& before, const json& after) {
    const auto text_of = [](const json& value) {
      return value.is_null() ? std::nullopt : std::optional(value_text(value));
    };
    differences.push_back({part, text_of(before), text_of(after)});
  }
};

std::string with_short_digests(std::string text) {
  constexpr std::size_t k_shown = 12;
  for (auto at = text.find(k_digest); at != std::string::npos; at = text.find(k_digest, at + 1)) {
    const auto begin = at + k_digest.size();
    const auto end = std::min(text.find_first_not_of("0123456789abcdef", begin), text.size());
    if (end - begin > k_shown) text.replace(begin + k_shown, end - begin - k_shown, "…");
  }
  return text;
}

std::set<std::string> projects_of(const json& parts) {
  std::set<std::string> projects;
  if (!parts.is_object()) return projects;
  for (const std::string& text : texts_of(parts.value("requirements", json())))
    projects.insert(project_name(text));
  return projects;
}

}  // namespace

std::vector<KeyDifference> key_differences(const json& before, const json& after) {
  Comparison comparison;
  comparison.compare_objects("", before, after);
  return std::move(comparison.differences);
}

std::string to_text(const KeyDifference& difference) {
  const auto& [part, before, after] = difference;
  std::string text = !before  ? fmt::format("{} {} (added)", part, *after)
                     : !after ? fmt::format("{} {} (removed)", part, *before)
                              : fmt::format("{} {} (was {})", part, *after, *before);
  return with_short_digests(std::move(text));
}

bool have_common_requirement(const json& a, const json& b) {
  const auto projects = projects_of(b);
  return std::ranges::any_of(projects_of(a),
                             [&](const std::string& name) { return projects.contains(name); });
}

}  // namespace rtenv::runtime_env
