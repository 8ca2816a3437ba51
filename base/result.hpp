// Result<T>: either a T or an Error. rtenv reports failures as results, not exceptions.
//
//   Result<Package> pack(const Path& root);
//
//   Result<void> pack_and_push(const Path& root, Store& store) {
//     RTENV_TRY(const Package package, pack(root));  // on failure, returns the error to the caller
//     RTENV_TRY(store.push(package));
//     return {};
//   }
//
// A function fails with an error code, a message and optionally a hint:
//
//   return fail(Errc::not_found, "package {} isn't in the store", name)
//       .hint("push it first: rtenv push {}", directory);
//
// A caller tests the result like a pointer: if (auto package = pack(root)) use(*package); else
// report(package.error()).
#pragma once

#include <fmt/format.h>

#include <cerrno>

#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "rtenv/result.hpp"

namespace rtenv {

/// An error to return: converts to any Result.
class [[nodiscard]] Failure : public Error {
 public:
  explicit Failure(Error error) : Error(std::move(error)) {}

  /// Adds a hint: what the user can do next.
  template <class... Args>
  Failure hint(fmt::format_string<Args...> format, Args&&... args) && {
    return Failure(std::move(*this).with_hint(fmt::format(format, std::forward<Args>(args)...)));
  }
};

/// A failure with a formatted message, which says what failed, where and why.
template <class... Args>
Failure fail(Errc code, fmt::format_string<Args...> format, Args&&... args) {
  return Failure(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

/// Passes on an existing error.
inline Failure fail(Error error) { return Failure(std::move(error)); }

/// The failure of the last system call, from errno: "cannot <action> <object>: <reason>".
inline Failure fail_errno(std::string_view action, std::string_view object) {
  return Failure(system_error(errno, action, object));
}

}  // namespace rtenv

#define RTENV_CONCAT_INNER(a, b) a##b
#define RTENV_CONCAT(a, b) RTENV_CONCAT_INNER(a, b)
#define RTENV_TRY_2(declaration, temporary, ...)           \
  auto temporary = (__VA_ARGS__);                          \
  if (!temporary) [[unlikely]]                             \
    return ::rtenv::Failure(std::move(temporary).error()); \
  declaration = std::move(*temporary)
#define RTENV_TRY_1(temporary, ...)                            \
  if (auto temporary = (__VA_ARGS__); !temporary) [[unlikely]] \
  return ::rtenv::Failure(std::move(temporary).error())
#define RTENV_TRY_PICK(a, b, chosen, ...) chosen
#define RTENV_TRY_VALUE(declaration, expression) \
  RTENV_TRY_2(declaration, RTENV_CONCAT(try_result_, __COUNTER__), expression)
#define RTENV_TRY_VOID(expression) RTENV_TRY_1(RTENV_CONCAT(try_result_, __COUNTER__), expression)
/// RTENV_TRY(expression) or RTENV_TRY(declaration, expression): evaluates an expression of type
/// Result; on failure returns its error from the enclosing function, else initializes the
/// declaration with its value. Put parentheses around an expression with a comma outside of
/// parentheses, as in f<A, B>(x).
#define RTENV_TRY(...) RTENV_TRY_PICK(__VA_ARGS__, RTENV_TRY_VALUE, RTENV_TRY_VOID, )(__VA_ARGS__)
