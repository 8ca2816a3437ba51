// A set of environment variables as a value. rtenv never calls setenv: what a child sees is built
// and passed on.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {

class Environment {
 public:
  Environment() = default;
  /// A copy of this process's variables.
  static Environment of_process();

  /// Nothing where it isn't set; an empty value is a value.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// As find, but an empty value counts as not set: what most settings mean.
  [[nodiscard]] std::optional<std::string_view> find_filled(std::string_view name) const;
  void set(std::string name, std::string value) {
    values_.insert_or_assign(std::move(name), std::move(value));
  }
  void unset(std::string_view name);
  /// Puts `entry` first in a list separated by colons, such as PATH.
  void prepend(std::string_view name, std::string_view entry);

  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& values() const noexcept {
    return values_;
  }
  /// "NAME=value" strings, as execve wants them.
  [[nodiscard]] std::vector<std::string> strings() const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// Where a shell with this environment would find the program: `program` itself if it has a slash,
/// else the first executable of that name in PATH. Fails: not_found, permission_denied (found, but
/// not executable).
Result<Path> find_program(std::string_view program, const Environment& environment);

}  // namespace rtenv
