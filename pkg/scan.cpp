#include "pkg/scan.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <functional>
#include <memory>
#include <optional>

#include "base/directory_reader.hpp"
#include "base/parallel_tree.hpp"
#include "pkg/file_reader.hpp"
#include "pkg/folder_rules.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

// A folder of the walk, filled in by the thread that enters it.
struct Folder {
  struct Child;
  Folder* parent = nullptr;
  std::string path;                          // empty for the root
  bool through_link = false;                 // it, or a folder above, was found as a link
  std::shared_ptr<const FolderRules> rules;  // its own, or those of the nearest parent with rules
  bool excludes_itself = false;              // by its own rules
  std::vector<Entry> entries;                // except folders
  std::vector<std::unique_ptr<Folder>> folders;
  std::vector<Child> children;  // both, in the package's order
  std::vector<Excluded> excluded;
  std::size_t index = 0;  // of its own entry in the tree
};

// A package's paths are in the order of their bytes: a folder "a" sorts as "a", its content as
// "a/", and "a-b" sorts between them. So a folder has two children: itself and its content.
struct Folder::Child {
  enum class What : std::uint8_t { entry, folder, content };
  What what;
  std::size_t index;  // into entries or folders
  std::string_view path;

  // Sibling paths contain no '/' after the path of their parent.
  friend bool operator<(const Child& a, const Child& b) {
    const std::size_t common = std::min(a.path.size(), b.path.size());
    if (const int order = a.path.compare(0, common, b.path, 0, common); order != 0)
      return order < 0;
    return a.byte(common) < b.byte(common);
  }

 private:
  [[nodiscard]] int byte(std::size_t position) const {
    if (position < path.size()) return static_cast<unsigned char>(path[position]);
    return what == What::content ? '/' : -1;
  }
};

class Scanner {
 public:
  Scanner(Fd root, Path root_path, const ScanOptions& options)
      : root_(std::move(root)),
        root_path_(std::move(root_path)),
        options_(options),
        excludes_(IgnoreFile::from_patterns(options.excludes, "excludes", options.semantics)) {}

  Result<Tree> run() {
    Folder top;
    top.rules = std::make_shared<FolderRules>(excludes_, options_.semantics);
    RTENV_TRY(parallel_tree(
        &top, options_.threads, [] { return DirectoryReader(); },
        [this](DirectoryReader& reader, Folder* folder,
               std::vector<Folder*>& found) -> Result<void> {
          if (options_.cancellation != nullptr && options_.cancellation->requested())
            return fail(Errc::cancelled, "interrupted while reading {}", root_path_.native());
          RTENV_TRY(enter(reader, *folder));
          for (const auto& below : folder->folders) found.push_back(below.get());
          return {};
        }));
    Tree tree{.root = root_path_,
              .entries = {},
              .excluded = {},
              .content = std::make_shared<DirectorySource>(root_path_)};
    tree.entries.reserve(count(top));
    flatten(top, tree);
    std::ranges::sort(tree.excluded, {}, &Excluded::path);
    return tree;
  }

 private:
  [[nodiscard]] std::string shown(const std::string& path) const {
    return path.empty() ? root_path_.native() : root_path_.native() + '/' + path;
  }

  Result<Fd> open_at(const std::string& path, int flags) const {
    const int number = ::openat(root_.get(), path.empty() ? "." : path.c_str(), flags | O_CLOEXEC);
    if (number < 0) return fail_errno("open", shown(path));
    return Fd(number);
  }

  Result<void> enter(DirectoryReader& reader, Folder& folder) const {
    RTENV_TRY(const Fd fd, open_at(folder.path, O_RDONLY | O_DIRECTORY));
    if (folder.through_link) RTENV_TRY(refuse_loop(folder));
    RTENV_TRY(const auto items, reader.list(fd, shown(folder.path)));
    RTENV_TRY(read_rules(fd, items, folder));
    if (folder.excludes_itself) return {};
    folder.entries.reserve(items.size());
    for (const auto& item : items) RTENV_TRY(visit(fd, folder, item));

    using What = Folder::Child::What;
    folder.children.reserve(folder.entries.size() + 2 * folder.folders.size());
    for (std::size_t i = 0; i < folder.entries.size(); ++i)
      folder.children.push_back({What::entry, i, folder.entries[i].path});
    for (std::size_t i = 0; i < folder.folders.size(); ++i)
      for (const What what : {What::folder, What::content})
        folder.children.push_back({what, i, folder.folders[i]->path});
    std::ranges::sort(folder.children, std::less<>());
    return {};
  }

  Result<struct stat> folder_status(const Folder& folder) const {
    struct stat status {};
    const char* const path = folder.path.empty() ? "." : folder.path.c_str();
    if (::fstatat(root_.get(), path, &status, 0) != 0)
      return fail_errno("read folder", shown(folder.path));
    return status;
  }

  // Only below a link can a folder be one of its own parents.
  Result<void> refuse_loop(const Folder& folder) const {
    RTENV_TRY(const struct stat status, folder_status(folder));
    for (const Folder* above = folder.parent; above != nullptr; above = above->parent) {
      RTENV_TRY(const struct stat other, folder_status(*above));
      if (status.st_dev == other.st_dev && status.st_ino == other.st_ino)
        return fail(Errc::invalid_argument,
                    "{} is a link that leads back to its own parent folder {}", shown(folder.path),
                    shown(above->path))
            .hint("exclude it or remove it");
    }
    return {};
  }

  Result<void> read_rules(const Fd& fd, std::span<const DirectoryReader::Item> items,
                          Folder& folder) const {
    if (folder.parent != nullptr) folder.rules = folder.parent->rules;
    std::vector<IgnoreFile> files;
    for (const std::string_view file_name : k_ignore_files) {
      if (!options_.use_gitignore && file_name == ".gitignore") continue;
      if (std::ranges::find(items, file_name, &DirectoryReader::Item::name) == items.end())
        continue;
      const std::string path = join_path(folder.path, file_name);
      struct stat status {};
      if (::fstatat(fd.get(), file_name.data(), &status, 0) != 0 || !S_ISREG(status.st_mode))
        continue;
      RTENV_TRY(const Fd file, open_at(path, O_RDONLY));
      RTENV_TRY(const std::string content, read_to_end(file, shown(path)));
      files.push_back(IgnoreFile::parse(content, path, options_.semantics));
    }
    if (files.empty()) return {};
    folder.rules = std::make_shared<FolderRules>(folder.rules, folder.path, std::move(files));
    if (const auto verdict = folder.rules->excludes_itself()) {
      folder.excludes_itself = true;
      exclude(folder, folder.path, true, *verdict);
    }
    return {};
  }

  void exclude(Folder& folder, const std::string& path, bool directory,
               const Verdict& verdict) const {
    if (options_.record_excluded)
      folder.excluded.push_back({.path = path, .directory = directory, .reason = verdict.reason()});
  }

  Result<void> visit(const Fd& fd, Folder& folder, const DirectoryReader::Item& item) const {
    Entry entry{.path = join_path(folder.path, item.name), .link_target = {}};
    std::optional<struct stat> status;
    const auto read_status = [&](int flags) -> bool {
      return ::fstatat(fd.get(), item.name.data(), &status.emplace(), flags) == 0;
    };
    unsigned char type = item.type;
    bool is_link = false;
    if (type == DT_UNKNOWN) {
      if (!read_status(AT_SYMLINK_NOFOLLOW)) return fail_errno("read", shown(entry.path));
      type = static_cast<unsigned char>(IFTODT(status->st_mode));
    }
    if (const auto verdict = folder.rules->excluded(entry.path, type == DT_DIR)) {
      exclude(folder, entry.path, type == DT_DIR, *verdict);
      return {};
    }
    if (type == DT_LNK) {
      is_link = true;
      RTENV_TRY(const bool kept, keep_link(fd, item.name.data(), folder, entry));
      if (kept) return {};
      if (!read_status(0)) {
        exclude_or_name(folder, std::move(entry), "a dangling link");
        return {};
      }
      type = static_cast<unsigned char>(IFTODT(status->st_mode));
    }
    if (type == DT_DIR) {
      auto below = std::make_unique<Folder>();
      below->parent = &folder;
      below->through_link = is_link || folder.through_link;
      below->path = std::move(entry.path);
      folder.folders.push_back(std::move(below));
    } else if (type == DT_REG) {
      if (options_.measure && !status && !read_status(AT_SYMLINK_NOFOLLOW))
        return fail_errno("read", shown(entry.path));
      entry.measured = status.has_value();
      if (status) {
        entry.executable = (status->st_mode & S_IXUSR) != 0;
        entry.size_bytes = static_cast<std::uint64_t>(status->st_size);
        if (options_.stamper != nullptr) entry.stamp = options_.stamper->stamp(*status, entry.path);
      }
      folder.entries.push_back(std::move(entry));
    } else {
      exclude_or_name(folder, std::move(entry), "not a file, folder or link");
    }
    return {};
  }

  Result<bool> keep_link(const Fd& fd, const char* name, Folder& folder, Entry& entry) const {
    if (options_.links == Links::follow) return false;
    std::array<char, PATH_MAX> buffer;  // no link is longer
    const ssize_t length = ::readlinkat(fd.get(), name, buffer.data(), buffer.size());
    if (length < 0) return fail_errno("read link", shown(entry.path));
    const std::string_view target(buffer.data(), static_cast<std::size_t>(length));
    if (!stays_inside(entry.path, target)) return false;
    entry.type = EntryType::link;
    entry.link_target = target;
    folder.entries.push_back(std::move(entry));
    return true;
  }

  void exclude_or_name(Folder& folder, Entry entry, std::string_view reason) const {
    if (options_.links == Links::keep) {
      folder.excluded.push_back({.path = std::move(entry.path), .reason = std::string(reason)});
      return;
    }
    entry.type = EntryType::name_only;
    folder.entries.push_back(std::move(entry));
  }

  static std::size_t count(const Folder& folder) {
    std::size_t result = folder.entries.size();
    for (const auto& below : folder.folders)
      if (!below->excludes_itself) result += 1 + count(*below);
    return result;
  }

  // Moves everything into the tree, and frees the folders early.
  static void flatten(Folder& folder, Tree& tree) {
    std::ranges::move(folder.excluded, std::back_inserter(tree.excluded));
    for (const Folder::Child& child : folder.children) {
      if (child.what == Folder::Child::What::entry) {
        tree.entries.push_back(std::move(folder.entries[child.index]));
        continue;
      }
      Folder& below = *folder.folders[child.index];
      if (below.excludes_itself) {
        std::ranges::move(below.excluded, std::back_inserter(tree.excluded));
        below.excluded.clear();
      } else if (child.what == Folder::Child::What::folder) {
        below.index = tree.entries.size();
        tree.entries.push_back({.path = below.path,
                                .type = EntryType::directory,
                                .childless = true,
                                .link_target = {}});
      } else {
        const std::size_t size_before = tree.entries.size();
        flatten(below, tree);
        tree.entries[below.index].childless = tree.entries.size() == size_before;
      }
    }
    folder.entries = {};
    folder.children = {};
  }

  Fd root_;
  Path root_path_;
  const ScanOptions& options_;
  IgnoreFile excludes_;
};

}  // namespace

Result<Tree> scan(const Path& root, const ScanOptions& options) {
  Path absolute = std::filesystem::absolute(root).lexically_normal();
  const int number = ::open(absolute.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0) {
    if (errno == ENOENT) return fail(Errc::not_found, "directory {} doesn't exist", root.native());
    if (errno == ENOTDIR)
      return fail(Errc::invalid_argument, "{} isn't a directory", root.native());
    return fail_errno("open folder", root.native());
  }
  return Scanner(Fd(number), std::move(absolute), options).run();
}

}  // namespace rtenv::pkg
