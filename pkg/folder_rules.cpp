#include "pkg/folder_rules.hpp"

#include "base/error.hpp"

namespace rtenv::pkg {

std::string Verdict::reason() const {
  if (rule->line == 0) return fmt::format("{}: {}", source->source(), rule->text);
  return fmt::format("{}:{}: {}", source->source(), rule->line, rule->text);
}

std::optional<Verdict> FolderRules::excluded(std::string_view path, bool directory) const {
  if (user_.includes.deciding_rule(path, directory) != nullptr) return std::nullopt;
  return semantics_ == IgnoreSemantics::ray ? excluded_as_ray(path)
                                            : excluded_as_git(path, directory);
}

std::optional<Verdict> FolderRules::excluded_as_ray(std::string_view path) const {
  const auto excluded_by = [](const IgnoreFile& file,
                              std::string_view relative) -> std::optional<Verdict> {
    const IgnoreRule* rule = file.deciding_rule(relative, false);
    if (rule == nullptr || rule->pattern.negated()) return std::nullopt;
    return Verdict{&file, rule};
  };
  if (auto verdict = excluded_by(user_.excludes, path)) return verdict;
  for (const FolderRules* folder = this; folder != nullptr; folder = folder->outer_.get())
    for (const IgnoreFile& file : folder->files_)
      if (auto verdict = excluded_by(file, folder->relative(path))) return verdict;
  return std::nullopt;
}

std::optional<Verdict> FolderRules::excluded_as_git(std::string_view path, bool directory) const {
  const auto verdict_of = [](const IgnoreFile& file,
                             const IgnoreRule* rule) -> std::optional<Verdict> {
    if (rule->pattern.negated()) return std::nullopt;
    return Verdict{&file, rule};
  };
  if (const IgnoreRule* rule = user_.excludes.deciding_rule(path, directory))
    return verdict_of(user_.excludes, rule);
  for (const FolderRules* folder = this; folder != nullptr; folder = folder->outer_.get())
    for (auto file = folder->files_.rbegin(); file != folder->files_.rend(); ++file)
      if (const IgnoreRule* rule = file->deciding_rule(folder->relative(path), directory))
        return verdict_of(*file, rule);
  return std::nullopt;
}

std::optional<Verdict> FolderRules::excludes_itself() const {
  if (semantics_ == IgnoreSemantics::git || path_.empty()) return std::nullopt;
  if (user_.includes.deciding_rule(path_, true) != nullptr) return std::nullopt;
  for (const IgnoreFile& file : files_)
    if (const IgnoreRule* rule = file.deciding_rule(".", true);
        rule != nullptr && !rule->pattern.negated())
      return Verdict{&file, rule};
  return std::nullopt;
}

}  // namespace rtenv::pkg
