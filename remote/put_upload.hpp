// An upload by one PUT. An object of up to 8 MiB is sent at the end, and retried. A larger one is
// streamed by a thread, in a single attempt, and in chunks if its size isn't known beforehand.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/raw_bytes.hpp"
#include "remote/http_object.hpp"

namespace rtenv::remote {

class PutUpload final : public Upload {
 public:
  /// `client` must outlive the upload. `request`: the PUT, complete except for its body.
  PutUpload(HttpClient& client, HttpRequest request, std::optional<std::uint64_t> size_bytes,
            Explain explain);
  PutUpload(const PutUpload&) = delete;
  PutUpload& operator=(const PutUpload&) = delete;
  ~PutUpload() override;

  Result<void> write(std::span<const std::byte> data) override;
  Result<void> finish() override;

 private:
  Result<void> push_block();
  Result<std::size_t> pull(std::span<std::byte> buffer);
  void run();

  HttpClient& client_;
  HttpRequest request_;
  std::optional<std::uint64_t> size_bytes_;
  Explain explain_;
  RawBytes block_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<RawBytes> blocks_;
  std::size_t sent_bytes_ = 0;  // of the first block
  bool complete_ = false;
  bool abandoned_ = false;
  std::optional<Result<void>> outcome_;
  std::jthread sender_;
};

}  // namespace rtenv::remote
