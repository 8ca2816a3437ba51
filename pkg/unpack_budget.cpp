#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::uint64_t k_ratio_from_bytes = 1ULL << 30U;

}  // namespace

Result<void> UnpackBudget::check_cancellation() const {
  if (cancellation_ != nullptr && cancellation_->requested())
    return fail(Errc::cancelled, "interrupted while unpacking");
  return {};
}

Result<void> UnpackBudget::add_entry() {
  RTENV_TRY(check_cancellation());
  if (++entries_ > limits_.max_entries)
    return fail(Errc::invalid_argument, "the archive is refused: it has more than {} entries",
                limits_.max_entries);
  return {};
}

Result<void> UnpackBudget::add_bytes(std::uint64_t count) {
  RTENV_TRY(check_cancellation());
  const std::uint64_t total = bytes_ += count;
  if (total > limits_.max_total_bytes)
    return fail(Errc::invalid_argument,
                "the archive is refused: it unpacks to more than {} bytes{}{}",
                limits_.max_total_bytes, limits_.reason.empty() ? "" : ", ", limits_.reason);
  if (total > k_ratio_from_bytes && total / limits_.max_ratio > archive_bytes_)
    return fail(Errc::invalid_argument,
                "the archive is refused: it unpacks to more than {} times its size",
                limits_.max_ratio);
  return {};
}

}  // namespace rtenv::pkg
