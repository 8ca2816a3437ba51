// An upload in parts: the stream is split, several parts are sent concurrently, and each stays in
// memory until the store has it, so that it can be retried. An object that fits into one part is
// sent as a whole.
//
// Memory: (connections + 1) parts. Later parts are larger, so that 10,000 of them (which all stores
// allow) hold 300 GiB although the first ones are small.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/raw_bytes.hpp"
#include "remote/object_store.hpp"

namespace rtenv::remote {

struct Part {
  std::size_t index = 0;     // from 0
  std::uint64_t offset = 0;  // in the object
  bool last = false;
  RawBytes bytes;
};

/// A store's protocol for an upload in parts. `send` may be called by several threads at a time;
/// all other functions are called by one thread.
class PartTarget {
 public:
  virtual ~PartTarget() = default;
  virtual Result<void> put_whole(std::span<const std::byte> object) = 0;
  virtual Result<void> begin() = 0;
  virtual Result<void> send(const Part& part) = 0;
  virtual Result<void> complete(std::size_t part_count) = 0;
  /// Removes what was sent, if the upload was begun and not completed.
  virtual void abort() noexcept = 0;
};

class PartUpload final : public Upload {
 public:
  static constexpr std::size_t k_first_part_bytes = 8U << 20U;

  PartUpload(std::unique_ptr<PartTarget> target, unsigned connections);
  PartUpload(const PartUpload&) = delete;
  PartUpload& operator=(const PartUpload&) = delete;
  ~PartUpload() override;

  Result<void> write(std::span<const std::byte> data) override;
  Result<void> finish() override;

 private:
  void work();
  Result<void> enqueue(bool last);
  void stop_workers() noexcept;

  std::unique_ptr<PartTarget> target_;
  unsigned connections_;
  Part current_;
  bool begun_ = false;
  bool finished_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> queue_;
  unsigned unsent_parts_ = 0;  // queued or being sent
  bool stopped_ = false;
  std::optional<Error> error_;
  std::vector<std::jthread> workers_;
};

}  // namespace rtenv::remote
