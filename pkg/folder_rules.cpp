#include "pkg/folder_rules.hpp"

#include "base/error.hpp"

namespace rtenv::pkg {
namespace {

bool is_git(const ScanOptions& options) { return options.semantics == IgnoreSemantics::git; }

std::vector<std::string> excludes_of(const ScanOptions& options) {
  if (is_git(options)) return options.excludes;
  std::vector<std::string> patterns = options.default_excludes;
  patterns.insert(patterns.end(), options.excludes.begin(), options.excludes.end());
  return patterns;
}

IgnoreFile parse(const ScanOptions& options, const std::vector<std::string>& patterns,
                 const char* source) {
  return IgnoreFile::from_patterns(patterns, source, options.semantics);
}

}  // namespace

UserRules::UserRules(const ScanOptions& options)
    : excludes(parse(options, excludes_of(options), "excludes")),
      includes(parse(options, options.includes, "includes")),
      git_defaults(parse(options,
                         is_git(options) ? options.default_excludes : std::vector<std::string>(),
                         "excludes")),
      git_folder(parse(
          options, is_git(options) ? std::vector<std::string>{".git"} : std::vector<std::string>(),
          "git")) {}

std::string Verdict::reason() const {
  if (rule->line == 0) return fmt::format("{}: {}", source->source(), rule->text);
  return fmt::format("{}:{}: {}", source->source(), rule->line, rule->text);
}

std::optional<Verdict> FolderRules::excluded(std::string_view path, bool directory) const {
  if (const IgnoreRule* rule = user_.git_folder.deciding_rule(path, directory))
    return Verdict{&user_.git_folder, rule};
  if (user_.includes.deciding_rule(path, directory) != nullptr) return std::nullopt;
  return semantics_ == IgnoreSemantics::ray ? excluded_as_ray(path)
                                            : excluded_as_git(path, directory);
}

std::optional<Verdict> FolderRules::excluded_as_ray(std::string_view path) const {
  const auto excluded_by = [](const IgnoreFile& file, std::string_view relative,
                              bool of_git) -> std::optional<Verdict> {
    const IgnoreRule* rule = file.deciding_rule(relative, false);
    if (rule == nullptr || rule->pattern.negated()) return std::nullopt;
    return Verdict{&file, rule, of_git};
  };
  if (auto verdict = excluded_by(user_.excludes, path, false)) return verdict;
  for (const FolderRules* folder = this; folder != nullptr; folder = folder->outer_.get())
    for (const FolderFile& file : folder->files_)
      if (auto verdict = excluded_by(file.rules, folder->relative(path), file.of_git))
        return verdict;
  return std::nullopt;
}

std::optional<Verdict> FolderRules::excluded_as_git(std::string_view path, bool directory) const {
  auto verdict = ignored_from_above();
  if (!verdict) verdict = last_match(path, directory, false);
  if (!verdict || !verdict->of_git || !tracks(path, directory)) return verdict;
  return last_match(path, directory, true);
}

// The last matching rule of all sources; nullopt if it includes the path. For a tracked path, the
// rules of git don't count.
std::optional<Verdict> FolderRules::last_match(std::string_view path, bool directory,
                                               bool tracked) const {
  const auto verdict_of = [](const IgnoreFile& file, const IgnoreRule* rule,
                             bool of_git) -> std::optional<Verdict> {
    if (rule->pattern.negated()) return std::nullopt;
    return Verdict{&file, rule, of_git};
  };
  if (const IgnoreRule* rule = user_.excludes.deciding_rule(path, directory))
    return verdict_of(user_.excludes, rule, false);
  bool git_counts = !tracked;
  for (const FolderRules* folder = this; folder != nullptr; folder = folder->outer_.get()) {
    const std::string_view relative = folder->relative(path);
    for (auto file = folder->files_.rbegin(); file != folder->files_.rend(); ++file) {
      if (file->of_git && !git_counts) continue;
      if (const IgnoreRule* rule = file->rules.deciding_rule(relative, directory))
        return verdict_of(file->rules, rule, file->of_git);
    }
    if (folder->repository_ == nullptr || !git_counts) continue;
    for (const RepositoryRules::OuterFile& file : folder->repository_->files())
      if (const IgnoreRule* rule =
              file.prefix.empty()
                  ? file.rules.deciding_rule(relative, directory)
                  : file.rules.deciding_rule(file.prefix + std::string(relative), directory))
        return verdict_of(file.rules, rule, true);
    git_counts = false;  // what is further out is another repository
  }
  if (tracked) return std::nullopt;
  if (const IgnoreRule* rule = user_.git_defaults.deciding_rule(path, directory))
    return verdict_of(user_.git_defaults, rule, true);
  return std::nullopt;
}

const FolderRules* FolderRules::repository_top() const {
  const FolderRules* folder = this;
  while (folder != nullptr && folder->repository_ == nullptr) folder = folder->outer_.get();
  return folder;
}

// A repository outside may track files in this one's folder, which was made later.
bool FolderRules::tracks(std::string_view path, bool directory) const {
  for (const FolderRules* folder = this; folder != nullptr; folder = folder->outer_.get())
    if (folder->repository_ != nullptr &&
        folder->repository_->tracks(folder->relative(path), directory))
      return true;
  return false;
}

bool FolderRules::ignores_case() const {
  const FolderRules* const top = repository_top();
  return top != nullptr && top->repository_->ignores_case();
}

bool FolderRules::is_submodule(std::string_view path) const {
  const FolderRules* const top = repository_top();
  return top != nullptr && top->repository_->is_submodule(top->relative(path));
}

std::optional<Verdict> FolderRules::ignored_from_above() const {
  for (const FolderRules* folder = this; folder != nullptr && folder->repository_ == nullptr;
       folder = folder->outer_.get())
    if (folder->ignored_) return folder->ignored_;
  return std::nullopt;
}

std::optional<Verdict> FolderRules::ignored_folder(std::string_view path) const {
  if (repository_top() == nullptr || ignored_from_above()) return std::nullopt;
  if (user_.includes.deciding_rule(path, true) != nullptr) return std::nullopt;
  return last_match(path, true, false);
}

std::shared_ptr<const FolderRules> FolderRules::of_ignored_folder(
    std::shared_ptr<const FolderRules> outer, std::string path, const Verdict& ignored) {
  auto rules =
      std::make_shared<FolderRules>(std::move(outer), std::move(path), std::vector<FolderFile>());
  rules->ignored_ = ignored;
  return rules;
}

std::optional<Verdict> FolderRules::excludes_itself() const {
  if (semantics_ == IgnoreSemantics::git || path_.empty()) return std::nullopt;
  if (user_.includes.deciding_rule(path_, true) != nullptr) return std::nullopt;
  for (const FolderFile& file : files_)
    if (const IgnoreRule* rule = file.rules.deciding_rule(".", true);
        rule != nullptr && !rule->pattern.negated())
      return Verdict{&file.rules, rule, file.of_git};
  return std::nullopt;
}

}  // namespace rtenv::pkg
