#include "api/call.hpp"

#include <algorithm>

#include "api/internals.hpp"
#include "base/processors.hpp"

namespace rtenv::api {

Environment environment_of(const std::optional<Variables>& variables) {
  return variables ? Environment(*variables) : Environment::of_process();
}

Result<void> check_variables(const Variables& variables, std::string_view option) {
  for (const auto& [name, value] : variables)
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos ||
        value.find('\0') != std::string::npos)
      return fail(Errc::invalid_argument,
                  "{}: '{}' can't be the name of a variable, or its value has a NUL byte", option,
                  name);
  return {};
}

Result<void> check_environment(const std::optional<Variables>& variables) {
  return variables ? check_variables(*variables, "environment") : Result<void>();
}

Error error_of_callers_exception(std::string_view function) {
  try {
    throw;
  } catch (const std::exception& exception) {
    return {Errc::invalid_argument,
            fmt::format("{} threw an exception: {}", function, exception.what())};
  } catch (...) {
    return {Errc::invalid_argument, fmt::format("{} threw an exception", function)};
  }
}

Result<void> Call::begin() {
  RTENV_TRY(check_environment(options_.environment));
  const auto* const signal = std::get_if<StopSignal>(&options_.stop);
  if (const Cancellation* const above = signal != nullptr ? Internals::of(*signal) : nullptr) {
    RTENV_TRY(cancellation_, Cancellation::create_below(*above));
    return {};
  }
  RTENV_TRY(cancellation_, Cancellation::create());
  const auto* const token = std::get_if<std::stop_token>(&options_.stop);
  if (token != nullptr && token->stop_possible())
    on_stop_.emplace(*token, [this] { cancellation_->request(); });
  return {};
}

unsigned Call::threads() const {
  // The system's answer takes longer than a whole call that finds everything in the cache.
  static const unsigned usual = default_threads();
  constexpr unsigned k_most = 1024;
  return options_.threads != 0 ? std::min(options_.threads, k_most) : usual;
}

// Stops the call if the caller's function throws.
template <class Function>
auto Call::guarded(const char* name, Function function) {
  return [this, name, function = std::move(function)](auto... arguments) {
    try {
      function(arguments...);
    } catch (...) {
      Error error = error_of_callers_exception(name);
      const std::lock_guard lock(mutex_);
      if (!thrown_) thrown_ = std::move(error);
      cancellation_->request();
    }
  };
}

std::function<void(std::uint64_t, std::optional<std::uint64_t>)> Call::on_progress() {
  if (!options_.on_progress) return {};
  return guarded("on_progress", [function = options_.on_progress](
                                    std::uint64_t done, std::optional<std::uint64_t> total) {
    function({.done_bytes = done, .total_bytes = total});
  });
}

OnText Call::on_text(const OnText& function) {
  if (!function) return {};
  return guarded("on_output", function);
}

Result<Variables> credentials_for(std::string_view address, const Credentials& credentials) {
  if (!credentials) return Variables();
  try {
    return credentials(address);
  } catch (...) {
    return error_of_callers_exception("credentials");
  }
}

remote::CredentialProvider guarded_credentials(const Credentials& credentials) {
  if (!credentials) return {};
  return [credentials](const remote::Uri& uri) -> Result<std::map<std::string, std::string>> {
    RTENV_TRY(const Variables variables, credentials_for(uri.text(), credentials));
    return std::map<std::string, std::string>(variables.begin(), variables.end());
  };
}

remote::StoreOptions Call::store_options() {
  return {.environment = environment_,
          .job_variables = {},
          .credentials = guarded_credentials(options_.credentials),
          .cancellation = cancellation()};
}

}  // namespace rtenv::api
