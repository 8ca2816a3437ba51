#include "server/state_folder.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/hash.hpp"
#include "base/unique_name.hpp"
#include "server/predecessor.hpp"

namespace rtenv::server {
namespace {

constexpr std::size_t k_node_id_digits = 56;  // as long as Ray's
constexpr std::size_t k_owner_digits = 16;
constexpr const char* k_node_id = "node-id";
constexpr const char* k_jobs = "jobs.db";
constexpr std::array<const char*, 5> k_files{"lock", k_jobs, k_node_id, "audit.log",
                                             "supervisors.log"};

// Whoever may write there could name the commands that this server runs.
Result<void> check_owner(const Path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno("look at", path.native());
  }
  if (S_ISLNK(status.st_mode))
    return fail(Errc::permission_denied, "{} is a symbolic link", path.native())
        .hint("name the folder itself");
  if (status.st_uid != ::geteuid())
    return fail(Errc::permission_denied, "{} belongs to the user with the id {}, not to {}",
                path.native(), status.st_uid, ::geteuid())
        .hint("use another state folder");
  return {};
}

// Of a pipe, each job would wait for its reader.
Result<void> check_is_file(const Path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return {};
  return fail(Errc::invalid_argument, "{} isn't a file", path.native())
      .hint("remove it, or use another state folder");
}

// Fails: not_found, corrupt.
Result<std::string> known_node_id(const Path& folder) {
  auto id = read_file(folder / k_node_id);
  if (id && id->size() != k_node_id_digits)
    return fail(Errc::corrupt, "the node-id of {} is damaged", folder.native());
  return id;
}

// A folder of somebody else's would get files of a server, and other permissions; and what is in
// its jobs/ might be taken for leftovers.
Result<void> check_content(const Path& folder) {
  if (known_node_id(folder)) return {};
  // Without its node-id: of a server that was killed at its first start, or from a backup.
  const auto is_own = [](const FolderEntry& entry) {
    const std::string name = entry.name();
    if (name == "jobs")
      return std::ranges::all_of(readable_entries(entry.path),
                                 [](const FolderEntry& job) { return is_unique_name(job.name()); });
    return name.starts_with(k_jobs) || std::ranges::find(k_files, name) != k_files.end();
  };
  if (std::ranges::all_of(readable_entries(folder), is_own)) return {};
  return fail(Errc::invalid_argument, "{} has other files, but no state of a job server",
              folder.native())
      .hint("use an empty folder, or one that doesn't exist yet");
}

Result<void> make_private_folder(const Path& folder) {
  RTENV_TRY(make_directories(folder));
  RTENV_TRY(check_owner(folder));
  if (::chmod(folder.c_str(), 0700) != 0) return fail_errno("protect", folder.native());
  return {};
}

Result<std::string> node_id(const Path& folder) {
  if (auto known = known_node_id(folder)) return known;
  std::string id = sha256_hex(unique_name()).substr(0, k_node_id_digits);
  RTENV_TRY(auto written, AtomicFile::create(folder / k_node_id, 0600));
  RTENV_TRY(written.write(id));
  RTENV_TRY(written.commit());
  return id;
}

}  // namespace

bool has_state(const Path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / k_node_id, error) ||
         std::filesystem::exists(folder / k_jobs, error);
}

Result<StateFolder> open_state_folder(const Path& folder) {
  RTENV_TRY(check_owner(folder / "jobs"));
  for (const char* file : k_files) {
    RTENV_TRY(check_owner(folder / file));
    RTENV_TRY(check_is_file(folder / file));
  }
  RTENV_TRY(check_content(folder));
  RTENV_TRY(make_private_folder(folder));
  Result<std::optional<LockFile>> attempt = std::nullopt;
  const auto is_decided = [&] {
    attempt = LockFile::try_acquire(folder / "lock");
    return !attempt || *attempt;
  };
  if (!free_after_predecessor(is_decided))
    return fail(Errc::unavailable, "another server uses the state in {}", folder.native())
        .hint("stop the other server, or use another state folder");
  RTENV_TRY(auto lock, std::move(attempt));
  RTENV_TRY(auto id, node_id(folder));
  RTENV_TRY(make_private_folder(folder / "jobs"));
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return fail_errno("look at", folder.native());
  std::string owner = fmt::format("{}-{:x}", id.substr(0, k_owner_digits), status.st_ino);
  return StateFolder{.lock = std::move(*lock), .node_id = std::move(id), .owner = std::move(owner)};
}

Result<std::unordered_set<std::string>> job_folders(const Path& state_folder) {
  const Path jobs = state_folder / "jobs";
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(jobs.c_str()), ::closedir);
  if (!entries) return fail_errno("list", jobs.native());
  std::unordered_set<std::string> names;
  while (const dirent* const entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace(name);
  }
  return names;
}

}  // namespace rtenv::server
