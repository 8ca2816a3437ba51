#include "remote/job_server_store.hpp"

#include "base/encoding.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "remote/http_object.hpp"
#include "remote/job_server.hpp"
#include "remote/put_upload.hpp"
#include "remote/transfer_error.hpp"

namespace rtenv::remote {
namespace {

class JobServerStore final : public ObjectStore {
 public:
  JobServerStore(Environment environment, JobServer server, const Cancellation* cancellation)
      : client_(std::move(environment), cancellation), server_(std::move(server)) {}

  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(const auto response, probe_object(client_, [&]() -> Result<HttpRequest> {
                return make_request("GET", object);
              }));
    if (!response.succeeded()) return explain(object, response);
    return ObjectInfo{.size_bytes = object_info(response).size_bytes,
                      .version = object.path};  // the name contains the digest
  }

  Result<void> read(const Uri& object, const ObjectInfo&, const std::optional<ByteRange>& range,
                    const ContentSink& sink) override {
    bool empty = true;
    const ContentSink not_empty{.write =
                                    [&](std::span<const std::byte> data) {
                                      empty = false;
                                      return sink.write(data);
                                    },
                                .restart = sink.restart};
    const ObjectRequest request{
        .make = [&]() -> Result<HttpRequest> { return make_request("GET", object); },
        .explain = [&](const HttpResponse& response) { return explain(object, response); }};
    RTENV_TRY(read_object(client_, request, {}, range, not_empty));
    if (empty)
      return fail(Errc::not_found, "{}: the job server at {} has the package, but doesn't serve it",
                  object.shown(), server_.shown())
          .hint(
              "Ray serves packages only to its own nodes; use the directory or archive that it was "
              "built from");
    return {};
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object,
                                         std::optional<std::uint64_t> size_bytes) override {
    return std::make_unique<PutUpload>(
        client_, make_request("PUT", object), size_bytes,
        [this, object](const HttpResponse& response) { return explain(object, response); });
  }

  Result<void> list(const Uri& prefix, const OnListed&) override {
    return fail(Errc::invalid_argument, "{}: a job server can't list its packages", prefix.shown());
  }

  Result<void> remove(const Uri& object) override {
    return fail(Errc::invalid_argument, "{}: a job server removes its packages itself",
                object.shown());
  }

  [[nodiscard]] std::string identity(const Uri& object) const override { return object.text(); }

 private:
  [[nodiscard]] HttpRequest make_request(std::string method, const Uri& object) const {
    return {
        .method = std::move(method),
        .url = fmt::format("{}/api/packages/gcs/{}", server_.address, percent_encode(object.path)),
        .unix_socket = server_.unix_socket,
        .headers = server_.headers,
        .bearer = server_.token};
  }

  [[nodiscard]] Failure explain(const Uri& object, const HttpResponse& response) const {
    auto failure =
        fail_status(response.status, fmt::format("{} at {}", object.shown(), server_.shown()),
                    trim(response.body));
    if (failure.code() == Errc::permission_denied && server_.token.empty())
      return std::move(failure).hint("set RAY_AUTH_TOKEN");
    if (response.status == 413)
      return std::move(failure).hint("the package is larger than the job server accepts");
    return failure;
  }

  HttpClient client_;
  JobServer server_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_job_server_store(Environment environment,
                                                           const Cancellation* cancellation) {
  RTENV_TRY(JobServer server, find_job_server(environment));
  return std::make_unique<JobServerStore>(std::move(environment), std::move(server), cancellation);
}

}  // namespace rtenv::remote
