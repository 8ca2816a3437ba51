// How a command prints its result on standard output: as text, or as JSON with --json.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::cli {

void print_line(std::string_view line);
/// On standard error, where nobody may read it: that isn't an error.
void print_to_stderr(std::string_view text);

struct Output {
  bool json = false;

  /// `value` on one line of JSON, or `line` as text.
  void print(const nlohmann::json& value, std::string_view line) const;
  /// `value` on one line of JSON, or what `print_text` prints.
  void print(const nlohmann::json& value, const std::function<void()>& print_text) const;
  /// The same for a large value, which is created only if it is printed.
  void print_either(const std::function<nlohmann::json()>& make_value,
                    const std::function<void()>& print_text) const;
  /// Prints nothing without --json.
  void print_json(const nlohmann::json& value) const;
  /// A line that the JSON form doesn't have; shown at once, also if standard output is a pipe.
  void print_text(std::string_view line) const;
  /// Whether `file`, the value of -o, is standard output. Fails: invalid_argument (the result is
  /// JSON, and written there, too; `content`, such as "a package", would go to a terminal).
  [[nodiscard]] Result<bool> is_standard_output(const std::string& file,
                                                std::string_view content) const;
  /// On standard error: the message and its hint, or one JSON object.
  void print_error(const Error& error) const;
};

}  // namespace rtenv::cli
