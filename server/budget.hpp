// A limit of a sum over all clients: of the bytes of requests that are being read, or of waiting
// jobs. For one thread.
#pragma once

#include <cstdint>
#include <utility>

namespace rtenv::server {

class Budget {
 public:
  explicit Budget(std::uint64_t limit) : limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }

  /// What one client has of the budget; given back when it is destroyed. The budget must outlive
  /// it. Move-only.
  class Share {
   public:
    Share() = default;
    explicit Share(Budget& budget) : budget_(&budget) {}
    Share(Share&& other) noexcept
        : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (budget_ != nullptr) budget_->used_ -= bytes_;
    }
    /// False if the sum would exceed the limit; then nothing has changed.
    [[nodiscard]] bool grow(std::uint64_t bytes) {
      if (budget_->limit_ - budget_->used_ < bytes) return false;
      budget_->used_ += bytes;
      bytes_ += bytes;
      return true;
    }

   private:
    Budget* budget_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

 private:
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
};

}  // namespace rtenv::server
