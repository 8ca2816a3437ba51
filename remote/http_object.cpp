#include "remote/http_object.hpp"

#include <charconv>

#include "base/redact.hpp"
#include "remote/timestamp.hpp"

namespace rtenv::remote {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

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
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last) return std::nullopt;
  return ContentRange{*first, *last, number(text.substr(slash + 1))};
}

Result<void> check_response(const HttpResponse& response, const ObjectInfo& expected,
                            const std::optional<ByteRange>& range, const std::string& shown) {
  const ObjectInfo got = object_info(response);
  const bool other_version =
      !expected.version.empty() && !got.version.empty() && got.version != expected.version;
  const bool other_size =
      expected.size_bytes && got.size_bytes && *got.size_bytes != *expected.size_bytes;
  if (other_version || other_size)
    return fail(Errc::corrupt, "{} changed while it was read", shown)
        .hint("fetch it again when no process is writing it");
  if (!range) return {};
  const auto part = parse_content_range(response.header("content-range"));
  if (response.status == 206 && part && part->first == range->offset &&
      part->last + 1 == range->offset + range->size_bytes)
    return {};
  return fail(Errc::invalid_argument, "the server of {} sent another range than the requested one",
              shown);
}

}  // namespace

ObjectInfo object_info(const HttpResponse& response) {
  ObjectInfo info;
  const auto part = parse_content_range(response.header("content-range"));
  info.size_bytes = part ? part->total : number(response.header("content-length"));
  info.version = response.header("etag");
  if (info.version.empty()) info.version = response.header("last-modified");
  info.modified_s = parse_timestamp(std::string(response.header("last-modified")));
  info.ranges = part.has_value() || response.header("accept-ranges") == "bytes";
  return info;
}

Result<void> read_object(HttpClient& client, HttpRequest request, const ObjectInfo& expected,
                         const std::optional<ByteRange>& range, const BodySink& sink,
                         const Explain& explain) {
  const std::string shown = redacted_url(request.url);
  if (range)
    request.headers.push_back(
        fmt::format("Range: bytes={}-{}", range->offset, range->offset + range->size_bytes - 1));
  const auto expected_bytes = range ? std::optional(range->size_bytes) : expected.size_bytes;
  request.check_response = [&](const HttpResponse& response) {
    return check_response(response, expected, range, shown);
  };
  std::uint64_t received_bytes = 0;
  RTENV_TRY(const auto response,
            client.stream(request, [&](std::span<const std::byte> data) -> Result<void> {
              received_bytes += data.size();
              if (expected_bytes && received_bytes > *expected_bytes)
                return fail(Errc::corrupt, "the server of {} sent more than the announced {} bytes",
                            shown, *expected_bytes);
              return sink(data);
            }));
  if (!response.succeeded()) return explain(response);
  if (expected_bytes && received_bytes != *expected_bytes)
    return fail(Errc::unavailable, "{} was cut off after {} of {} bytes", shown, received_bytes,
                *expected_bytes);
  return {};
}

}  // namespace rtenv::remote
