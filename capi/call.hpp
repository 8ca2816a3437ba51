// The border to C: arguments that may be null, structs of other versions, errors as objects.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/exceptions.hpp"
#include "rtenv.h"
#include "rtenv/options.hpp"

struct rtenv_error {
  rtenv::Error error;
};

struct rtenv_stop {
  rtenv::StopSignal signal;
};

struct rtenv_variables {
  rtenv::Variables variables;
};

namespace rtenv::capi {

/// The status of an error; sets *out unless it is null or memory has run out.
rtenv_status report(Error error, rtenv_error** out) noexcept;

/// Runs `work`, which returns a Result<void>, as the body of a C function.
template <class Work>
rtenv_status run(rtenv_error** out, Work work) noexcept {
  try {
    auto result = without_exceptions(work);
    return result ? RTENV_OK : report(std::move(result).error(), out);
  } catch (...) {  // no memory for the error of an exception
    if (out != nullptr) *out = nullptr;
    return RTENV_UNAVAILABLE;
  }
}

Error null_argument(std::string_view name);
Error wrong_struct_size(std::string_view name, std::size_t given, std::size_t known);

struct Argument {
  const char* name;
  const void* pointer;
};
/// Fails: invalid_argument, if one of the pointers is null.
Result<void> check_given(std::initializer_list<Argument> arguments);

/// The caller's struct, which may be of another version: what it lacks is 0, and what is unknown
/// here must be. Null: all of it is 0. Fails: invalid_argument.
template <class Struct>
Result<Struct> read_struct(const Struct* given, const char* name) {
  Struct result;
  std::memset(&result, 0, sizeof result);
  if (given == nullptr) return result;
  std::uint32_t size = 0;
  std::memcpy(&size, given, sizeof size);
  if (size < sizeof size || size % alignof(std::uint32_t) != 0 || size > 4096)
    return wrong_struct_size(name, size, sizeof result);
  const auto* const bytes = reinterpret_cast<const std::byte*>(given);
  if (size > sizeof result && std::any_of(bytes + sizeof result, bytes + size,
                                          [](std::byte b) { return b != std::byte{}; }))
    return wrong_struct_size(name, size, sizeof result);
  std::memcpy(&result, bytes, std::min<std::size_t>(size, sizeof result));
  return result;
}

/// Of a list that ends with null; null: none.
std::vector<std::string> strings_of(const char* const* list);
/// Fails: invalid_argument (an item without '=').
Result<Variables> variables_of(const char* const* list, std::string_view name);
/// At most std::chrono::seconds::max(), which means for ever.
std::chrono::seconds seconds_of(std::uint64_t count);
/// Null: "".
std::string_view text_of(const char* text);

/// A copy for rtenv_string_free.
char* new_string(std::string_view text);
/// Sets *out to a copy.
void set_string(char** out, std::string_view text);

/// Fills `result` with what the caller's struct says. Fails: invalid_argument; its function of
/// credentials with permission_denied.
Result<void> read_options(const rtenv_options* given, Options& result);

inline Stop stop_of(const rtenv_stop* stop) { return stop == nullptr ? Stop() : stop->signal; }

}  // namespace rtenv::capi
