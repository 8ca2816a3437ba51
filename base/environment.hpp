// A set of environment variables as a value. rtenv never calls setenv(3): the environment of a
// child process is built and passed to it.
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
  using Values = std::map<std::string, std::string, std::less<>>;

  Environment() = default;
  explicit Environment(Values values) : values_(std::move(values)) {}
  /// A copy of the variables of the current process.
  static Environment of_process();

  /// Returns nullopt if the variable isn't set; an empty value counts as set.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// As find, but an empty value counts as unset, as for most settings.
  [[nodiscard]] std::optional<std::string_view> find_filled(std::string_view name) const;
  void set(std::string name, std::string value) {
    values_.insert_or_assign(std::move(name), std::move(value));
  }
  void unset(std::string_view name);
  /// Inserts `entry` at the front of a colon-separated list such as PATH.
  void prepend(std::string_view name, std::string_view entry);

  [[nodiscard]] const Values& values() const noexcept { return values_; }
  /// "NAME=value" strings, as for execve(2).
  [[nodiscard]] std::vector<std::string> strings() const;

 private:
  Values values_;
};

}  // namespace rtenv
