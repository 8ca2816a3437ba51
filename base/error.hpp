// An error as a value: a code for programs, a message for people, and optionally a hint.
//
// The message says what failed, where and why; it never contains a secret. The hint says what to do
// next. Each code maps to one exit status and one HTTP status (the table in error.cpp).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rtenv {

enum class Errc : std::uint8_t {
  invalid_argument,   // invalid input: an option, the content of a file, an unsafe archive
  not_found,          // a file, package, entry or program doesn't exist
  already_exists,     // the target exists and must not be replaced
  permission_denied,  // refused by the operating system or a server
  busy,               // in use, pinned or being built; a retry helps once that has ended
  changed,            // changed by another program while it was read; a retry helps after that
  unavailable,        // a network, server or resource is temporarily unavailable; retry may help
  corrupt,            // data doesn't match its checksum, name or format
  limit_reached,      // of what a server holds for all of its clients; a retry may help
  out_of_space,       // no space, quota or inode left
  cancelled,          // the user or the caller requested a stop
  installer_failed,   // uv, pip or another installer failed or timed out
  internal,           // a bug in rtenv, or an operating system error without a code of its own
};

inline constexpr int k_errc_count = static_cast<int>(Errc::internal) + 1;

/// The name of the code, such as "not_found". Stable: part of the output of --json.
std::string_view name(Errc code) noexcept;
/// The exit status of the tool (docs/errors.md).
int exit_status(Errc code) noexcept;
/// The status of an HTTP response.
int http_status(Errc code) noexcept;

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string message, std::string hint = {})
      : code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  /// Empty if there is none.
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  /// The same error with the message "<context>: <message>".
  [[nodiscard]] Error within(std::string_view context) &&;
  /// The same error with this hint instead of its own.
  [[nodiscard]] Error with_hint(std::string hint) &&;

 private:
  Errc code_;
  std::string message_;
  std::string hint_;
};

/// The error of a failed system call, with the code for this errno and the message "cannot <action>
/// <object>: <reason>".
Error system_error(int error_number, std::string_view action, std::string_view object);

}  // namespace rtenv
