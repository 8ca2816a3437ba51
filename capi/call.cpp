#include "capi/call.hpp"

#include <cstdlib>
#include <new>

namespace rtenv::capi {
namespace {

constexpr rtenv_status status_of(Errc code) {
  return static_cast<rtenv_status>(static_cast<int>(code) + 1);
}
static_assert(status_of(Errc::invalid_argument) == RTENV_INVALID_ARGUMENT);
static_assert(status_of(Errc::internal) == RTENV_INTERNAL);

}  // namespace

rtenv_status report(Error error, rtenv_error** out) noexcept {
  const rtenv_status status = status_of(error.code());
  if (out != nullptr) *out = new (std::nothrow) rtenv_error{std::move(error)};
  return status;
}

Error null_argument(std::string_view name) {
  return {Errc::invalid_argument, std::string(name) + " is NULL"};
}

Error wrong_struct_size(std::string_view name, std::size_t given, std::size_t known) {
  return {
      Errc::invalid_argument,
      std::string(name) + ".struct_size is " + std::to_string(given) +
          (given > known ? ": it is of a newer version, and gives what this one doesn't know" : ""),
      "declare it with RTENV_INIT, which sets its size to " + std::to_string(known)};
}

Result<void> check_given(std::initializer_list<Argument> arguments) {
  for (const Argument& argument : arguments)
    if (argument.pointer == nullptr) return null_argument(argument.name);
  return {};
}

std::vector<std::string> strings_of(const char* const* list) {
  std::vector<std::string> strings;
  for (; list != nullptr && *list != nullptr; ++list) strings.emplace_back(*list);
  return strings;
}

Result<Variables> variables_of(const char* const* list, std::string_view name) {
  Variables variables;
  for (const std::string& item : strings_of(list)) {
    const auto equals = item.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(Errc::invalid_argument,
                   std::string(name) + " has an item that isn't NAME=value");
    variables.insert_or_assign(item.substr(0, equals), item.substr(equals + 1));
  }
  return variables;
}

std::chrono::seconds seconds_of(std::uint64_t count) {
  constexpr auto k_most = static_cast<std::uint64_t>(std::chrono::seconds::max().count());
  return std::chrono::seconds(std::min(count, k_most));
}

std::string_view text_of(const char* text) { return text == nullptr ? "" : text; }

char* new_string(std::string_view text) {
  auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

void set_string(char** out, std::string_view text) {
  if (out != nullptr) *out = new_string(text);
}

Result<void> read_options(const rtenv_options* given, Options& result) {
  RTENV_TRY(const rtenv_options options, read_struct(given, "options"));
  result.threads = options.threads;
  if (options.environment != nullptr) {
    RTENV_TRY(result.environment, variables_of(options.environment, "options.environment"));
  }
  result.base = text_of(options.base);
  result.stop = stop_of(options.stop);
  if (options.on_progress != nullptr)
    result.on_progress = [call = options.on_progress,
                          user = options.on_progress_user](const Progress& progress) {
      call(progress.done_bytes, progress.total_bytes.value_or(UINT64_MAX), user);
    };
  if (options.credentials != nullptr)
    result.credentials = [call = options.credentials, user = options.credentials_user](
                             std::string_view uri) -> Result<Variables> {
      rtenv_variables variables;
      if (call(std::string(uri).c_str(), &variables, user) != 0)
        return Error(Errc::permission_denied, "the caller has no credentials for this URI");
      return std::move(variables.variables);
    };
  return {};
}

}  // namespace rtenv::capi
