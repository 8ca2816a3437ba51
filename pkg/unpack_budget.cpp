#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::uint64_t k_ratio_from_bytes = 1ULL << 30U;
// Not counted as data: an entry's headers with the longest path and link, and what is decompressed
// ahead or fills up the archive's last block.
constexpr std::uint64_t k_header_bytes = 16 << 10;
constexpr std::uint64_t k_ahead_bytes = 1 << 20;

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
  progress_.add(count.value());
  return check_total(total);
}

Result<void> UnpackBudget::add_decompressed(std::uint64_t count) {
  RTENV_TRY(check_cancellation());
  const std::uint64_t total = decompressed_ += count;
  const std::uint64_t free = k_ahead_bytes + k_header_bytes * (entries_ + 1);
  return check_total(total > free ? total - free : 0);
}

Result<void> UnpackBudget::check_total(std::uint64_t total) const {
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
