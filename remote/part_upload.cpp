#include "remote/part_upload.hpp"

#include <algorithm>

namespace rtenv::remote {
namespace {

constexpr std::size_t k_max_unsent_bytes = 256U << 20U;
constexpr std::size_t k_parts_of_first_size = 1000;
constexpr std::size_t k_parts_of_later_sizes = 60;  // of each; the next ones have 8 MiB more
// Stores want multiples of 256 KiB.
constexpr std::uint64_t k_step_bytes = 1U << 20U;

}  // namespace

std::size_t PartUpload::part_bytes(std::size_t index, std::optional<std::uint64_t> object_bytes) {
  if (object_bytes) {
    const std::uint64_t even = (*object_bytes + k_max_parts - 1) / k_max_parts;
    const std::uint64_t rounded = (even + k_step_bytes - 1) / k_step_bytes * k_step_bytes;
    return std::max<std::uint64_t>(rounded, k_first_part_bytes);
  }
  const std::size_t later = index - std::min(index, k_parts_of_first_size);
  return k_first_part_bytes * (1 + later / k_parts_of_later_sizes);
}

PartUpload::PartUpload(std::unique_ptr<PartTarget> target, unsigned connections,
                       std::optional<std::uint64_t> object_bytes)
    : target_(std::move(target)), connections_(connections), object_bytes_(object_bytes) {}

PartUpload::~PartUpload() {
  stop_workers();
  if (begun_ && !finished_) target_->abort();
}

void PartUpload::stop_workers() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    queue_.clear();
  }
  changed_.notify_all();
  workers_.clear();  // joins
}

void PartUpload::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopped_ || !queue_.empty(); });
    if (stopped_) return;
    const Part part = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    auto sent = target_->send(part);
    lock.lock();
    --unsent_parts_;
    unsent_bytes_ -= part.bytes.size();
    if (!sent && !error_) error_ = std::move(sent).error();
    changed_.notify_all();
  }
}

// Queues the current part for a worker; waits while all workers are busy.
Result<void> PartUpload::enqueue(bool last) {
  if (!begun_) {
    RTENV_TRY(target_->begin());
    begun_ = true;
    for (unsigned i = 0; i < connections_; ++i) workers_.emplace_back([this] { work(); });
  }
  if (current_.index >= k_max_parts)
    return fail(Errc::out_of_space, "the object is larger than the {} bytes that {} parts hold",
                current_.offset, k_max_parts);
  Part next{.index = current_.index + 1, .offset = current_.offset + current_.bytes.size()};
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return error_ || unsent_parts_ == 0 ||
           (unsent_parts_ < connections_ &&
            unsent_bytes_ + current_.bytes.size() <= k_max_unsent_bytes);
  });
  if (error_) return Failure(*error_);
  ++unsent_parts_;
  unsent_bytes_ += current_.bytes.size();
  current_.last = last;
  queue_.push_back(std::move(current_));
  current_ = std::move(next);
  changed_.notify_all();
  return {};
}

Result<void> PartUpload::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    const std::size_t capacity = part_bytes(current_.index, object_bytes_);
    // Not sooner: until there is more data, the full part may be the last one.
    if (current_.bytes.size() == capacity) {
      RTENV_TRY(enqueue(false));
      continue;
    }
    const std::size_t count = std::min(data.size(), capacity - current_.bytes.size());
    if (current_.bytes.capacity() < capacity &&
        current_.bytes.size() + count > current_.bytes.capacity() / 2)
      current_.bytes.reserve(capacity);
    current_.bytes.insert(current_.bytes.end(), data.begin(),
                          data.begin() + static_cast<std::ptrdiff_t>(count));
    target_->digest(data.first(count));
    data = data.subspan(count);
  }
  return {};
}

Result<void> PartUpload::finish() {
  if (!begun_) {
    RTENV_TRY(target_->put_whole(current_.bytes));
    finished_ = true;
    return {};
  }
  RTENV_TRY(enqueue(true));
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || unsent_parts_ == 0; });
    if (error_) return Failure(*error_);
  }
  RTENV_TRY(target_->complete(current_.index));
  finished_ = true;
  return {};
}

}  // namespace rtenv::remote
