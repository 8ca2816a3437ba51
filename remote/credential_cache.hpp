// Credentials of one owner, kept as long as they are valid.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace rtenv::remote {

/// `Credentials` has expires_at_s: Unix time; nullopt: never. Thread-safe.
template <class Credentials>
class CredentialCache {
 public:
  /// nullopt: there are none, requests are anonymous.
  using Find = std::function<Result<std::optional<Credentials>>()>;

  /// `owner` begins the messages of errors.
  CredentialCache(std::string_view owner, Find find) : owner_(owner), find_(std::move(find)) {}

  /// Looks them up when they are first needed and again shortly before they expire. Fails: as
  /// `find`, but invalid_argument instead of not_found: a file with credentials that isn't there
  /// doesn't mean that the object isn't.
  Result<std::optional<Credentials>> get() {
    const std::lock_guard lock(mutex_);
    if (!found_ || expires_soon()) {
      auto found = find_();
      if (!found) return within_owner(std::move(found).error());
      found_ = std::move(*found);
    }
    return *found_;
  }

 private:
  // Metadata services have new ones by then.
  static constexpr std::int64_t k_renew_before_expiry_s = 240;

  [[nodiscard]] Failure within_owner(Error error) const {
    const Errc code = error.code() == Errc::not_found ? Errc::invalid_argument : error.code();
    return Failure(Error(code, error.message(), error.hint()).within(owner_));
  }

  [[nodiscard]] bool expires_soon() const {
    const std::optional<Credentials>& known = *found_;
    return known && known->expires_at_s &&
           *known->expires_at_s - unix_ms() / 1000 < k_renew_before_expiry_s;
  }

  std::string_view owner_;
  Find find_;
  std::mutex mutex_;
  std::optional<std::optional<Credentials>> found_;  // nullopt: not looked up yet
};

}  // namespace rtenv::remote
