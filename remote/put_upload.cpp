#include "remote/put_upload.hpp"
#include "base/redact.hpp"

#include <algorithm>
#include <cstring>

namespace rtenv::remote {
namespace {

constexpr std::size_t k_block_bytes = 8U << 20U;
constexpr std::size_t k_max_blocks = 2;

}  // namespace

PutUpload::PutUpload(HttpClient& client, HttpRequest request,
                     std::optional<std::uint64_t> size_bytes, Explain explain)
    : client_(client),
      request_(std::move(request)),
      size_bytes_(size_bytes),
      explain_(std::move(explain)) {}

PutUpload::~PutUpload() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  changed_.notify_all();
}

Result<std::size_t> PutUpload::pull(std::span<std::byte> buffer) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return abandoned_ || complete_ || !blocks_.empty(); });
  if (abandoned_) return fail(Errc::cancelled, "the upload was abandoned");
  if (blocks_.empty()) return std::size_t{0};
  const RawBytes& block = blocks_.front();
  const std::size_t count = std::min(buffer.size(), block.size() - sent_bytes_);
  std::memcpy(buffer.data(), block.data() + sent_bytes_, count);
  sent_bytes_ += count;
  if (sent_bytes_ == block.size()) {
    blocks_.pop_front();
    sent_bytes_ = 0;
    changed_.notify_all();
  }
  return count;
}

void PutUpload::run() {
  HttpRequest request = request_;
  request.body_stream = [this](std::span<std::byte> buffer) { return pull(buffer); };
  request.body_stream_bytes = size_bytes_;
  const auto response =
      client_.stream(request, [](std::span<const std::byte>) { return Result<void>(); });
  const std::lock_guard lock(mutex_);
  if (!response)
    outcome_.emplace(Failure(response.error()));
  else if (!response->succeeded())
    outcome_.emplace(explain_(*response));
  else
    outcome_.emplace();
  changed_.notify_all();
}

Result<void> PutUpload::push_block() {
  if (!sender_.joinable()) sender_ = std::jthread([this] { run(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return outcome_ || blocks_.size() < k_max_blocks; });
  // Of a stream that is longer than its announced size.
  if (outcome_ && !*outcome_) return Failure(outcome_->error());
  if (outcome_)
    return fail(Errc::unavailable, "{}: the server ended the upload early",
                redacted_url(request_.url));
  blocks_.push_back(std::move(block_));
  block_ = RawBytes();
  changed_.notify_all();
  return {};
}

Result<void> PutUpload::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    if (block_.size() == k_block_bytes) RTENV_TRY(push_block());
    const std::size_t count = std::min(data.size(), k_block_bytes - block_.size());
    block_.insert(block_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(count));
    data = data.subspan(count);
  }
  return {};
}

Result<void> PutUpload::finish() {
  if (!sender_.joinable()) {
    RTENV_TRY(const auto response, client_.send([&]() -> Result<HttpRequest> {
      HttpRequest request = request_;
      request.body = block_;
      return request;
    }));
    if (!response.succeeded()) return explain_(response);
    return {};
  }
  if (!block_.empty()) RTENV_TRY(push_block());
  std::unique_lock lock(mutex_);
  complete_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return outcome_.has_value(); });
  return *outcome_;
}

}  // namespace rtenv::remote
