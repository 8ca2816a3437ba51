#include "remote/list_pages.hpp"

namespace rtenv::remote {
namespace {

// Stores may return some, of objects that were removed.
constexpr int k_max_empty_pages = 1000;

// Notices a cycle of any length and keeps one token (Brent's algorithm): the one compared with is
// replaced after 1, 2, 4, … pages.
class TokenCycle {
 public:
  bool closes(const std::string& token) {
    if (token == kept_) return true;
    if (++pages_ == next_kept_) {
      kept_ = token;
      next_kept_ *= 2;
    }
    return false;
  }

 private:
  std::string kept_;
  std::uint64_t pages_ = 0;
  std::uint64_t next_kept_ = 1;
};

Failure fail_endless(const std::string& shown, const char* why) {
  return fail(Errc::invalid_argument, "{}: the store's listing has no end: {}", shown, why);
}

}  // namespace

Result<void> list_pages(const std::string& shown, const Cancellation* cancellation,
                        const OnListed& on_listed, const ListPage& page) {
  bool is_empty = true;
  const OnListed counted = [&](ListedObject object) -> Result<void> {
    is_empty = false;
    RTENV_TRY(check_not_cancelled(cancellation, "listing", shown));
    return on_listed(std::move(object));
  };
  TokenCycle cycle;
  int empty_pages = 0;
  for (std::string token;;) {
    RTENV_TRY(check_not_cancelled(cancellation, "listing", shown));
    is_empty = true;
    RTENV_TRY(std::string next, page(token, counted));
    if (next.empty()) return {};
    if (cycle.closes(next)) return fail_endless(shown, "it returns the same page again");
    empty_pages = is_empty ? empty_pages + 1 : 0;
    if (empty_pages == k_max_empty_pages) return fail_endless(shown, "its pages are empty");
    token = std::move(next);
  }
}

Failure fail_listing(const std::string& shown, std::string_view why) {
  return fail(Errc::invalid_argument, "{}: the response isn't a listing: {}", shown, why);
}

}  // namespace rtenv::remote
