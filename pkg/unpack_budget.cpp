#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::uint64_t k_ratio_from_bytes = 1ULL << 30U;

}  // namespace

Failure too_many_entries(const UnpackLimits& limits) {
  return fail(Errc::invalid_argument, "the archive is refused: it has more than {} entries",
              limits.max_entries)
      .hint("{}", limits.hint);
}

Result<void> UnpackBudget::check_cancellation() const {
  return check_not_cancelled(cancellation_, "unpacking", "the archive");
}

Result<void> UnpackBudget::add_entry() {
  RTENV_TRY(check_cancellation());
  if (++entries_ > limits_.max_entries) return too_many_entries(limits_);
  return {};
}

Result<void> UnpackBudget::add_bytes(ArchiveNumber count) {
  RTENV_TRY(check_cancellation());
  std::uint64_t before = bytes_;
  std::uint64_t total = 0;
  do total = (count + before).value();
  while (!bytes_.compare_exchange_weak(before, total));
  if (total > limits_.max_total_bytes)
    return fail(Errc::invalid_argument,
                "the archive is refused: it unpacks to more than {} bytes{}{}",
                limits_.max_total_bytes, limits_.reason.empty() ? "" : ", ", limits_.reason)
        .hint("{}", limits_.hint);
  if (total > k_ratio_from_bytes && total / limits_.max_ratio > archive_bytes_)
    return fail(Errc::invalid_argument,
                "the archive is refused: it unpacks to more than {} times its size",
                limits_.max_ratio)
        .hint("{}", limits_.hint);
  return {};
}

}  // namespace rtenv::pkg
