// An upload in parts: the stream is split, several parts are sent concurrently, and each stays in
// memory until the store has it, so that it can be retried. An object that fits into one part is
// sent as a whole.
//
// Stores allow 10,000 parts: of an object of unknown size, later parts are larger, so that they
// hold 5 TiB although the first 1000 have 8 MiB each. Memory: (connections + 1) parts of 8 MiB; of
// larger ones, 256 MiB or two parts, whichever is more.
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
  /// Sees the whole object in order, before its parts.
  virtual void digest(std::span<const std::byte> /*data*/) {}
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
  static constexpr std::size_t k_max_parts = 10'000;

  /// The size of the part `index` of an object of this size, if it is known.
  static std::size_t part_bytes(std::size_t index, std::optional<std::uint64_t> object_bytes);

  PartUpload(std::unique_ptr<PartTarget> target, unsigned connections,
             std::optional<std::uint64_t> object_bytes);
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
  std::optional<std::uint64_t> object_bytes_;
  Part current_;
  bool begun_ = false;
  bool finished_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> queue_;
  unsigned unsent_parts_ = 0;  // queued or being sent
  std::size_t unsent_bytes_ = 0;
  bool stopped_ = false;
  std::optional<Error> error_;
  std::vector<std::jthread> workers_;
};

}  // namespace rtenv::remote
