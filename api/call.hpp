// One call of a public function: what its options mean for the layers below, and the border that no
// exception passes, neither one of a library's to the caller nor one of the caller's functions to a
// layer.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "api/guard.hpp"
#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "base/wait_scope.hpp"
#include "remote/object_store.hpp"
#include "rtenv/options.hpp"

namespace rtenv::api {

/// The variables, or those of the process.
Environment environment_of(const std::optional<Variables>& variables);

/// Fails: invalid_argument (one has a name or a value that no variable can have). `option` is what
/// the caller calls them.
Result<void> check_variables(const Variables& variables, std::string_view option);
Result<void> check_environment(const std::optional<Variables>& variables);

/// Thread-safe. Not movable: the functions that it returns refer to it.
class Call {
 public:
  /// `options` must outlive it. Requires: begin() is the next call.
  explicit Call(const Options& options)
      : options_(options), environment_(environment_of(options.environment)) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// Fails: unavailable (no descriptor left), as check_environment.
  Result<void> begin();
  /// `result`, or the error of a function of the caller's that threw.
  template <class Value>
  Result<Value> end(Result<Value> result) const {
    const std::lock_guard lock(mutex_);
    if (thrown_) return *thrown_;
    return result;
  }

  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  /// Never null.
  [[nodiscard]] const Cancellation* cancellation() const noexcept { return &*cancellation_; }
  [[nodiscard]] unsigned threads() const;
  /// A path of the caller's.
  [[nodiscard]] Path resolve(const Path& path) const { return options_.base / path; }

  // The caller's functions, which don't throw any more. Empty if the caller's are.
  [[nodiscard]] std::function<void(std::uint64_t, std::optional<std::uint64_t>)> on_progress();
  [[nodiscard]] OnText on_text(const OnText& function);
  [[nodiscard]] remote::StoreOptions store_options();

 private:
  template <class Function>
  auto guarded(const char* name, Function function);

  const Options& options_;
  Environment environment_;
  std::optional<Cancellation> cancellation_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
  mutable std::mutex mutex_;
  std::optional<Error> thrown_;  // guarded by mutex_
};

/// Runs `work(call)`, which returns a Result, as the body of a public function.
template <class Work>
auto in_call(const Options& options, Work work) -> decltype(work(std::declval<Call&>())) {
  return guarded([&]() -> decltype(work(std::declval<Call&>())) {
    Call call(options);
    if (auto begun = call.begin(); !begun) return Failure(begun.error());
    const WaitScope scope(call.cancellation());
    return call.end(work(call));
  });
}

/// The same of a function whose only option is what stops it.
template <class Work>
auto in_call(Stop stop, Work work) -> decltype(work(std::declval<Call&>())) {
  Options options;
  options.environment.emplace();  // it needs none
  options.stop = std::move(stop);
  return in_call(options, std::move(work));
}

/// Doesn't throw any more. Empty if the caller's function is.
remote::CredentialProvider guarded_credentials(const Credentials& credentials);
/// Calls the caller's function for a URI or an address, unless it is empty. Doesn't throw.
Result<Variables> credentials_for(std::string_view address, const Credentials& credentials);

/// The error of a function of the caller's that threw. Call it in a catch block.
Error error_of_callers_exception(std::string_view function);

}  // namespace rtenv::api
