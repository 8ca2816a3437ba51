#include "remote/gs_store.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "remote/credential_cache.hpp"
#include "remote/gs_credentials.hpp"
#include "remote/http_object.hpp"
#include "remote/json_field.hpp"
#include "remote/list_pages.hpp"
#include "remote/part_upload.hpp"
#include "remote/rest_store.hpp"
#include "remote/store_names.hpp"
#include "remote/timestamp.hpp"
#include "remote/transfer_error.hpp"

namespace rtenv::remote {
namespace {

using nlohmann::json;

constexpr int k_resume_incomplete = 308;  // the response tells where to resume

std::string endpoint_url(const Environment& environment) {
  std::string url(
      environment.find_filled("STORAGE_EMULATOR_HOST").value_or("https://storage.googleapis.com"));
  if (!looks_like_uri(url)) url.insert(0, "http://");
  return std::string(trim_end(url, "/"));
}

class GsStore final : public RestStore {
 public:
  GsStore(std::string endpoint, Environment environment, Access access,
          const Cancellation* cancellation)
      : RestStore(std::move(endpoint), std::move(environment), cancellation),
        access_(access),
        token_("Google Cloud credentials", [this]() -> Result<std::optional<GsToken>> {
          if (access_ == Access::anonymous) return std::optional<GsToken>();
          return find_gs_token(client());
        }) {}

  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(const std::string url, object_url(object));
    json body;
    RTENV_TRY(send_or_explain(
        object, {.url = url + "?fields=size,generation,updated,crc32c,contentEncoding",
                 .take_document = take_json(body, object)}));
    ObjectInfo info{.size_bytes = number_field(body, "size"),
                    .version = text_field(body, "generation"),
                    .modified_s = parse_timestamp(text_field(body, "updated"))};
    if (!info.size_bytes)
      return fail(Errc::invalid_argument, "{}: the response isn't an object's: it has no size",
                  object.shown());
    if (!info.version.empty()) info.tie = Tie::request;
    // What is stored compressed may be sent uncompressed.
    const std::string crc = text_field(body, "crc32c");
    if (!crc.empty() && text_field(body, "contentEncoding").empty())
      info.checksum = Checksum{ChecksumKind::crc32c, crc};
    return info;
  }

  Result<void> read(const Uri& object, const ObjectInfo& expected,
                    const std::optional<ByteRange>& range, const ContentSink& sink) override {
    RTENV_TRY(std::string url, object_url(object));
    url += "?alt=media";
    if (!expected.version.empty()) url += "&generation=" + percent_encode(expected.version);
    const ObjectRequest request{.make = [&] { return authorized({.url = url}); },
                                .explain = [&](const HttpResponse& response) -> Failure {
                                  if (response.status == 404 && !expected.version.empty())
                                    return fail(Errc::changed, "{} changed while it was read",
                                                object.shown());
                                  return explain(object, response);
                                }};
    return read_object(client(), request, expected, range, sink);
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object,
                                         std::optional<std::uint64_t> size_bytes) override;

  Result<void> list(const Uri& prefix, const OnListed& on_listed) override {
    return list_pages(prefix.shown(), client().cancellation(), on_listed,
                      [&](const std::string& token, const OnListed& on_entry) {
                        return list_page(prefix, token, on_entry);
                      });
  }

  [[nodiscard]] Result<std::string> upload_url(const Uri& object, std::string_view type) const {
    RTENV_TRY(const std::string bucket, bucket_url(object, "/upload"));
    return fmt::format("{}?uploadType={}&name={}", bucket, type, percent_encode(object.path));
  }

  [[nodiscard]] Result<std::string> object_url(const Uri& object) const override {
    RTENV_TRY(const std::string bucket, bucket_url(object));
    return fmt::format("{}/{}", bucket, percent_encode(object.path));
  }

  [[nodiscard]] Failure explain(const Uri& object, const HttpResponse& response) override {
    const json body = json_from_text(response.body);
    const json error = body.is_object() ? body.value("error", json()) : json();
    std::string reason = text_field(error, "message");
    if (reason.empty())
      reason = response.body.substr(0, response.body.find('\n'));  // some responses are plain text
    auto failure = fail_status(response.status, object.shown(), reason);
    if (access_ == Access::anonymous) return failure;
    const auto token = token_.get();
    if (failure.code() == Errc::permission_denied && token && !*token)
      return std::move(failure).hint(
          "no Google Cloud credentials were found: set GOOGLE_APPLICATION_CREDENTIALS");
    return failure;
  }

  // For HttpRequest::take_document: `body` must outlive the request.
  static std::function<Result<void>(const HttpResponse&)> take_json(json& body, const Uri& asked) {
    return [&body, shown = asked.shown()](const HttpResponse& response) -> Result<void> {
      RTENV_TRY(body, parse_json_object(response.body, shown));
      return {};
    };
  }

 private:
  // Returns the token of the next page.
  Result<std::string> list_page(const Uri& prefix, const std::string& token,
                                const OnListed& on_listed) {
    RTENV_TRY(std::string url, bucket_url(prefix));
    url += "?prefix=" + percent_encode(prefix.path);
    if (!token.empty()) url += "&pageToken=" + percent_encode(token);
    json body;
    RTENV_TRY(
        send_or_explain(prefix, {.url = std::move(url), .take_document = take_json(body, prefix)}));
    // Without entries, there is no list of them.
    const json items = body.value("items", json::array());
    const json next = body.value("nextPageToken", json(""));
    if (!items.is_array() || !next.is_string() || body.contains("error"))
      return fail_listing(prefix.shown(), "it has an error, or its items aren't a list");
    for (const json& item : items) {
      Uri uri = prefix;
      uri.path = text_field(item, "name");
      const auto size_bytes = number_field(item, "size");
      if (uri.path.empty() || !size_bytes)
        return fail_listing(prefix.shown(), "an entry has no name or no size");
      RTENV_TRY(
          on_listed({std::move(uri), *size_bytes, parse_timestamp(text_field(item, "updated"))}));
    }
    return next.get<std::string>();
  }

  // Of the objects in a bucket.
  [[nodiscard]] Result<std::string> bucket_url(const Uri& object, std::string_view api = {}) const {
    RTENV_TRY(const Url base, endpoint());
    RTENV_TRY(const GsBucket bucket, GsBucket::parse(object.authority, object.shown()));
    return fmt::format("{}{}/storage/v1/b/{}/o", base.text(), api, bucket.text());
  }

  Result<HttpRequest> authorized(HttpRequest request) override {
    RTENV_TRY(const auto token, token_.get());
    if (!token) return request;
    request.bearer = token->access_token;
    if (!token->quota_project.empty())
      request.headers.push_back("x-goog-user-project: " + token->quota_project);
    return request;
  }

  Access access_;
  CredentialCache<GsToken> token_;
};

// A resumable upload: cloud.google.com/storage/docs/performing-resumable-uploads. Parts are sent
// one after another.
class GsPartTarget final : public PartTarget {
 public:
  GsPartTarget(GsStore& store, Uri object) : store_(store), object_(std::move(object)) {}

  Result<void> put_whole(std::span<const std::byte> object) override {
    add(object);
    RTENV_TRY(std::string url, store_.upload_url(object_, "media"));
    json stored;
    RTENV_TRY(
        store_.send_or_explain(object_, {.method = "POST",
                                         .url = std::move(url),
                                         .headers = {"Content-Type: application/octet-stream"},
                                         .body = object,
                                         .take_document = GsStore::take_json(stored, object_)}));
    return check_stored(stored);
  }

  Result<void> begin() override {
    RTENV_TRY(std::string url, store_.upload_url(object_, "resumable"));
    RTENV_TRY(const auto response,
              store_.send_or_explain(object_, {.method = "POST",
                                               .url = std::move(url),
                                               .headers = {"Content-Type: application/json",
                                                           "X-Upload-Content-Type: "
                                                           "application/octet-stream"},
                                               .body = std::as_bytes(std::span(k_no_metadata))}));
    session_url_ = response.header("location");
    if (session_url_.empty())
      return fail(Errc::unavailable, "{}: the store returned no URL for the upload",
                  object_.shown());
    return {};
  }

  Result<void> send(const Part& part) override {
    add(part.bytes);
    const std::uint64_t end = part.offset + part.bytes.size();
    const std::string total = part.last ? std::to_string(end) : "*";
    for (std::uint64_t from = part.offset;;) {
      json stored_object;
      HttpRequest request{
          .method = "PUT",
          .url = session_url_,
          .headers = {fmt::format("Content-Range: bytes {}-{}/{}", from, end - 1, total)},
          .body = std::span<const std::byte>(part.bytes).subspan(from - part.offset)};
      if (part.last) request.take_document = GsStore::take_json(stored_object, object_);
      RTENV_TRY(const auto response, store_.send(request));
      if (part.last && response.succeeded()) return check_stored(stored_object);
      if (response.status != k_resume_incomplete) return store_.explain(object_, response);
      const std::uint64_t stored = stored_bytes(response);
      if (stored == end && !part.last) return {};
      if (stored <= from || stored > end)
        return fail(Errc::unavailable, "{}: the store accepts no more of the upload",
                    object_.shown());
      from = stored;
    }
  }

  Result<void> complete(std::size_t) override { return {}; }  // the last part completes it

  void abort() noexcept override {
    const auto response = store_.send({.method = "DELETE", .url = session_url_, .cleans_up = true});
    if (!response)
      log::debug("{}: the abandoned upload stays in the store for a week", object_.shown());
  }

 private:
  static constexpr std::string_view k_no_metadata = "{}";

  // Parses "bytes=0-1048575": how much of the object the store has.
  static std::uint64_t stored_bytes(const HttpResponse& response) {
    const std::string_view text = response.header("range");
    const auto dash = text.find('-');
    std::uint64_t last = 0;
    if (dash == std::string_view::npos ||
        std::from_chars(text.data() + dash + 1, text.data() + text.size(), last).ec != std::errc())
      return 0;
    return last + 1;
  }

  void add(std::span<const std::byte> data) {
    size_bytes_ += data.size();
    md5_.add(data);
    crc32c_.add(data);
  }

  // Some objects have no MD5.
  Result<void> check_stored(const json& stored) {
    const std::string md5 = text_field(stored, "md5Hash");
    const std::string crc32c = text_field(stored, "crc32c");
    const auto size_bytes = number_field(stored, "size");
    if (!size_bytes || (md5.empty() && crc32c.empty()))
      return fail(
          Errc::invalid_argument,
          "{}: the response to the upload isn't the object's: it has no size or no checksum",
          object_.shown());
    const bool is_same =
        md5.empty() ? crc32c == base64(crc32c_.finish()) : md5 == base64(md5_.finish());
    if (*size_bytes == size_bytes_ && is_same) return {};
    // Of this generation: another one is somebody else's.
    RTENV_TRY(const std::string url, store_.object_url(object_));
    [[maybe_unused]] const auto removed =
        store_.send({.method = "DELETE",
                     .url = fmt::format("{}?generation={}", url,
                                        percent_encode(text_field(stored, "generation")))});
    return fail(Errc::corrupt,
                "{}: the stored object's checksum differs from what was sent; it was removed",
                object_.shown());
  }

  GsStore& store_;
  Uri object_;
  std::string session_url_;
  std::uint64_t size_bytes_ = 0;
  Md5 md5_;
  Crc32c crc32c_;
};

Result<std::unique_ptr<Upload>> GsStore::upload(const Uri& object,
                                                std::optional<std::uint64_t> size_bytes) {
  return std::make_unique<PartUpload>(std::make_unique<GsPartTarget>(*this, object), 1, size_bytes);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_gs_store(Environment environment, Access access,
                                                   const Cancellation* cancellation) {
  std::string endpoint = endpoint_url(environment);
  return std::make_unique<GsStore>(std::move(endpoint), std::move(environment), access,
                                   cancellation);
}

}  // namespace rtenv::remote
