#include "remote/web_store.hpp"

#include "remote/http_object.hpp"
#include "remote/put_upload.hpp"
#include "remote/transfer_error.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

// HEAD may fail where GET succeeds, e.g. if the URL is signed for GET only.
bool may_differ_for_get(int status) {
  return status == 400 || status == 403 || status == 405 || status == 501;
}

class WebStore final : public ObjectStore {
 public:
  WebStore(Environment environment, Access access, const Cancellation* cancellation)
      : client_(std::move(environment), cancellation), access_(access) {}

  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(const auto response, client_.send([&] { return make_request("HEAD", object); }));
    if (response.succeeded()) {
      ObjectInfo info = object_info(response);
      // Some servers say so of whatever they make at the time of the GET.
      if (info.size_bytes == 0) info.size_bytes.reset();
      return info;
    }
    if (!may_differ_for_get(response.status)) return explain(object, response);
    return stat_by_get(object);
  }

  Result<void> read(const Uri& object, const ObjectInfo& expected,
                    const std::optional<ByteRange>& range, const ContentSink& sink) override {
    const ObjectRequest request{
        .make = [&] { return make_request("GET", object); },
        .explain = [&](const HttpResponse& response) { return explain(object, response); }};
    return read_object(client_, request, expected, range, sink);
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object,
                                         std::optional<std::uint64_t> size_bytes) override {
    RTENV_TRY(HttpRequest request, make_request("PUT", object));
    request.headers.emplace_back("Content-Type: application/octet-stream");
    return std::make_unique<PutUpload>(
        client_, std::move(request), size_bytes,
        [this, object](const HttpResponse& response) { return explain(object, response); });
  }

  Result<void> list(const Uri& prefix, const OnListed&) override {
    return fail(Errc::invalid_argument, "{}: a web server can't list its files", prefix.shown());
  }

  Result<void> remove(const Uri& object) override {
    RTENV_TRY(const auto response, client_.send([&] { return make_request("DELETE", object); }));
    if (!response.succeeded()) return explain(object, response);
    return {};
  }

 private:
  [[nodiscard]] Result<HttpRequest> make_request(std::string method, const Uri& object) const {
    RTENV_TRY(const Url url, Url::parse(object.text()));
    HttpRequest request{
        .method = std::move(method), .url = object.text(), .follow_redirects = true};
    if (access_ == Access::anonymous) return request;
    request.netrc = Netrc::any_entry;
    if (url.user_info.empty())
      request.bearer = client_.environment().find("RAY_RUNTIME_ENV_BEARER_TOKEN").value_or("");
    return request;
  }

  Result<ObjectInfo> stat_by_get(const Uri& object) {
    RTENV_TRY(const auto response,
              probe_object(client_, [&] { return make_request("GET", object); }));
    if (response.status == 416) return ObjectInfo{.size_bytes = 0, .version = {}};
    if (!response.succeeded()) return explain(object, response);
    return object_info(response);
  }

  [[nodiscard]] Failure explain(const Uri& object, const HttpResponse& response) const {
    auto failure = fail_status(response.status, object.shown());
    if (response.status >= 300 && response.status < 400)
      return fail(Errc::invalid_argument, "{} redirects, and rtenv follows redirects only to read",
                  object.shown())
          .hint("use the URL that it redirects to");
    if (response.status == 405 || response.status == 501)
      return std::move(failure).hint(
          "the server doesn't allow this; rtenv needs GET to read, PUT "
          "to write and DELETE to remove");
    if (failure.code() == Errc::permission_denied && access_ == Access::with_credentials)
      return std::move(failure).hint(
          "add the host to ~/.netrc, or set RAY_RUNTIME_ENV_BEARER_TOKEN");
    return failure;
  }

  HttpClient client_;
  Access access_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_web_store(Environment environment, Access access,
                                                    const Cancellation* cancellation) {
  return std::make_unique<WebStore>(std::move(environment), access, cancellation);
}

}  // namespace rtenv::remote
