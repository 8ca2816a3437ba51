// An upload in parts: the stream is cut, a few parts are on their way at a time, each is kept until
// the store has it, so that it can be sent again. What fits into one part goes as a whole.
//
// Memory: (connections + 1) parts. Parts grow with their number, so that 10,000 of them (the least
// that stores allow) hold 300 GiB though the first are small.
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

/// How a store takes an object. `send` may be called by several threads at a time, the others by
/// one.
class PartTarget {
 public:
  virtual ~PartTarget() = default;
  virtual Result<void> put_whole(std::span<const std::byte> object) = 0;
  virtual Result<void> begin() = 0;
  virtual Result<void> send(const Part& part) = 0;
  virtual Result<void> complete(std::size_t part_count) = 0;
  /// After `begin`, where it isn't completed: leaves nothing in the store. Must not fail loudly.
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
  Result<void> hand_over(bool last);
  void stop_workers() noexcept;

  std::unique_ptr<PartTarget> target_;
  unsigned connections_;
  Part current_;
  bool begun_ = false;
  bool finished_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> waiting_;
  unsigned under_way_ = 0;  // parts that aren't in the store, waiting ones included
  bool stopped_ = false;
  std::optional<Error> error_;
  std::vector<std::jthread> workers_;
};

}  // namespace rtenv::remote
