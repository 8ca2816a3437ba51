#include "pkg/repository_rules.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/changing.hpp"
#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "pkg/git_repository.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

FileStamp stamp_of(const Path& path, const FileStamper& stamper) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? stamper.stamp(status, path.native()) : FileStamp();
}

std::string as_prefix(const Path& relative) {
  return relative.empty() || relative == "." ? "" : relative.native() + '/';
}

// libgit2 looks further up for a repository that it can read.
bool is_of(const GitRepository& repository, const Path& work_tree) {
  const char* const found = repository.git().repository_workdir(repository.get());
  std::error_code error;
  return found != nullptr && std::filesystem::equivalent(found, work_tree, error);
}

// What libgit2 1.5 can't read, by its word for it, and what to do about that.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> k_unknown_formats{
    {{"'link'", "the index is split: git update-index --no-split-index"},
     {"'sdir'", "the index is sparse: git sparse-checkout reapply --no-sparse-index"},
     {"extensions.objectformat", "libgit2 can't read a repository with SHA-256"}}};

// The error for a repository that can't be read, with what can be done about that.
Failure unreadable(Error error) {
  if (!error.hint().empty() || error.code() == Errc::unavailable || error.code() == Errc::cancelled)
    return Failure(std::move(error));
  std::string_view cause = "git's rules need the repository's index";
  for (const auto& [word, hint] : k_unknown_formats)
    if (error.message().find(word) != std::string::npos) cause = hint;
  return Failure(
      std::move(error).with_hint(fmt::format("{}; packing without .gitignore needs none", cause)));
}

Result<GitRepository> open_repository(const Path& work_tree, const GitProgram& program) {
  auto repository = GitRepository::open_work_tree(work_tree, program);
  if (!repository) return unreadable(std::move(repository).error());
  if (is_of(*repository, work_tree)) return repository;
  return unreadable(
      Error(Errc::corrupt, fmt::format("cannot read the repository of {}", work_tree.native())));
}

}  // namespace

class RepositoryRules::Loader {
 public:
  Loader(const Place& place, const FileStamper& stamper, const GitRepository& repository,
         RepositoryRules& rules)
      : place_(place), stamper_(stamper), repository_(repository), rules_(rules) {}

  Result<void> run() {
    RTENV_TRY(const GitSettings settings, GitSettings::read(repository_, place_.git));
    rules_.ignores_case_ = settings.ignore_case;
    RTENV_TRY(read_index());
    RTENV_TRY(read_folders_above());
    const Path common = repository_.git().repository_commondir(repository_.get());
    RTENV_TRY(add_file(common / "info/exclude", place_.work_tree));
    if (settings.excludes_file)
      RTENV_TRY(add_file(place_.work_tree / *settings.excludes_file, place_.work_tree));
    return {};
  }

 private:
  void watch(const Path& path) {
    rules_.watched_.push_back({.path = path, .stamp = stamp_of(path, stamper_)});
  }

  Result<void> read_index() {
    const GitLibrary& git = repository_.git();
    watch(Path(git.repository_path(repository_.get())) / "index");
    git_index* index = nullptr;
    if (git.repository_index(&index, repository_.get()) != 0)
      return unreadable(repository_.failed(
          Errc::corrupt, "cannot read the index of " + place_.work_tree.native()));
    const GitOwned<git_index> owner(index, git.index_free);
    const std::size_t count = git.index_entrycount(index);
    rules_.tracked_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const git_index_entry* entry = git.index_get_byindex(index, i);
      rules_.tracked_.push_back(
          {.path = rules_.in_index(entry->path), .submodule = entry->mode == GIT_FILEMODE_COMMIT});
    }
    std::ranges::sort(rules_.tracked_, {}, &Tracked::path);
    return {};
  }

  Result<void> read_folders_above() {
    for (Path folder = place_.folder; folder != place_.work_tree;) {
      folder = folder.parent_path();
      const Path file = folder / ".gitignore";
      std::error_code error;
      if (std::filesystem::is_symlink(file, error)) continue;  // git doesn't follow it
      RTENV_TRY(add_file(file, folder));
    }
    return {};
  }

  // The rules refer to `base`. A file that can't be read is skipped with a warning, as by git, and
  // what isn't a regular file has no rules.
  Result<void> add_file(const Path& path, const Path& base) {
    watch(path);
    std::error_code error;
    if (!rules_.watched_.back().stamp || !std::filesystem::is_regular_file(path, error)) return {};
    auto text = read_file(path, k_max_rule_file_bytes);
    if (!text && text.error().code() == Errc::not_found)
      return changed_while(path.native(), "read");
    if (!text && text.error().code() == Errc::permission_denied) {
      log::warn("{}", text.error().message());
      return {};
    }
    if (!text) return Failure(std::move(text).error());
    const Path prefix = place_.folder.lexically_relative(base);
    rules_.files_.push_back({.rules = IgnoreFile::parse(*text, shown_name_of(path),
                                                        IgnoreSemantics::git, rules_.ignores_case_),
                             .text = *text,
                             .prefix = as_prefix(prefix)});
    return {};
  }

  // Relative to the tree that is scanned, if it is in the work tree.
  [[nodiscard]] std::string shown_name_of(const Path& file) const {
    const Path in_work_tree = file.lexically_relative(place_.work_tree);
    if (in_work_tree.empty() || *in_work_tree.begin() == "..") return file.native();
    return join_path(place_.shown, file.lexically_relative(place_.folder).native());
  }

  const Place& place_;
  const FileStamper& stamper_;
  const GitRepository& repository_;
  RepositoryRules& rules_;
};

Result<std::shared_ptr<const RepositoryRules>> RepositoryRules::load(const Place& place,
                                                                     const FileStamper& stamper) {
  RTENV_TRY(const GitRepository repository, open_repository(place.work_tree, place.git));
  auto rules = std::make_shared<RepositoryRules>();
  rules->prefix_ = as_prefix(place.folder.lexically_relative(place.work_tree));
  RTENV_TRY(Loader(place, stamper, repository, *rules).run());
  return std::shared_ptr<const RepositoryRules>(std::move(rules));
}

std::string RepositoryRules::in_index(std::string path) const {
  return ignores_case_ ? lower_ascii(path) : path;
}

const RepositoryRules::Tracked* RepositoryRules::first_from(const std::string& path) const {
  const auto found = std::ranges::lower_bound(tracked_, path, {}, &Tracked::path);
  return found == tracked_.end() ? nullptr : &*found;
}

bool RepositoryRules::tracks(std::string_view path, bool directory) const {
  if (directory && is_submodule(path)) return true;
  const std::string wanted = in_index(fmt::format("{}{}{}", prefix_, path, directory ? "/" : ""));
  const Tracked* const found = first_from(wanted);
  return found != nullptr && (directory ? found->path.starts_with(wanted) : found->path == wanted);
}

bool RepositoryRules::is_submodule(std::string_view path) const {
  const std::string wanted = in_index(prefix_ + std::string(path));
  const Tracked* const found = first_from(wanted);
  return found != nullptr && found->submodule && found->path == wanted;
}

bool RepositoryRules::is_unchanged(const FileStamper& stamper, bool also_unsettled) const {
  return std::ranges::all_of(watched_, [&](const Watched& file) {
    return stamp_of(file.path, stamper) == file.stamp &&
           (!also_unsettled || !file.stamp || file.stamp.is_settled());
  });
}

bool RepositoryRules::says_the_same_as(const RepositoryRules& other) const {
  const auto same_file = [](const OuterFile& a, const OuterFile& b) {
    return a.text == b.text && a.prefix == b.prefix && a.rules.source() == b.rules.source();
  };
  return prefix_ == other.prefix_ && ignores_case_ == other.ignores_case_ &&
         tracked_ == other.tracked_ && std::ranges::equal(files_, other.files_, same_file);
}

}  // namespace rtenv::pkg
