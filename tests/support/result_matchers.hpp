// IsOk() and IsError(code) for Result; printers, so that a failed expectation shows the error's
// message.
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

MATCHER(IsOk, "is a value") { return arg.has_value(); }
MATCHER_P(IsError, code, std::string("is the error ") + std::string(name(code))) {
  return !arg.has_value() && arg.error().code() == code;
}
MATCHER_P2(IsError, code, text,
           std::string("is the error ") + std::string(name(code)) + " with '" + text +
               "' in its message") {
  return !arg.has_value() && arg.error().code() == code &&
         arg.error().message().find(text) != std::string::npos;
}

/// The value of a Result that must have one; throws, and so fails the test, where it hasn't.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}
inline void must(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().message());
}

}  // namespace rtenv
