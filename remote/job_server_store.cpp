#include "remote/job_server_store.hpp"

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "remote/http_object.hpp"
#include "remote/put_upload.hpp"

namespace rtenv::remote {
namespace {

constexpr std::string_view k_default_address = "http://127.0.0.1:8265";

Result<std::string> server_address(const Environment& environment) {
  std::string address(k_default_address);
  for (const char* variable : {"RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"})
    if (const auto set = environment.find_filled(variable)) {
      if (!set->starts_with("http://") && !set->starts_with("https://"))
        return fail(Errc::invalid_argument, "{} isn't the address of a job server: {}", variable, redacted_url(*set))
            .hint("http://HOST:8265");
      address = *set;
      break;
    }
  while (address.ends_with('/')) address.pop_back();
  return address;
}

Result<std::string> auth_token(const Environment& environment) {
  if (const auto token = environment.find_filled("RAY_AUTH_TOKEN")) return std::string(*token);
  Path file;
  const auto named = environment.find_filled("RAY_AUTH_TOKEN_PATH");
  if (named)
    file = *named;
  else if (const auto home = environment.find_filled("HOME"))
    file = Path(*home) / ".ray" / "auth_token";
  auto text = read_file(file);
  if (!text && named) return Failure(std::move(text).error().within("RAY_AUTH_TOKEN_PATH"));
  if (!text) return std::string();
  text->erase(text->find_last_not_of(" \r\n\t") + 1);
  return std::move(*text);
}

Result<std::vector<std::string>> job_headers(const Environment& environment) {
  std::vector<std::string> headers;
  const auto text = environment.find_filled("RAY_JOB_HEADERS");
  if (!text) return headers;
  const auto object = nlohmann::json::parse(*text, nullptr, false);
  if (!object.is_object()) return fail(Errc::invalid_argument, "RAY_JOB_HEADERS isn't a JSON object");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) return fail(Errc::invalid_argument, "RAY_JOB_HEADERS['{}'] isn't a string", key);
    headers.push_back(fmt::format("{}: {}", key, value.get<std::string>()));
  }
  return headers;
}

class JobServerStore final : public ObjectStore {
 public:
  JobServerStore(Environment environment, std::string address, std::string token, std::vector<std::string> headers,
                 const Cancellation* cancellation)
      : client_(std::move(environment), cancellation),
        address_(std::move(address)),
        token_(std::move(token)),
        headers_(std::move(headers)) {}

  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(const auto response, client_.send([&]() -> Result<HttpRequest> {
      HttpRequest request = make_request("GET", object);
      request.headers.emplace_back("Range: bytes=0-0");  // whether it is there is all we want to know
      return request;
    }));
    if (!response.succeeded()) return explain(object, response);
    return ObjectInfo{.size_bytes = object_info(response).size_bytes, .version = object.path};  // a name says its content
  }

  Result<void> read(const Uri& object, const ObjectInfo&, const std::optional<ByteRange>& range,
                    const BodySink& sink) override {
    bool empty = true;
    RTENV_TRY(read_object(
        client_, make_request("GET", object), {}, range,
        [&](std::span<const std::byte> data) {
          empty = false;
          return sink(data);
        },
        [&](const HttpResponse& response) { return explain(object, response); }));
    if (empty)
      return fail(Errc::not_found, "{}: the job server at {} says that it has it, but doesn't hand it out", object.shown(),
                  redacted_url(address_))
          .hint("Ray gives packages to its own nodes only; use the directory or archive that it was made from");
    return {};
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object, std::optional<std::uint64_t> size_bytes) override {
    return std::make_unique<PutUpload>(client_, make_request("PUT", object), size_bytes,
                                       [this, object](const HttpResponse& response) { return explain(object, response); });
  }

  Result<std::vector<ListedObject>> list(const Uri& prefix) override {
    return fail(Errc::invalid_argument, "{}: a job server doesn't list its packages", prefix.shown());
  }

  Result<void> remove(const Uri& object) override {
    return fail(Errc::invalid_argument, "{}: a job server removes its packages itself", object.shown());
  }

  [[nodiscard]] std::string identity(const Uri& object) const override { return object.text(); }

 private:
  [[nodiscard]] HttpRequest make_request(std::string method, const Uri& object) const {
    return {.method = std::move(method),
            .url = fmt::format("{}/api/packages/gcs/{}", address_, percent_encode(object.path)),
            .headers = headers_,
            .bearer = token_};
  }

  [[nodiscard]] Failure explain(const Uri& object, const HttpResponse& response) const {
    auto failure = fail_status(response.status, fmt::format("{} at {}", object.shown(), redacted_url(address_)));
    if (failure.value().code() == Errc::permission_denied) return std::move(failure).hint("set RAY_AUTH_TOKEN");
    if (response.status == 413) return std::move(failure).hint("the package is larger than the job server takes");
    return failure;
  }

  HttpClient client_;
  std::string address_;
  std::string token_;
  std::vector<std::string> headers_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_job_server_store(Environment environment, const Cancellation* cancellation) {
  RTENV_TRY(std::string address, server_address(environment));
  RTENV_TRY(std::string token, auth_token(environment));
  RTENV_TRY(auto headers, job_headers(environment));
  return std::make_unique<JobServerStore>(std::move(environment), std::move(address), std::move(token), std::move(headers),
                                          cancellation);
}

}  // namespace rtenv::remote
