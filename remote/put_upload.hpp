// An upload by one PUT. Up to 8 MiB are kept and sent with their length, in several attempts where
// needed; more is sent while it comes, by a thread of its own, in one attempt: in chunks where the
// size isn't known beforehand.
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
  /// `client` must outlive it. `request`: the PUT, complete but for its body.
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
  std::size_t taken_bytes_ = 0;  // of the first block
  bool complete_ = false;
  bool given_up_ = false;
  std::optional<Result<void>> outcome_;
  std::jthread sender_;
};

}  // namespace rtenv::remote
