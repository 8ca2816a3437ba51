// For tests of recycled copies: a cache with a tree, descriptions of trees to compare, and random
// changes such as jobs make.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "cache/cache_fixture.hpp"
#include "job/job_copy.hpp"

namespace rtenv::job {

/// Everything about each path of a tree that a job could tell from a new copy, as text.
inline std::map<std::string, std::string> describe(const Path& root) {
  std::map<std::string, std::string> result;
  const std::function<void(const Path&, const std::string&)> add = [&](const Path& path,
                                                                       const std::string& name) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return;
    std::string text =
        fmt::format("mode {:o}, owner {}:{}, time {}.{}", status.st_mode, status.st_uid,
                    status.st_gid, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    if (!S_ISDIR(status.st_mode))
      text += fmt::format(", size {}, links {}", status.st_size, status.st_nlink);
    if (S_ISLNK(status.st_mode)) text += " -> " + std::filesystem::read_symlink(path).native();
    if (S_ISREG(status.st_mode)) text += ", content " + must(sha256_hex_of_file(path));
    std::array<char, 1000> attributes{};
    const ssize_t size = ::llistxattr(path.c_str(), attributes.data(), attributes.size());
    if (size > 0)
      text += ", attributes " + std::string(attributes.data(), static_cast<std::size_t>(size));
    result[name] = std::move(text);
    if (!S_ISDIR(status.st_mode)) return;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      add(entry.path(), name + "/" + entry.path().filename().native());
  };
  add(root, "");
  return result;
}

/// Changes a copy as a job could. All choices follow from the seed.
class Mutator {
 public:
  Mutator(Path root, Path outside, unsigned seed)
      : root_(std::move(root)), outside_(std::move(outside)), random_(seed) {}

  void run(int count) {
    for (int i = 0; i < count; ++i) mutate();
  }

  static void write_by_mapping(const Path& path) {
    const Fd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
      return;
    void* bytes = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (bytes == MAP_FAILED) return;
    *static_cast<char*>(bytes) = '!';
    ::munmap(bytes, 1);
  }

 private:
  std::size_t below(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }

  static void add_paths(const Path& folder, std::vector<Path>& paths) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      if (entry.path().native().size() > 3000 || paths.size() > 2000) return;
      paths.push_back(entry.path());
      if (std::filesystem::is_directory(entry.symlink_status(error)))
        add_paths(entry.path(), paths);
    }
  }

  // Any path of the copy except the top; the top if there is no other.
  Path any() {
    std::vector<Path> paths;
    add_paths(root_, paths);
    std::ranges::sort(paths);
    return paths.empty() ? root_ : paths[below(paths.size())];
  }

  Path new_name() {
    const std::string number = std::to_string(below(1000));
    Path folder = any();
    std::error_code ignored;
    if (!std::filesystem::is_directory(std::filesystem::symlink_status(folder, ignored)))
      folder = folder.parent_path();
    return folder / ("new\nname " + number);
  }

  // What it can: some folders can't be entered.
  static void remove(const Path& path) { [[maybe_unused]] const auto removed = remove_tree(path); }

  static void write_same_size(const Path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
    const Fd fd(::open(path.c_str(), O_WRONLY));
    [[maybe_unused]] const auto written = ::pwrite(fd.get(), "#", 1, 0);
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    ::futimens(fd.get(), times.data());
  }

  static void add_deep_folders(const Path& top) {
    Fd folder(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const std::string name(200, 'd');
    for (int depth = 0; depth < 120 && folder; ++depth) {
      ::mkdirat(folder.get(), name.c_str(), 0700);
      folder = Fd(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
    }
  }

  static void set_default_acl(const Path& path) {
    // Version 2: the owner, the group and others may do everything.
    constexpr std::array<unsigned char, 28> k_acl{2,    0, 0, 0,                          //
                                                  1,    0, 7, 0, 0xff, 0xff, 0xff, 0xff,  //
                                                  4,    0, 7, 0, 0xff, 0xff, 0xff, 0xff,  //
                                                  0x20, 0, 7, 0, 0xff, 0xff, 0xff, 0xff};
    ::lsetxattr(path.c_str(), "system.posix_acl_default", k_acl.data(), k_acl.size(), 0);
  }

  void add_folder(const Path& path, mode_t mode) {
    ::mkdir(path.c_str(), 0700);
    std::ofstream(path / "in it") << "x";
    ::chmod(path.c_str(), mode);
  }

  void replace_top() {
    const Path away = outside_ / std::to_string(below(1'000'000));
    switch (below(4)) {
      case 0: ::chmod(root_.c_str(), 0); return;
      case 1: remove(root_); return;
      case 2:
        ::rename(root_.c_str(), away.c_str());
        ::symlink(away.c_str(), root_.c_str());
        return;
      default: ::rename(root_.c_str(), away.c_str()); add_folder(root_, 0755);
    }
  }

  void damage_stamps() {
    const Path stamps = root_.parent_path() / "stamps";
    switch (below(6)) {
      case 5: set_default_acl(root_.parent_path()); return;
      case 0: ::truncate(stamps.c_str(), static_cast<off_t>(below(3000))); return;
      case 1: write_same_size(stamps); return;
      case 2: ::unlink(stamps.c_str()); return;
      case 3:
        ::unlink(stamps.c_str());
        ::mkfifo(stamps.c_str(), 0600);
        return;
      default: add_folder(root_.parent_path() / "beside", 0);
    }
  }

  void mutate() {
    std::error_code ignored;  // a link to itself
    const Path path = any();
    const Path other = any();
    const Path added = new_name();
    switch (below(26)) {
      case 0:
      case 1: write_same_size(path); return;
      case 2:
        if (std::filesystem::is_regular_file(path, ignored))
          std::ofstream(path, std::ios::app) << "more";
        return;
      case 3: ::chmod(path.c_str(), static_cast<mode_t>(below(010000))); return;
      case 4: remove(path); return;
      case 5:
        remove(path);
        ::symlink(other.c_str(), path.c_str());
        return;
      case 6:
        remove(path);
        add_folder(path, 0755);
        return;
      case 7: ::rename(path.c_str(), other.c_str()); return;
      case 8: std::ofstream(added) << "new"; return;
      case 9: add_folder(added, 0); return;
      case 10: ::mkfifo(added.c_str(), 0600); return;
      case 11: ::mknod(added.c_str(), S_IFSOCK | 0600, 0); return;
      case 12: ::mknod(added.c_str(), S_IFCHR | 0600, makedev(1, 3)); return;
      case 13: ::link(path.c_str(), added.c_str()); return;
      case 14: ::link(path.c_str(), (outside_ / std::to_string(below(1'000'000))).c_str()); return;
      case 15: ::lsetxattr(path.c_str(), "user.rtenv", "x", 1, 0); return;
      case 16: set_default_acl(path); return;
      case 17: ::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW); return;
      case 18: add_deep_folders(path); return;
      case 19: {
        std::ofstream(added) << "sparse";
        ::truncate(added.c_str(), off_t{1} << 40);
        return;
      }
      case 20:
        ::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
        return;
      case 21: ::truncate(path.c_str(), static_cast<off_t>(below(100'000))); return;
      case 22: ::lchown(path.c_str(), 1234, 1234); return;
      case 23: write_by_mapping(path); return;
      case 24:
        if (below(4) == 0) replace_top();
        return;
      default:
        if (below(4) == 0) damage_stamps();
    }
  }

  Path root_;
  Path outside_;
  std::mt19937 random_;
};

/// A folder with a cache, in which `open_tree` builds a tree.
class CopyFolder : public cache::CacheFolder {
 protected:
  static constexpr int k_folders = 6;

  [[nodiscard]] Path outside() const { return folder_ / "outside"; }

  static Result<void> build_tree(const cache::BuildContext& context) {
    for (int i = 0; i < k_folders; ++i) {
      const Path folder = context.target / "top" / fmt::format("d{}/sub/low", i);
      RTENV_TRY(make_directories(folder));
      for (const Path& at : {folder, folder.parent_path(), folder.parent_path().parent_path()}) {
        for (int file = 0; file < 3; ++file)
          std::ofstream(at / fmt::format("f{}", file))
              << std::string(static_cast<std::size_t>(file * 5000 + i), 'c');
        std::filesystem::create_symlink("f1", at / "link");
      }
    }
    std::filesystem::create_directory(context.target / "top/empty");
    ::chmod((context.target / "top/d1/f1").c_str(), 0755);
    return {};
  }

  static cache::Lease tree_of(cache::Cache& cache) {
    return must(cache.get_or_build(cache::Kind::tree, "tree", build_tree));
  }

  /// Runs `body` in a child process; returns its exit status, or -1 if it was killed.
  static int in_child(const std::function<void()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      try {
        body();
      } catch (const std::exception& error) {
        std::cerr << "child: " << std::string(error.what()).substr(0, 300) << '\n';
        ::_exit(3);
      }
      ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::map<std::string, std::string> expected() {
    cache::Cache cache = open();
    const cache::Lease tree = tree_of(cache);
    std::filesystem::create_directories(outside());
    must(clone_tree(tree.path() / "top", folder_ / "expected"));
    auto result = describe(folder_ / "expected");
    must(remove_tree(folder_ / "expected"));
    return result;
  }
};

}  // namespace rtenv::job
