// For the model test: other users of the machine, whose folders are in the cache or who try to use
// it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cache/cache.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::cache {

// Root may do what others may not, such as remove another user's files.
inline constexpr uid_t k_user = 65'534;
inline constexpr uid_t k_other_user = 65'533;
inline void give_to(uid_t user, const Path& path) {
  must(Result<void>(::lchown(path.c_str(), user, user) == 0 ? Result<void>()
                                                            : fail_errno("chown", path.native())));
}
inline void become(uid_t user) {
  if (::setgid(user) != 0 || ::setuid(user) != 0) ::_exit(2);
}

template <class Check>
bool succeeds_in_child(Check check) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// What a job in a container leaves: its user can't remove it.
inline void plant_foreign_folders(const Path& root, unsigned number) {
  std::error_code error;
  for (const char* folder : {"tmp", "trees", "quarantine"}) {
    const Path foreign = root / folder / ("foreign-" + std::to_string(number));
    std::filesystem::create_directories(foreign / "folder", error);
    std::ofstream(foreign / "folder/file") << "x";
    for (const Path& path : {foreign / "folder/file", foreign / "folder", foreign})
      if (std::filesystem::exists(path, error)) give_to(k_other_user, path);
  }
}

// Not if this isn't root, or if a folder above is closed to others.
inline bool give_to_reachable_user(const Path& root) {
  if (::geteuid() != 0 || ::chmod(root.parent_path().c_str(), 0755) != 0) return false;
  give_to(k_user, root);
  if (succeeds_in_child([&] {
        become(k_user);
        return ::access(root.c_str(), W_OK) == 0;
      }))
    return true;
  give_to(0, root);
  return false;
}

inline bool is_refused_to(uid_t user, const Path& root) {
  return succeeds_in_child([&] {
    if (user != 0) become(user);
    const auto opened = Cache::open(root);
    return !opened && opened.error().code() == Errc::permission_denied;
  });
}

inline void give_back(const Path& root) {
  give_to(0, root);
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root, error))
    give_to(0, entry.path());
}

}  // namespace rtenv::cache
