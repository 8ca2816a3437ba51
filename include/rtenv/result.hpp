// Result<T>: either a T or an Error. Test it like a pointer:
//
//   if (auto package = rtenv::pack(directory, target))
//     use(package->name);
//   else
//     report(package.error().message());
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "rtenv/error.hpp"

namespace rtenv {

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  /// A value-initialized T.
  Result() requires std::is_default_constructible_v<T>
  = default;
  template <class U = T>
  requires(std::is_constructible_v<T, U> && !std::same_as<std::remove_cvref_t<U>, Result> &&
           !std::derived_from<std::remove_cvref_t<U>, Error>) explicit(!std::is_convertible_v<U, T>)
      Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(Error error)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(error)) {}
  template <class U>
  requires(!std::same_as<U, T> && std::is_convertible_v<U, T>)
      Result(Result<U> other)  // NOLINT(google-explicit-constructor)
      : Result(other ? Result(*std::move(other)) : Result(std::move(other).error())) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Requires: has_value().
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  // By value: a range-based for loop over *function() would outlive what it refers to.
  T operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  // Requires: !has_value().
  [[nodiscard]] Error& error() & noexcept { return *std::get_if<1>(&state_); }
  [[nodiscard]] const Error& error() const& noexcept { return *std::get_if<1>(&state_); }
  [[nodiscard]] Error&& error() && noexcept { return std::move(*std::get_if<1>(&state_)); }

  template <class U>
  [[nodiscard]] T value_or(U&& otherwise) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(otherwise));
  }
  template <class U>
  [[nodiscard]] T value_or(U&& otherwise) && {
    return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(otherwise));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }

  // Requires: !has_value().
  [[nodiscard]] Error& error() & noexcept { return *error_; }
  [[nodiscard]] const Error& error() const& noexcept { return *error_; }
  [[nodiscard]] Error&& error() && noexcept { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace rtenv
