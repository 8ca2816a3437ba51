#include "pkg/scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>

#include "base/directory_stream.hpp"
#include "pkg/ignore.hpp"

namespace rtenv::pkg {
namespace {

// A folder on the way down: which rules hold in it, and who its parents are.
struct Folder {
  std::shared_ptr<const Folder> parent;
  std::string path;  // empty for the root
  dev_t device = 0;
  ino_t inode = 0;
  std::vector<IgnoreFile> rules;  // of this folder's own ignore files
};

constexpr std::array<const char*, 2> k_ignore_files{".gitignore", ".rayignore"};

std::string join(const std::string& folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  return path.append(folder).append(1, '/').append(name);
}

class Scanner {
 public:
  Scanner(Fd root, Tree& tree, const ScanOptions& options)
      : root_(std::move(root)),
        tree_(tree),
        options_(options),
        excludes_(IgnoreFile::from_patterns(options.excludes, "excludes")) {}

  Result<void> run() {
    pending_.push_back({});
    while (!pending_.empty()) {
      if (options_.cancellation != nullptr && options_.cancellation->requested())
        return fail(Errc::cancelled, "interrupted while reading {}", tree_.root.native());
      Pending next = std::move(pending_.back());
      pending_.pop_back();
      RTENV_TRY(enter(next));
    }
    return {};
  }

 private:
  struct Pending {
    std::shared_ptr<const Folder> parent;
    std::string path;
  };
  struct Child {
    std::string name;
    unsigned char type;  // of readdir, DT_UNKNOWN included
  };

  [[nodiscard]] Path shown(const std::string& path) const { return path.empty() ? tree_.root : tree_.root / path; }

  Result<Fd> open_at(const std::string& path, int flags) const {
    const int number = ::openat(root_.get(), path.empty() ? "." : path.c_str(), flags | O_CLOEXEC);
    if (number < 0) return fail_errno("open", shown(path).native());
    return Fd(number);
  }

  Result<void> enter(const Pending& pending) {
    RTENV_TRY(Fd fd, open_at(pending.path, O_RDONLY | O_DIRECTORY));
    auto folder = std::make_shared<Folder>(Folder{.parent = pending.parent, .path = pending.path, .rules = {}});
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return fail_errno("read folder", shown(folder->path).native());
    folder->device = status.st_dev;
    folder->inode = status.st_ino;
    RTENV_TRY(refuse_loop(*folder));
    RTENV_TRY(const auto children, list(std::move(fd), folder->path));
    RTENV_TRY(read_rules(children, *folder));
    if (!folder->path.empty()) {
      // Ray asks a folder's own files about the folder itself, too: "*" in build/.gitignore excludes build.
      if (const auto reason = excluded_by(folder->rules, *folder, folder->path)) {
        record({.path = folder->path, .directory = true, .reason = *reason});
        return {};
      }
      tree_.entries.push_back({.path = folder->path, .type = EntryType::directory, .childless = true, .link_target = {}});
    }
    for (const Child& child : children) RTENV_TRY(visit(folder, child));
    return {};
  }

  // Only a link can lead back to a parent; comparing identities is cheap enough to do it for every folder.
  Result<void> refuse_loop(const Folder& folder) const {
    for (const Folder* above = folder.parent.get(); above != nullptr; above = above->parent.get())
      if (above->device == folder.device && above->inode == folder.inode)
        return fail(Errc::invalid_argument, "{} is a link that leads back to its own parent folder {}",
                    shown(folder.path).native(), shown(above->path).native())
            .hint("exclude it or remove it");
    return {};
  }

  Result<std::vector<Child>> list(Fd fd, const std::string& path) const {
    RTENV_TRY(const auto stream, list_directory(std::move(fd), shown(path)));
    std::vector<Child> children;
    errno = 0;
    while (const dirent* entry = next_entry(stream.get())) {
      children.push_back({entry->d_name, entry->d_type});
      errno = 0;
    }
    if (errno != 0) return fail_errno("read folder", shown(path).native());
    return children;
  }

  Result<void> read_rules(const std::vector<Child>& children, Folder& folder) const {
    for (const char* file_name : k_ignore_files) {
      if (!options_.use_gitignore && std::strcmp(file_name, ".gitignore") == 0) continue;
      if (std::ranges::find(children, file_name, &Child::name) == children.end()) continue;
      const std::string path = join(folder.path, file_name);
      struct stat status {};
      if (::fstatat(root_.get(), path.c_str(), &status, 0) != 0 || !S_ISREG(status.st_mode)) continue;
      RTENV_TRY(const Fd fd, open_at(path, O_RDONLY));
      RTENV_TRY(const std::string content, read_to_end(fd, shown(path).native()));
      folder.rules.push_back(IgnoreFile::parse(content, path));
    }
    return {};
  }

  // `path` is judged by the rules of one folder, whose paths are relative to it.
  static std::optional<std::string> excluded_by(const std::vector<IgnoreFile>& files, const Folder& folder,
                                                std::string_view path) {
    const std::string_view relative = path == folder.path   ? "."
                                      : folder.path.empty() ? path
                                                            : path.substr(folder.path.size() + 1);
    for (const IgnoreFile& file : files)
      if (const IgnoreRule* rule = file.deciding_rule(relative); rule != nullptr && !rule->pattern.negated())
        return fmt::format("{}:{}: {}", file.source(), rule->line, rule->text);
    return std::nullopt;
  }

  std::optional<std::string> excluded(const Folder& folder, const std::string& path) const {
    if (const IgnoreRule* rule = excludes_.deciding_rule(path); rule != nullptr && !rule->pattern.negated())
      return fmt::format("excludes: {}", rule->text);
    for (const Folder* above = &folder; above != nullptr; above = above->parent.get())
      if (auto reason = excluded_by(above->rules, *above, path)) return reason;
    return std::nullopt;
  }

  void record(Excluded excluded) {
    if (options_.record_excluded) tree_.excluded.push_back(std::move(excluded));
  }

  Result<void> visit(const std::shared_ptr<const Folder>& folder, const Child& child) {
    Entry entry{.path = join(folder->path, child.name), .link_target = {}};
    if (const auto reason = excluded(*folder, entry.path)) {
      record({.path = entry.path, .directory = child.type == DT_DIR, .reason = *reason});
      return {};
    }
    if (child.type == DT_DIR) {
      pending_.push_back({folder, std::move(entry.path)});
      return {};
    }
    struct stat status {};
    if (::fstatat(root_.get(), entry.path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("read", shown(entry.path).native());
    if (S_ISLNK(status.st_mode)) {
      RTENV_TRY(const bool kept, keep_link(entry, status));
      if (kept) return {};
      if (::fstatat(root_.get(), entry.path.c_str(), &status, 0) != 0) {
        count_by_name(std::move(entry), "a link to nothing");
        return {};
      }
    }
    if (S_ISDIR(status.st_mode)) {
      pending_.push_back({folder, std::move(entry.path)});
    } else if (S_ISREG(status.st_mode)) {
      entry.executable = (status.st_mode & S_IXUSR) != 0;
      entry.size_bytes = static_cast<std::uint64_t>(status.st_size);
      tree_.entries.push_back(std::move(entry));
    } else {
      count_by_name(std::move(entry), "not a file, a folder or a link");
    }
    return {};
  }

  Result<bool> keep_link(Entry& entry, const struct stat& status) {
    if (options_.links == Links::follow) return false;
    std::string target(static_cast<std::size_t>(std::max<off_t>(status.st_size, 255)) + 1, '\0');
    const ssize_t length = ::readlinkat(root_.get(), entry.path.c_str(), target.data(), target.size());
    if (length < 0) return fail_errno("read link", shown(entry.path).native());
    target.resize(static_cast<std::size_t>(length));
    if (!stays_inside(entry.path, target)) return false;
    entry.type = EntryType::link;
    entry.link_target = std::move(target);
    tree_.entries.push_back(std::move(entry));
    return true;
  }

  void count_by_name(Entry entry, std::string_view reason) {
    if (options_.links == Links::keep) {
      tree_.excluded.push_back({.path = std::move(entry.path), .reason = std::string(reason)});
      return;
    }
    entry.type = EntryType::name_only;
    tree_.entries.push_back(std::move(entry));
  }

  Fd root_;
  Tree& tree_;
  const ScanOptions& options_;
  IgnoreFile excludes_;
  std::vector<Pending> pending_;
};

// A directory has a child in the package where the next entry, in sorted order, begins with its path and a slash:
// not always the very next one, "a-b" sorts between "a" and "a/c".
void mark_childless(std::vector<Entry>& entries) {
  for (Entry& entry : entries) {
    if (entry.type != EntryType::directory) continue;
    const std::string below = entry.path + '/';
    const auto first = std::ranges::lower_bound(entries, below, {}, &Entry::path);
    entry.childless = first == entries.end() || !first->path.starts_with(below);
  }
}

}  // namespace

std::uint64_t Tree::total_bytes() const {
  return std::accumulate(entries.begin(), entries.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Entry& entry) { return sum + entry.size_bytes; });
}

std::size_t Tree::file_count() const {
  return static_cast<std::size_t>(std::ranges::count(entries, EntryType::file, &Entry::type));
}

std::vector<std::string> default_excludes(const Environment& environment, Scheme scheme) {
  std::string_view rest =
      environment.find("RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES").value_or(".git,.venv,venv,__pycache__");
  std::vector<std::string> patterns;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const auto begin = item.find_first_not_of(" \t\r\n");
    if (begin != std::string_view::npos)
      patterns.emplace_back(item.substr(begin, item.find_last_not_of(" \t\r\n") - begin + 1));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (scheme != Scheme::ray) patterns.emplace_back("/_ray_pkg_*.zip");
  return patterns;
}

ScanOptions scan_options(const Environment& environment, Scheme scheme, const std::vector<std::string>& excludes) {
  ScanOptions options{.excludes = default_excludes(environment, scheme)};
  options.excludes.insert(options.excludes.end(), excludes.begin(), excludes.end());
  options.use_gitignore = environment.find("RAY_RUNTIME_ENV_IGNORE_GITIGNORE") != "1";
  return options;
}

bool stays_inside(std::string_view path, std::string_view target) {
  if (target.empty() || target.front() == '/') return false;
  auto depth = std::ranges::count(path, '/');
  bool went_down = false;
  while (!target.empty()) {
    const auto slash = target.find('/');
    const std::string_view part = target.substr(0, slash);
    if (part == "..") {
      if (went_down || depth-- == 0) return false;
    } else if (!part.empty() && part != ".") {
      went_down = true;
    }
    if (slash == std::string_view::npos) break;
    target.remove_prefix(slash + 1);
  }
  return true;
}

Result<Tree> scan(const Path& root, const ScanOptions& options) {
  Tree tree;
  tree.root = std::filesystem::absolute(root).lexically_normal();
  const int number = ::open(tree.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0) {
    if (errno == ENOENT) return fail(Errc::not_found, "directory {} doesn't exist", root.native());
    if (errno == ENOTDIR) return fail(Errc::invalid_argument, "{} isn't a directory", root.native());
    return fail_errno("open folder", root.native());
  }
  RTENV_TRY(Scanner(Fd(number), tree, options).run());
  std::ranges::sort(tree.entries, {}, &Entry::path);
  mark_childless(tree.entries);
  return tree;
}

}  // namespace rtenv::pkg
