// An error as a value: a code for programs, a message for people, and optionally a hint. rtenv
// throws nothing: every function that can fail returns a Result (rtenv/result.hpp).
//
// The message says what failed, where and why; it never contains a secret. The hint says what to do
// next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "rtenv/export.hpp"

namespace rtenv {

/// What a caller can decide by. A later version may add codes: treat those you don't know as
/// `internal`.
enum class Errc : std::uint8_t {
  invalid_argument = 0,   // invalid input: an option, the content of a file, an unsafe archive
  not_found = 1,          // a file, package, entry or program doesn't exist
  already_exists = 2,     // the target exists and must not be replaced
  permission_denied = 3,  // refused by the operating system or a server
  busy = 4,               // in use, pinned or being built; a retry helps once that has ended
  changed = 5,            // changed by another program while it was read; a retry may help
  unavailable = 6,        // a network, server or resource is temporarily unavailable
  corrupt = 7,            // data doesn't match its checksum, name or format
  limit_reached = 8,      // of what a server holds for all of its clients; a retry may help
  out_of_space = 9,       // no space, quota or inode left
  cancelled = 10,         // the user or the caller requested a stop
  installer_failed = 11,  // uv, pip or another installer failed or timed out
  internal = 12,          // a bug in rtenv, or an operating system error without its own code
};

/// The name of the code, such as "not_found". Stable: part of the output of --json.
RTENV_API std::string_view name(Errc code) noexcept;
/// The exit status of the tool (docs/errors.md).
RTENV_API int exit_status(Errc code) noexcept;
/// The status of an HTTP response.
RTENV_API int http_status(Errc code) noexcept;

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string message, std::string hint = {})
      : code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  /// Empty if there is none.
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  /// The same error with the message "<context>: <message>".
  [[nodiscard]] Error within(std::string_view context) && {
    std::string message(context);
    message += ": ";
    message += message_;
    message_ = std::move(message);
    return std::move(*this);
  }
  /// The same error with this hint instead of its own.
  [[nodiscard]] Error with_hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }

 private:
  Errc code_;
  std::string message_;
  std::string hint_;
};

}  // namespace rtenv
