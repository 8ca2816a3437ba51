#include "pkg/repository_files.hpp"

#include <sys/stat.h>

#include <set>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/text.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::uint64_t k_max_config_bytes = 16 << 20;

using FileType = std::filesystem::file_type;

Result<void> check_type(const Path& path, FileType type) {
  if (type != FileType::fifo && type != FileType::character && type != FileType::block) return {};
  return fail(Errc::corrupt, "{} is a pipe or device where git needs a file", path.native())
      .hint("remove it if nothing needs it");
}

// Or no folder, or of another user.
bool is_missing(Errc code) {
  return code == Errc::not_found || code == Errc::invalid_argument ||
         code == Errc::permission_denied;
}

// An empty text if there is no such file.
Result<std::string> read_if_there(const Path& path) {
  auto text = read_file(path, k_max_config_bytes);
  if (!text && text.error().code() == Errc::not_found) return std::string();
  return text;
}

class Walk {
 public:
  explicit Walk(const Cancellation* cancellation) : cancellation_(cancellation) {}

  // The folders below that libgit2 reads; hooks, nested repositories and others aren't.
  Result<void> repository(const Path& folder) {
    RTENV_TRY(visit(folder, false));
    for (const char* name : {"info", "logs", "objects", "refs"})
      RTENV_TRY(visit(folder / name, true));
    return alternates(folder / "objects");
  }

 private:
  Result<void> visit(const Path& folder, bool whole) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return {};
    if (whole && !seen_.emplace(status.st_dev, status.st_ino).second) return {};
    RTENV_TRY(check_not_cancelled(cancellation_, "reading", folder.native()));
    const auto entries = folder_entries(folder);
    if (!entries && is_missing(entries.error().code())) return {};
    if (!entries) return Failure(entries.error());
    for (const FolderEntry& entry : *entries) {
      std::error_code unknown;
      const FileType type = std::filesystem::status(entry.path, unknown).type();
      RTENV_TRY(check_type(entry.path, type));
      if (whole && type == FileType::directory) RTENV_TRY(visit(entry.path, true));
    }
    return {};
  }

  // Other folders of objects. libgit2 takes some that are relative for relative to the current one.
  Result<void> alternates(const Path& objects) {
    RTENV_TRY(const std::string text, read_if_there(objects / "info/alternates"));
    for (const std::string_view line : split(text, '\n')) {
      if (line.empty()) continue;
      for (const Path& other : {objects / line, Path(line)}) {
        const bool is_new = !seen_.contains(identity(other));
        RTENV_TRY(visit(other, true));
        if (is_new) RTENV_TRY(alternates(other));
      }
    }
    return {};
  }

  using Identity = std::pair<dev_t, ino_t>;
  static Identity identity(const Path& path) {
    struct stat status {};
    ::stat(path.c_str(), &status);
    return {status.st_dev, status.st_ino};
  }

  const Cancellation* cancellation_;
  std::set<Identity> seen_;
};

Result<void> check_includes(const RepositoryPlace& place, const GitProgram& program) {
  for (const Path& file : {place.common_dir / "config", place.git_dir / "config.worktree"}) {
    RTENV_TRY(const std::string text, read_if_there(file));
    if (lower_ascii(text).find("[include") == std::string::npos) continue;
    if (!program.exists()) return needs_git_program("what " + file.native() + " includes");
    RTENV_TRY(const auto answer, program.ask(place.top, {"--git-dir", place.git_dir.native(),
                                                         "rev-parse", "--is-bare-repository"}));
    if (answer.exit_code != 0)
      return fail(Errc::corrupt, "git can't read the repository of {}: {}", place.top.native(),
                  answer.errors);
  }
  return {};
}

}  // namespace

Result<void> check_repository_files(const RepositoryPlace& place, const GitProgram& program) {
  Walk walk(program.cancellation());
  RTENV_TRY(walk.repository(place.git_dir));
  if (place.common_dir != place.git_dir) RTENV_TRY(walk.repository(place.common_dir));
  return check_includes(place, program);
}

Result<void> check_openable(const Path& path) {
  std::error_code missing;
  return check_type(path, std::filesystem::status(path, missing).type());
}

}  // namespace rtenv::pkg
