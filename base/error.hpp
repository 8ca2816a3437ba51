// What went wrong, as a value: a code, a sentence for people, and what to do next.
//
// A message names what failed, where, and why; it never holds a secret. The hint, where there is
// one, is the next step. Codes are few: each maps to one exit status and one HTTP status, in one
// table (error.cpp).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rtenv {

enum class Errc : std::uint8_t {
  invalid_argument,   // the caller's input is wrong: an option, a file's content, a refused archive
  not_found,          // a file, package, entry or program isn't there
  already_exists,     // something is in the way that must not be replaced
  permission_denied,  // refused: by the operating system, by a credential, or because it is in use
  unavailable,        // a network, a server or a resource doesn't answer now; trying again may help
  corrupt,            // data isn't what its checksum, name or format says
  out_of_space,       // no space, quota or inode left
  cancelled,          // the user or the caller asked to stop
  installer_failed,   // uv, pip or another installer ended with an error or ran out of time
  internal,           // a fault of rtenv or an operating system error without a better name
};

inline constexpr int k_errc_count = static_cast<int>(Errc::internal) + 1;

/// The code's own spelling, e.g. "not_found"; stable, used in --json.
std::string_view name(Errc code) noexcept;
/// The exit status of the tool for this code (see docs/errors.md).
int exit_status(Errc code) noexcept;
/// The HTTP status of a server's answer for this code.
int http_status(Errc code) noexcept;

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string message, std::string hint = {})
      : code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  /// The same error seen from one layer up: `context` is put before the message.
  [[nodiscard]] Error within(std::string_view context) &&;
  [[nodiscard]] Error with_hint(std::string hint) &&;

 private:
  Errc code_;
  std::string message_;
  std::string hint_;
};

/// An error for a failed system call: the code follows errno, the message is "cannot <action>
/// <object>: <reason>".
Error system_error(int error_number, std::string_view action, std::string_view object);

}  // namespace rtenv
