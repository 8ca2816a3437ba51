#include "pkg/scan.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <mutex>
#include <optional>

#include "base/absolute_path.hpp"
#include "base/directory_reader.hpp"
#include "base/file.hpp"
#include "base/parallel.hpp"
#include "base/parallel_tree.hpp"
#include "pkg/content_source.hpp"
#include "pkg/entry_mode.hpp"
#include "pkg/rule_reader.hpp"
#include "pkg/scan_root.hpp"
#include "pkg/scanned_folder.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

using Folder = ScannedFolder;

class Scanner {
 public:
  /// The folders' rules refer to `rules`.
  Scanner(Fd root, const Path& root_path, const FileStamper& stamper, const UserRules& rules,
          const ScanOptions& options)
      : root_(std::move(root)),
        place_{root_path},
        stamper_(stamper),
        rules_(rules),
        options_(options),
        rule_reader_(root_path, stamper, options) {}

  Result<std::unique_ptr<Folder>> run() const {
    auto top = std::make_unique<Folder>();
    top->outer_rules = std::make_shared<FolderRules>(rules_, options_.semantics);
    RTENV_TRY(parallel_tree(
        top.get(), options_.threads, [] { return ThreadState{}; },
        [this](ThreadState& state, Folder* folder, std::vector<Folder*>& found) -> Result<void> {
          RTENV_TRY(check_not_cancelled(options_.cancellation, "reading", place_.path.native()));
          RTENV_TRY(enter(state, *folder));
          for (const auto& below : folder->folders) found.push_back(below.get());
          return {};
        }));
    return top;
  }

  /// Lists a folder again; false if it isn't the same or has other names. Else it gets a new stamp.
  Result<bool> relist(Folder& folder) const {
    Folder now;
    now.parent = folder.parent;
    now.path = folder.path;
    now.through_link = folder.through_link;
    now.depth = folder.depth;
    now.outer_rules = folder.outer_rules;
    ThreadState state;
    RTENV_TRY(enter(state, now));
    if (now.identity != folder.identity || now.owner_only != folder.owner_only ||
        now.excludes_itself != folder.excludes_itself || names_in(now) != names_in(folder) ||
        now.rule_files != folder.rule_files || !same_repository(now, folder))
      return false;
    folder.stamp = now.stamp;
    folder.repository = now.repository;
    return true;
  }

 private:
  struct ThreadState {
    DirectoryReader reader;
    std::string path;  // of an entry
    const Folder* parent = nullptr;
    Fd parent_fd;
  };
  // An entry that is being visited.
  struct Visit {
    const Fd& fd;  // of the folder
    Folder& folder;
    std::string_view name;  // followed by a NUL byte
    const std::string& path;
  };

  Result<Fd> open_at(const std::string& path, int flags) const {
    const int number = ::openat(root_.get(), path.empty() ? "." : path.c_str(), flags | O_CLOEXEC);
    if (number < 0) return place_.failed("open", path);
    return Fd(number);
  }

  static bool same_repository(const Folder& a, const Folder& b) {
    if (!a.repository || !b.repository) return a.repository == b.repository;
    return a.repository->says_the_same_as(*b.repository);
  }

  // The order doesn't matter.
  static FileStamp names_in(const Folder& folder) {
    FileStamp sum;
    for (const Folder::Item& item : folder.items) sum += folder.name_stamp(item);
    for (const auto& below : folder.folders) sum += FileStamp::of_name('/', below->path, {});
    return sum;
  }

  // All that is found below a folder is found in that one, whatever its path leads to meanwhile.
  Result<Fd> open_folder(ThreadState& state, const Folder& folder) const {
    if (folder.parent == nullptr) return open_at("", O_RDONLY | O_DIRECTORY);
    const Folder& parent = *folder.parent;
    if (state.parent != &parent) {
      state.parent = nullptr;
      RTENV_TRY(state.parent_fd, open_at(parent.path, O_PATH | O_DIRECTORY));
      struct stat status {};
      if (::fstat(state.parent_fd.get(), &status) != 0)
        return place_.failed("read folder", parent.path);
      if (FileIdentity{status.st_dev, status.st_ino} != parent.identity)
        return place_.changed(parent.path);
      state.parent = &parent;
    }
    Fd fd(::openat(state.parent_fd.get(), split_name(folder.path).name.data(),
                   O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return place_.failed("open", folder.path);
    return fd;
  }

  Result<void> enter(ThreadState& state, Folder& folder) const {
    RTENV_TRY(const Fd fd, open_folder(state, folder));
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
      return fail_errno("read folder", place_.shown(folder.path));
    folder.stamp = stamper_.stamp(status, folder.path);
    folder.identity = {status.st_dev, status.st_ino};
    // That of the root is the target's.
    folder.owner_only =
        folder.parent != nullptr && (folder.parent->owner_only || is_owner_only(status.st_mode));
    if (folder.through_link) RTENV_TRY(refuse_loop(folder));
    auto listed = state.reader.list(fd, place_.shown(folder.path));
    if (!listed && listed.error().code() == Errc::not_found) return place_.changed(folder.path);
    RTENV_TRY(const auto items, std::move(listed));
    folder.empty_on_disk = items.empty();
    RTENV_TRY(rule_reader_.read(fd, items, folder));
    if (const auto verdict =
            folder.rules == folder.outer_rules ? std::nullopt : folder.rules->excludes_itself()) {
      folder.excludes_itself = true;
      exclude(folder, folder.path, true, *verdict);
      return {};
    }
    folder.items.reserve(items.size());
    state.path = folder.path.empty() ? "" : folder.path + '/';
    const std::size_t name_at = state.path.size();
    for (const auto& item : items) {
      state.path.resize(name_at);
      state.path += item.name;
      RTENV_TRY(visit({fd, folder, item.name, state.path}, item.type));
    }
    return {};
  }

  // Only below a link can a folder be one of its own parents.
  Result<void> refuse_loop(const Folder& folder) const {
    for (const Folder* above = folder.parent; above != nullptr; above = above->parent)
      if (above->identity == folder.identity)
        return fail(Errc::invalid_argument,
                    "{} is a link that leads back to its own parent folder {}",
                    place_.shown(folder.path), place_.shown(above->path))
            .hint("exclude it or remove it");
    return {};
  }

  void exclude(Folder& folder, const std::string& path, bool directory,
               const Verdict& verdict) const {
    if (options_.record_excluded)
      folder.excluded.push_back({.path = path,
                                 .directory = directory,
                                 .reason = verdict.reason(),
                                 .rules = verdict.source->source()});
  }

  static void add(Folder& folder, Folder::Item item, std::string_view name,
                  std::string_view target = {}) {
    item.text_at = static_cast<std::uint32_t>(folder.texts.size());
    item.name_bytes = static_cast<std::uint32_t>(name.size());
    item.target_bytes = static_cast<std::uint32_t>(target.size());
    folder.texts.append(name).append(target);
    folder.items.push_back(item);
  }

  Result<void> visit(const Visit& at, unsigned char type) const {
    if (at.name.starts_with(k_unfinished_prefix)) return {};
    std::optional<struct stat> status;
    const auto read_status = [&](int flags) -> bool {
      return ::fstatat(at.fd.get(), at.name.data(), &status.emplace(), flags) == 0;
    };
    bool is_link = false;
    if (type == DT_UNKNOWN) {
      if (!read_status(AT_SYMLINK_NOFOLLOW)) return place_.failed("read", at.path);
      type = static_cast<unsigned char>(IFTODT(status->st_mode));
    }
    if (const auto verdict = at.folder.rules->excluded(at.path, type == DT_DIR)) {
      exclude(at.folder, at.path, type == DT_DIR, *verdict);
      return {};
    }
    if (type == DT_LNK) {
      is_link = true;
      RTENV_TRY(const bool kept, keep_link(at));
      if (kept) return {};
      if (!read_status(0)) {
        exclude_or_name(at, "a dangling link");
        return {};
      }
      type = static_cast<unsigned char>(IFTODT(status->st_mode));
    }
    if (type == DT_DIR) {
      auto below = std::make_unique<Folder>();
      below->parent = &at.folder;
      below->through_link = is_link || at.folder.through_link;
      below->depth = is_link ? 0 : at.folder.depth + 1;
      below->path = at.path;
      below->outer_rules = at.folder.rules;
      if (!is_link) {  // for git, a link is no folder, whatever it leads to
        if (const auto ignored = at.folder.rules->ignored_folder(at.path))
          below->outer_rules = FolderRules::of_ignored_folder(at.folder.rules, at.path, *ignored);
        below->is_submodule = at.folder.rules->is_submodule(at.path);
      }
      at.folder.folders.push_back(std::move(below));
    } else if (type == DT_REG) {
      if (!status && !options_.reads_status) {
        add(at.folder, {.owner_only = at.folder.owner_only}, at.name);
        return {};
      }
      if (!status && !read_status(AT_SYMLINK_NOFOLLOW)) return place_.failed("read", at.path);
      if (options_.output && status->st_dev == options_.output->device &&
          status->st_ino == options_.output->inode)
        return {};
      add(at.folder,
          {.executable = (status->st_mode & S_IXUSR) != 0,
           .owner_only = at.folder.owner_only || is_owner_only(status->st_mode),
           .size_bytes = static_cast<std::uint64_t>(status->st_size),
           .stamp = stamper_.stamp(*status, at.path)},
          at.name);
    } else {
      exclude_or_name(at, "not a file, folder or link");
    }
    return {};
  }

  Result<bool> keep_link(const Visit& at) const {
    if (options_.links == Links::follow) return false;
    std::array<char, PATH_MAX> buffer;  // no link is longer
    const ssize_t length = ::readlinkat(at.fd.get(), at.name.data(), buffer.data(), buffer.size());
    if (length < 0 && errno == EINVAL) return place_.changed(at.path);  // not a link any more
    if (length < 0) return place_.failed("read link", at.path);
    const std::string_view target(buffer.data(), static_cast<std::size_t>(length));
    if (!stays_inside(at.folder.depth, target)) return false;
    add(at.folder, {.type = EntryType::link}, at.name, target);
    return true;
  }

  void exclude_or_name(const Visit& at, std::string_view reason) const {
    if (options_.links == Links::keep)
      at.folder.excluded.push_back({.path = at.path, .reason = std::string(reason), .rules = {}});
    else
      add(at.folder, {.type = EntryType::name_only}, at.name);
  }

  Fd root_;
  ScanRoot place_;
  const FileStamper& stamper_;
  const UserRules& rules_;
  const ScanOptions& options_;
  RuleReader rule_reader_;
};

// git knows no folders, only files in them; a submodule is an entry of its own. Returns whether the
// folder is packed.
bool leave_out_folders_without_files(Folder& folder) {
  bool packed = !folder.items.empty() || folder.is_submodule;
  for (const auto& below : folder.folders)
    packed = leave_out_folders_without_files(*below) || packed;
  folder.nothing_to_pack = !packed;
  return packed;
}

}  // namespace

Scan::Scan(Path root, const FileStamper& stamper, const ScanOptions& options)
    : root_(std::move(root)),
      stamper_(stamper),
      links_(options.links),
      rules_(std::make_unique<const UserRules>(options)) {}
Scan::Scan(Scan&&) noexcept = default;
Scan& Scan::operator=(Scan&&) noexcept = default;
Scan::~Scan() = default;

Result<Scan> Scan::run(const Path& root, const ScanOptions& options) {
  if (root.empty()) return fail(Errc::invalid_argument, "the directory's path is empty");
  Path absolute = absolute_path(root);
  const int number = ::open(absolute.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0) {
    if (errno == ENOENT) return fail(Errc::not_found, "directory {} doesn't exist", root.native());
    if (errno == ENOTDIR)
      return fail(Errc::invalid_argument, "{} isn't a directory", root.native());
    return fail_errno("open folder", root.native());
  }
  Fd fd(number);
  RTENV_TRY(const auto stamper, FileStamper::begin(fd, options.settle_time));
  Scan scan(std::move(absolute), stamper, options);
  const Scanner scanner(std::move(fd), scan.root_, stamper, *scan.rules_, options);
  RTENV_TRY(scan.top_, scanner.run());
  if (options.semantics == IgnoreSemantics::git) leave_out_folders_without_files(*scan.top_);
  return scan;
}

std::vector<ScannedFolder*> Scan::changed_folders(bool also_unsettled, unsigned threads) const {
  std::vector<Folder*> changed;
  const auto root = open_file(root_, O_PATH | O_DIRECTORY);
  const auto folders = all_folders();
  if (!root) return folders;
  std::mutex mutex;
  constexpr std::size_t k_folders_per_task = 256;
  const auto is_unchanged = [&](const Folder& folder) {
    const auto has_stamp = [&](const std::string& path, const FileStamp& stamp, mode_t type) {
      struct stat status {};
      const bool found =
          ::fstatat(root->get(), path.empty() ? "." : path.c_str(), &status, 0) == 0 &&
          (status.st_mode & S_IFMT) == type;
      return (found ? stamper_.stamp(status, path) : FileStamp()) == stamp &&
             (stamp.is_settled() || !also_unsettled);
    };
    if (folder.repository && !folder.repository->is_unchanged(stamper_, also_unsettled))
      return false;
    return has_stamp(folder.path, folder.stamp, S_IFDIR) &&
           std::ranges::all_of(folder.rule_files, [&](const Folder::RuleFile& file) {
             return has_stamp(join_path(folder.path, file.name), file.stamp, S_IFREG);
           });
  };
  const auto check = [&](std::size_t task) {
    const std::size_t begin = task * k_folders_per_task;
    for (std::size_t i = begin; i < std::min(begin + k_folders_per_task, folders.size()); ++i) {
      if (is_unchanged(*folders[i])) continue;
      const std::lock_guard lock(mutex);
      changed.push_back(folders[i]);
    }
  };
  parallel_for_each((folders.size() + k_folders_per_task - 1) / k_folders_per_task, threads, check);
  return changed;
}

bool Scan::names_are_unchanged(const ScanOptions& options) {
  constexpr int k_rounds = 8;
  for (int round = 0; round < k_rounds; ++round) {
    // An unsettled stamp may be that of two states: their names count.
    const auto changed = changed_folders(round == 0, options.threads);
    if (changed.empty()) return true;
    auto root = open_file(root_, O_RDONLY | O_DIRECTORY);
    if (!root) return false;
    const Scanner scanner(std::move(*root), root_, stamper_, *rules_, options);
    for (Folder* const folder : changed)
      if (!scanner.relist(*folder).value_or(false)) return false;
  }
  return false;
}

Result<Tree> scan(const Path& root, const ScanOptions& options) {
  RTENV_TRY(const Scan found, Scan::run(root, options));
  return found.to_tree(options.threads);
}

}  // namespace rtenv::pkg
