// Listings that a store returns in pages, each with a token for the next one.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"

namespace rtenv::remote {

/// Calls `page` with the token of each page, first with an empty one, until it returns an empty one
/// for the next. Fails: as `page`; unavailable (`shown` returns the same token again: it would have
/// no end).
inline Result<void> list_pages(
    const std::string& shown,
    const std::function<Result<std::string>(const std::string& token)>& page) {
  for (std::string token;;) {
    RTENV_TRY(std::string next, page(token));
    if (next.empty()) return {};
    if (next == token)
      return fail(Errc::unavailable, "{}: the store's listing doesn't advance", shown);
    token = std::move(next);
  }
}

/// The error of a response that isn't the page of a listing.
inline Failure fail_listing(const std::string& shown) {
  return fail(Errc::unavailable, "{}: the response isn't a listing", shown);
}

}  // namespace rtenv::remote
