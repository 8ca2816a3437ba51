#include "remote/http_object.hpp"

#include <limits>

#include "base/decimal.hpp"
#include "base/redact.hpp"
#include "remote/timestamp.hpp"
#include "remote/transfer_error.hpp"

namespace rtenv::remote {
namespace {

// "bytes 0-99/1234"
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;
};

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view k_unit = "bytes ";
  if (!text.starts_with(k_unit)) return std::nullopt;
  text.remove_prefix(k_unit.size());
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash)
    return std::nullopt;
  const auto first = parse_decimal(text.substr(0, dash));
  const auto last = parse_decimal(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last) return std::nullopt;
  return ContentRange{*first, *last, parse_decimal(text.substr(slash + 1))};
}

// A server's clock ticks in seconds: what changes twice in one has one Last-Modified for both.
constexpr std::int64_t k_last_modified_settles_s = 2;
constexpr std::uint64_t k_max_object_bytes = std::numeric_limits<std::int64_t>::max();

bool is_strong(std::string_view etag) { return etag.starts_with('"'); }

bool is_etag(std::string_view version) { return is_strong(version) || version.starts_with("W/"); }

// A response without the version, or with one of another kind, doesn't tell.
bool differs(std::string_view got, std::string_view expected) {
  return !got.empty() && !expected.empty() && is_etag(got) == is_etag(expected) && got != expected;
}

std::string settled_last_modified(const HttpResponse& response) {
  const std::string text(response.header("last-modified"));
  const auto modified_s = parse_timestamp(text);
  const auto now_s = parse_timestamp(std::string(response.header("date")));
  const bool settled = modified_s && now_s && *now_s - *modified_s >= k_last_modified_settles_s;
  return settled ? text : std::string();
}

// One read in as many attempts as it takes.
class ObjectReader {
 public:
  ObjectReader(HttpClient& client, const ObjectRequest& request, const ObjectInfo& expected,
               const std::optional<ByteRange>& range, const ContentSink& sink)
      : client_(client),
        request_(request),
        expected_(expected),
        range_(range),
        sink_(sink),
        retry_(client.retry()),
        size_bytes_(range ? std::optional(range->size_bytes) : expected.size_bytes) {}

  Result<void> run() {
    return retry_.run([&]() -> Attempt<void> {
      if (auto prepared = prepare(); !prepared) return {std::move(prepared)};
      if (done_bytes_ > 0 && done_bytes_ == size_bytes_) return {Result<void>()};
      return attempt();
    });
  }

 private:
  [[nodiscard]] bool can_resume() const { return expected_.tie != Tie::none && size_bytes_; }

  Result<void> prepare() {
    if (done_bytes_ == 0 || can_resume()) return {};
    done_bytes_ = 0;
    return sink_.restart();
  }

  // What is still to be read; nullopt: the whole object.
  [[nodiscard]] std::optional<ByteRange> rest() const {
    if (!range_ && done_bytes_ == 0) return std::nullopt;
    const std::uint64_t begin = range_ ? range_->offset : 0;
    return ByteRange{begin + done_bytes_, *size_bytes_ - done_bytes_};
  }

  Attempt<void> attempt() {
    auto made = request_.make();
    if (!made) return {Failure(std::move(made).error())};
    HttpRequest request = std::move(*made);
    shown_ = redacted_url(request.url);
    const auto wanted = rest();
    if (wanted) {
      request.headers.push_back(fmt::format("Range: bytes={}-{}", wanted->offset,
                                            wanted->offset + wanted->size_bytes - 1));
      if (expected_.tie == Tie::etag) request.headers.push_back("If-Match: " + expected_.version);
    }
    request.check_response = [&](const HttpResponse& response) { return check(response, wanted); };
    request.max_bytes = k_max_object_bytes;  // accept() knows better
    bool begun = false;
    const auto response = client_.stream(request, [&](std::span<const std::byte> data) {
      begun = true;
      return accept(data);
    });
    if (!response || !response->succeeded()) return refused(response);
    if (!begun)  // nothing was checked
      if (auto checked = check(*response, wanted); !checked) return {std::move(checked)};
    if (!size_bytes_ || done_bytes_ == *size_bytes_) return {Result<void>()};
    Failure cut = fail(Errc::unavailable, "{} was cut off after {} of {} bytes", shown_,
                       done_bytes_, *size_bytes_);
    Setback setback{cut.message(), std::nullopt};
    return {std::move(cut), std::move(setback)};
  }

  Result<void> accept(std::span<const std::byte> data) {
    if (size_bytes_ && data.size() > *size_bytes_ - done_bytes_)
      return fail(Errc::corrupt, "the server of {} sent more than the announced {} bytes", shown_,
                  *size_bytes_);
    RTENV_TRY(sink_.write(data));
    done_bytes_ += data.size();
    if (can_resume()) retry_.add_progress(data.size());
    return {};
  }

  Attempt<void> refused(const Result<HttpResponse>& response) {
    auto setback = setback_of(response);
    if (!response) return {Failure(response.error()), std::move(setback)};
    // The object doesn't have this ETag, or this range, any more.
    if (response->status == 412 || response->status == 416) return {changed()};
    return {request_.explain(*response), std::move(setback)};
  }

  [[nodiscard]] Result<void> check(const HttpResponse& response,
                                   const std::optional<ByteRange>& wanted) const {
    const ObjectInfo got = object_info(response);
    const bool other_version =
        expected_.tie == Tie::etag
            ? got.version != expected_.version
            : expected_.tie == Tie::none && differs(got.version, expected_.version);
    const bool other_size =
        expected_.size_bytes && got.size_bytes && *got.size_bytes != *expected_.size_bytes;
    if (other_version || other_size) return changed();
    if (!wanted && response.status == 200) return {};
    if (!wanted)
      return fail(Errc::corrupt, "the server of {} sent status {} instead of the whole object",
                  shown_, response.status);
    const auto part = parse_content_range(response.header("content-range"));
    if (response.status == 206 && part && part->first == wanted->offset &&
        part->last + 1 == wanted->offset + wanted->size_bytes)
      return {};
    return fail(Errc::invalid_argument,
                "the server of {} sent another range than the requested one", shown_);
  }

  [[nodiscard]] Failure changed() const {
    return fail(Errc::changed, "{} changed while it was read", shown_)
        .hint("fetch it again when no process is writing it");
  }

  HttpClient& client_;
  const ObjectRequest& request_;
  const ObjectInfo& expected_;
  const std::optional<ByteRange>& range_;
  const ContentSink& sink_;
  Retry retry_;
  std::optional<std::uint64_t> size_bytes_;  // of what is read
  std::uint64_t done_bytes_ = 0;
  std::string shown_;
};

}  // namespace

ObjectInfo object_info(const HttpResponse& response, Ranges ranges) {
  ObjectInfo info;
  const auto part = parse_content_range(response.header("content-range"));
  info.size_bytes = part ? part->total : parse_decimal(response.header("content-length"));
  if (info.size_bytes > k_max_object_bytes) info.size_bytes.reset();
  info.version = response.header("etag");
  const bool has_ranges =
      ranges == Ranges::always || part.has_value() || response.header("accept-ranges") == "bytes";
  if (is_strong(info.version) && has_ranges) info.tie = Tie::etag;
  if (info.version.empty()) info.version = settled_last_modified(response);
  info.modified_s = parse_timestamp(std::string(response.header("last-modified")));
  info.checksum = offered_checksum(response);
  return info;
}

Result<HttpResponse> probe_once(HttpClient& client, HttpRequest request) {
  request.headers.emplace_back("Range: bytes=0-0");
  std::optional<HttpResponse> begun;
  request.check_response = [&](const HttpResponse& response) -> Result<void> {
    begun = response;
    if (parse_decimal(response.header("content-length")) == 1U) return {};
    return fail(Errc::cancelled, "stopped after the headers");
  };
  auto response = client.stream(request, [](auto) { return Result<void>(); });
  if (begun) return std::move(*begun);
  return response;
}

Result<HttpResponse> probe_object(HttpClient& client,
                                  const std::function<Result<HttpRequest>()>& make) {
  return client.retry().run([&]() -> Attempt<HttpResponse> {
    auto request = make();
    if (!request) return {Failure(std::move(request).error())};
    auto response = probe_once(client, std::move(*request));
    auto setback = setback_of(response);
    return {std::move(response), std::move(setback)};
  });
}

Result<void> read_object(HttpClient& client, const ObjectRequest& request,
                         const ObjectInfo& expected, const std::optional<ByteRange>& range,
                         const ContentSink& sink) {
  return ObjectReader(client, request, expected, range, sink).run();
}

}  // namespace rtenv::remote
