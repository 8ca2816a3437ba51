// Result<T>: a T or an Error. It can't be dropped by accident (a plain alias of tl::expected
// could).
//
//   Result<Package> pack(const Path& root);
//   RTENV_TRY(auto package, pack(root));        // on error: returns it to the caller
//   RTENV_TRY(unpack(package, target));
//   return fail(Errc::not_found, "package {} is not in the store", name).hint("push it first: rtenv
//   push {}", dir);
#pragma once

#include <fmt/format.h>

#include <cerrno>

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.hpp"

namespace rtenv {

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

/// What `fail` returns: converts to any Result.
class [[nodiscard]] Failure : public tl::unexpected<Error> {
 public:
  explicit Failure(Error error) : tl::unexpected<Error>(std::move(error)) {}

  template <class... Args>
  Failure hint(fmt::format_string<Args...> format, Args&&... args) && {
    return Failure(std::move(value()).with_hint(fmt::format(format, std::forward<Args>(args)...)));
  }
};

template <class... Args>
Failure fail(Errc code, fmt::format_string<Args...> format, Args&&... args) {
  return Failure(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

inline Failure fail(Error error) { return Failure(std::move(error)); }

/// A failed system call; reads errno.
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
/// One argument: an expression whose value isn't wanted. Two: a declaration and the expression that
/// it takes. A bare template comma in the expression needs parentheses.
#define RTENV_TRY(...) RTENV_TRY_PICK(__VA_ARGS__, RTENV_TRY_VALUE, RTENV_TRY_VOID, )(__VA_ARGS__)
