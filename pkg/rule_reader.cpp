#include "pkg/rule_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "base/changing.hpp"
#include "pkg/repository_rules.hpp"
#include "pkg/tree_path.hpp"
#include "pkg/work_tree.hpp"

namespace rtenv::pkg {

Result<void> RuleReader::read(const Fd& fd, std::span<const DirectoryReader::Item> items,
                              ScannedFolder& folder) const {
  folder.rules = folder.outer_rules;
  const auto has = [&](std::string_view name) {
    return std::ranges::find(items, name, &DirectoryReader::Item::name) != items.end();
  };
  RTENV_TRY(folder.repository, repository_of(folder, has(".git")));
  const bool ignores_case =
      folder.repository ? folder.repository->ignores_case() : folder.outer_rules->ignores_case();
  std::vector<FolderFile> files;
  for (const std::string_view name : k_ignore_files) {
    const bool of_git = name == ".gitignore";
    if ((of_git && !options_.use_gitignore) || !has(name)) continue;
    const std::string path = join_path(folder.path, name);
    RTENV_TRY(const auto text, retry_if_changed(k_retries_of_file,
                                                [&] { return read_file(fd, name, path, folder); }));
    if (text)
      files.push_back(
          {.rules = IgnoreFile::parse(*text, path, options_.semantics, of_git && ignores_case),
           .of_git = of_git});
  }
  if (files.empty() && !folder.repository) return {};
  folder.rules = std::make_shared<FolderRules>(folder.outer_rules, folder.path, std::move(files),
                                               folder.repository);
  return {};
}

// The repository that the root is in, or that another folder is; null if there is none.
Result<FolderRules::Repository> RuleReader::repository_of(const ScannedFolder& folder,
                                                          bool has_dot_git) const {
  const FolderRules::Repository none;
  if (options_.semantics != IgnoreSemantics::git || !options_.use_gitignore) return none;
  const bool is_root = folder.parent == nullptr;
  if (!is_root && !has_dot_git) return none;
  std::error_code error;
  const Path path = std::filesystem::canonical(root_.path / folder.path, error);
  if (error) return root_.changed(folder.path);
  std::optional<Path> work_tree;
  if (is_root)
    work_tree = find_work_tree(path);
  else if (is_work_tree(path))
    work_tree = path;
  if (!work_tree) return none;
  const GitProgram git(options_.git_environment, options_.cancellation);
  return RepositoryRules::load(
      {.work_tree = *work_tree, .folder = path, .shown = folder.path, .git = git}, stamper_);
}

// The text of one state of the file, which is remembered; nullopt if it isn't a regular file.
Result<std::optional<std::string>> RuleReader::read_file(const Fd& fd, std::string_view name,
                                                         const std::string& path,
                                                         ScannedFolder& folder) const {
  // git doesn't follow a link here.
  const bool follow = options_.semantics == IgnoreSemantics::ray || name != ".gitignore";
  struct stat status {};
  if (::fstatat(fd.get(), name.data(), &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(status.st_mode)) {
    folder.rule_files.push_back({.name = name, .stamp = {}});
    return std::nullopt;
  }
  // O_NONBLOCK: a FIFO may have replaced it.
  const Fd file(::openat(fd.get(), name.data(),
                         O_RDONLY | O_NONBLOCK | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)));
  if (!file) return root_.failed("open", path);
  struct stat opened {};
  if (::fstat(file.get(), &opened) != 0) return root_.failed("read", path);
  if (!S_ISREG(opened.st_mode)) return root_.changed(path);
  if (opened.st_size > static_cast<off_t>(k_max_rule_file_bytes))
    return fail(Errc::invalid_argument, "{} is too large for a file with rules: {} bytes",
                root_.shown(path), opened.st_size);
  RTENV_TRY(std::string text, read_to_end(file, root_.shown(path)));
  const FileStamp stamp = stamper_.stamp(opened, path);
  if (::fstat(file.get(), &status) != 0 || stamper_.stamp(status, path) != stamp)
    return root_.changed(path);
  folder.rule_files.push_back(
      {.name = name, .stamp = stamp, .digest = Xxh3::of(std::as_bytes(std::span(text)))});
  return text;
}

}  // namespace rtenv::pkg
