// Matchers for Result, IsOk() and IsError(code, text), and printers that show the error's message
// when an expectation fails.
#pragma once

#include <gmock/gmock.h>

#include "base/result.hpp"

namespace rtenv {

inline void PrintTo(const Error& error, std::ostream* out) {
  *out << name(error.code()) << ": " << error.message();
}

template <class T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  if (result)
    *out << "a value";
  else
    PrintTo(result.error(), out);
}

/// Matches a Result with a value.
MATCHER(IsOk, "is a value") { return arg.has_value(); }
/// Matches a Result with an error of this code.
MATCHER_P(IsError, code, std::string("is the error ") + std::string(name(code))) {
  return !arg.has_value() && arg.error().code() == code;
}
/// Matches a Result with an error of this code whose message contains `text`.
MATCHER_P2(IsError, code, text,
           std::string("is the error ") + std::string(name(code)) + " with '" + text +
               "' in its message") {
  return !arg.has_value() && arg.error().code() == code &&
         arg.error().message().find(text) != std::string::npos;
}

/// The value of a Result; throws, which fails the test, if it is an error.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}
inline void must(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().message());
}

}  // namespace rtenv
