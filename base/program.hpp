// Finds a program as a shell does: by its path, or by its name in the folders of PATH.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/environment.hpp"

namespace rtenv {

/// A search that is prepared in one process and made in another, such as a child after fork(2) that
/// sees other files.
class ProgramSearch {
 public:
  /// Paths that are relative, also in PATH, start at `folder`; empty: at the current directory.
  ProgramSearch(std::string_view program, const Environment& environment, const Path& folder = {});

  struct Match {
    const char* path = nullptr;  // owned by the search; null: there is no such file
    bool executable = false;
  };
  /// The first executable file, else the first file. Async-signal-safe.
  [[nodiscard]] Match find() const noexcept;

  /// The path of an executable match. Fails: not_found, permission_denied (the file isn't
  /// executable).
  [[nodiscard]] Result<Path> check(const Match& match) const;

 private:
  std::string program_;
  std::vector<std::string> candidates_;
};

/// The program that a shell with this environment would run: `program` itself if it contains a
/// slash, else the first executable file of that name in PATH. Fails: as ProgramSearch::check.
Result<Path> find_program(std::string_view program, const Environment& environment);

}  // namespace rtenv
