#include "remote/gs_store.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "remote/gs_credentials.hpp"
#include "remote/http_object.hpp"
#include "remote/json_field.hpp"
#include "remote/part_upload.hpp"
#include "remote/timestamp.hpp"

namespace rtenv::remote {
namespace {

using nlohmann::json;

constexpr int k_resume_incomplete = 308;  // "go on from here"

// The API writes 64-bit numbers as strings.
std::uint64_t number_field(const json& object, const char* name) {
  const std::string text = text_field(object, name);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string base_url(const Environment& environment) {
  std::string url(
      environment.find_filled("STORAGE_EMULATOR_HOST").value_or("https://storage.googleapis.com"));
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

class GsStore final : public ObjectStore {
 public:
  GsStore(Environment environment, const Cancellation* cancellation)
      : client_(std::move(environment), cancellation),
        base_(base_url(client_.environment())),
        tokens_(client_) {}

  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(const auto response,
              send({.url = object_url(object) + "?fields=size,generation,updated"}));
    if (!response.succeeded()) return explain(object, response);
    const json answer = json_from_text(response.body);
    return ObjectInfo{.size_bytes = number_field(answer, "size"),
                      .version = text_field(answer, "generation"),
                      .ranges = true,
                      .modified_s = parse_timestamp(text_field(answer, "updated"))};
  }

  Result<void> read(const Uri& object, const ObjectInfo& expected,
                    const std::optional<ByteRange>& range, const BodySink& sink) override {
    HttpRequest request{.url = object_url(object) + "?alt=media"};
    if (!expected.version.empty()) request.url += "&generation=" + expected.version;
    RTENV_TRY(authorize(request));
    // The generation is asked for by the URL; the answer's ETag is another thing.
    return read_object(
        client_, std::move(request), {.size_bytes = expected.size_bytes, .version = {}}, range,
        sink, [&](const HttpResponse& response) -> Failure {
          if (response.status == 404 && !expected.version.empty())
            return fail(Errc::corrupt, "{} changed while it was read", object.shown());
          return explain(object, response);
        });
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object, std::optional<std::uint64_t>) override;

  Result<std::vector<ListedObject>> list(const Uri& prefix) override {
    std::vector<ListedObject> objects;
    for (std::string token;;) {
      std::string url = fmt::format("{}/storage/v1/b/{}/o?prefix={}", base_,
                                    percent_encode(prefix.authority), percent_encode(prefix.path));
      if (!token.empty()) url += "&pageToken=" + percent_encode(token);
      RTENV_TRY(const auto response, send({.url = std::move(url)}));
      if (!response.succeeded()) return explain(prefix, response);
      const json answer = json_from_text(response.body);
      for (const json& item :
           answer.is_object() ? answer.value("items", json::array()) : json::array()) {
        Uri uri = prefix;
        uri.path = text_field(item, "name");
        objects.push_back({std::move(uri), number_field(item, "size"),
                           parse_timestamp(text_field(item, "updated"))});
      }
      token = text_field(answer, "nextPageToken");
      if (token.empty()) return objects;
    }
  }

  Result<void> remove(const Uri& object) override {
    RTENV_TRY(const auto response, send({.method = "DELETE", .url = object_url(object)}));
    if (!response.succeeded()) return explain(object, response);
    return {};
  }

  [[nodiscard]] std::string identity(const Uri& object) const override {
    return object.text() + " " + base_;
  }

  Result<HttpResponse> send(const HttpRequest& draft) {
    return client_.send([&]() -> Result<HttpRequest> {
      HttpRequest request = draft;
      RTENV_TRY(authorize(request));
      return request;
    });
  }

  [[nodiscard]] std::string upload_url(const Uri& object, std::string_view type) const {
    return fmt::format("{}/upload/storage/v1/b/{}/o?uploadType={}&name={}", base_,
                       percent_encode(object.authority), type, percent_encode(object.path));
  }

  [[nodiscard]] Failure explain(const Uri& object, const HttpResponse& response) {
    const json answer = json_from_text(response.body);
    const json error = answer.is_object() ? answer.value("error", json()) : json();
    std::string reason = text_field(error, "message");
    if (reason.empty())
      reason = response.body.substr(0, response.body.find('\n'));  // some answers are plain text
    auto failure = fail_status(response.status, object.shown(), reason);
    const auto token = tokens_.get();
    if (failure.value().code() == Errc::permission_denied && token && !*token)
      return std::move(failure).hint(
          "no Google Cloud credentials were found: set GOOGLE_APPLICATION_CREDENTIALS");
    return failure;
  }

 private:
  [[nodiscard]] std::string object_url(const Uri& object) const {
    return fmt::format("{}/storage/v1/b/{}/o/{}", base_, percent_encode(object.authority),
                       percent_encode(object.path));
  }

  Result<void> authorize(HttpRequest& request) {
    RTENV_TRY(const auto token, tokens_.get());
    if (!token) return {};
    request.bearer = token->access_token;
    if (!token->quota_project.empty())
      request.headers.push_back("x-goog-user-project: " + token->quota_project);
    return {};
  }

  HttpClient client_;
  std::string base_;
  GsTokenSource tokens_;
};

// Resumable upload: cloud.google.com/storage/docs/performing-resumable-uploads. Parts come one
// after another.
class GsPartTarget final : public PartTarget {
 public:
  GsPartTarget(GsStore& store, Uri object) : store_(store), object_(std::move(object)) {}

  Result<void> put_whole(std::span<const std::byte> object) override {
    md5_.add(object);
    RTENV_TRY(const auto response,
              store_.send({.method = "POST",
                           .url = store_.upload_url(object_, "media"),
                           .headers = {"Content-Type: application/octet-stream"},
                           .body = object}));
    return check_stored(response);
  }

  Result<void> begin() override {
    RTENV_TRY(const auto response,
              store_.send({.method = "POST",
                           .url = store_.upload_url(object_, "resumable"),
                           .headers = {"Content-Type: application/json",
                                       "X-Upload-Content-Type: application/octet-stream"},
                           .body = std::as_bytes(std::span(k_no_metadata))}));
    if (!response.succeeded()) return store_.explain(object_, response);
    session_url_ = response.header("location");
    if (session_url_.empty())
      return fail(Errc::unavailable, "{}: the store begins an upload without an address",
                  object_.shown());
    return {};
  }

  Result<void> send(const Part& part) override {
    md5_.add(part.bytes);
    const std::uint64_t end = part.offset + part.bytes.size();
    const std::string total = part.last ? std::to_string(end) : "*";
    for (std::uint64_t from = part.offset;;) {
      RTENV_TRY(
          const auto response,
          store_.send(
              {.method = "PUT",
               .url = session_url_,
               .headers = {fmt::format("Content-Range: bytes {}-{}/{}", from, end - 1, total)},
               .body = std::span<const std::byte>(part.bytes).subspan(from - part.offset)}));
      if (part.last && response.succeeded()) return check_stored(response);
      if (response.status != k_resume_incomplete) return store_.explain(object_, response);
      const std::uint64_t kept = kept_bytes(response);
      if (kept == end && !part.last) return {};
      if (kept <= from || kept > end)
        return fail(Errc::unavailable, "{}: the store takes no more of the upload",
                    object_.shown());
      from = kept;
    }
  }

  Result<void> complete(std::size_t) override { return {}; }  // the last part did it

  void abort() noexcept override {
    const auto response =
        store_.send({.method = "DELETE", .url = session_url_, .ignores_cancellation = true});
    if (!response)
      log::debug("{}: the store keeps an upload that was given up for a week", object_.shown());
  }

 private:
  static constexpr std::string_view k_no_metadata = "{}";

  // "bytes=0-1048575": what the store has of the object.
  static std::uint64_t kept_bytes(const HttpResponse& response) {
    const std::string_view text = response.header("range");
    const auto dash = text.find('-');
    std::uint64_t last = 0;
    if (dash == std::string_view::npos ||
        std::from_chars(text.data() + dash + 1, text.data() + text.size(), last).ec != std::errc())
      return 0;
    return last + 1;
  }

  Result<void> check_stored(const HttpResponse& response) {
    if (!response.succeeded()) return store_.explain(object_, response);
    const std::string stored = text_field(json_from_text(response.body), "md5Hash");
    if (stored.empty() || stored == base64(md5_.finish())) return {};
    [[maybe_unused]] const auto removed = store_.remove(object_);
    return fail(Errc::corrupt, "{}: the store has other bytes than were sent; it was removed",
                object_.shown());
  }

  GsStore& store_;
  Uri object_;
  std::string session_url_;
  Md5 md5_;
};

Result<std::unique_ptr<Upload>> GsStore::upload(const Uri& object, std::optional<std::uint64_t>) {
  return std::make_unique<PartUpload>(std::make_unique<GsPartTarget>(*this, object), 1);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_gs_store(Environment environment,
                                                   const Cancellation* cancellation) {
  return std::make_unique<GsStore>(std::move(environment), cancellation);
}

}  // namespace rtenv::remote
