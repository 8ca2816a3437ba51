// Listings that a store returns in pages, each with a token for the next one. Entries are passed on
// page by page: memory doesn't grow with their number.
#pragma once

#include <functional>
#include <string>

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Passes the entries of one page to `on_listed`; returns the token of the next page, empty if it
/// is the last one.
using ListPage = std::function<Result<std::string>(const std::string& token, const OnListed&)>;

/// Calls `page` with the token of each page, first with an empty one. `cancellation` may be null.
/// Fails: as `page` and `on_listed`; cancelled; invalid_argument (`shown` returns a token again, or
/// nothing but empty pages: it would have no end).
Result<void> list_pages(const std::string& shown, const Cancellation* cancellation,
                        const OnListed& on_listed, const ListPage& page);

/// The error (invalid_argument) of a response that isn't a page of a listing.
Failure fail_listing(const std::string& shown, std::string_view why);

}  // namespace rtenv::remote
