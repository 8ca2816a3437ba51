#include "remote/s3_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "base/unique_name.hpp"
#include "remote/aws_credentials.hpp"
#include "remote/credential_cache.hpp"
#include "remote/http_object.hpp"
#include "remote/list_pages.hpp"
#include "remote/part_upload.hpp"
#include "remote/s3_error.hpp"
#include "remote/store_names.hpp"
#include "remote/timestamp.hpp"
#include "remote/transfer_error.hpp"
#include "remote/url.hpp"
#include "remote/xml_document.hpp"

namespace rtenv::remote {
namespace {

constexpr unsigned k_upload_connections = 3;
// "Processing … could take several minutes to complete", meanwhile the store sends some blanks.
constexpr std::chrono::minutes k_completion_time{5};
constexpr std::chrono::seconds k_explanation_time{5};

// The parts of a request that all its attempts have in common.
struct Operation {
  std::string method;
  std::string query;  // encoded and sorted by name, as it is signed
  std::span<const std::byte> body = {};
  std::vector<std::string> headers = {};
  bool cleans_up = false;             // runs even after a cancellation
  std::chrono::seconds work_time{0};  // how long the store may be silent
  bool first_byte_only = false;       // see probe_once
  std::function<Result<void>(const HttpResponse&)> take_document = {};
};

// As in HTML forms, where '+' is a space.
std::string form_decode(std::string text) {
  std::ranges::replace(text, '+', ' ');
  return percent_decode(text);
}

class S3Store final : public ObjectStore {
 public:
  S3Store(Environment environment, AwsProfile profile, AwsRegion region, Access access,
          const Cancellation* cancellation)
      : client_(std::move(environment), cancellation),
        endpoint_(aws_endpoint("s3", profile, client_.environment())),
        region_(std::move(region)),
        access_(access),
        addressing_style_(find_setting(profile, "s3.addressing_style").value_or("auto")),
        credentials_(
            "AWS credentials",
            [this, profile = std::move(profile)]() -> Result<std::optional<AwsCredentials>> {
              if (access_ == Access::anonymous) return std::optional<AwsCredentials>();
              return find_aws_credentials(profile, client_);
            }) {}

  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(
        const auto response,
        send(object, {.method = "HEAD", .query = {}, .headers = {"x-amz-checksum-mode: ENABLED"}}));
    if (response.succeeded()) return object_info(response, Ranges::always);
    // The response to HEAD has no body that tells the reason.
    // It is asked for once, and not for long: HEAD was tried for all the time that there is.
    const auto why = send(
        object,
        {.method = "GET", .query = {}, .work_time = k_explanation_time, .first_byte_only = true});
    if (!why && why.error().code() == Errc::cancelled) return Failure(why.error());
    return explain(object, why && !why->succeeded() ? *why : response);
  }

  Result<void> read(const Uri& object, const ObjectInfo& expected,
                    const std::optional<ByteRange>& range, const ContentSink& sink) override {
    const ObjectRequest request{
        .make = [&] { return make_request(object, {.method = "GET", .query = {}}); },
        .explain = [&](const HttpResponse& response) { return explain(object, response); }};
    return read_object(client_, request, expected, range, sink);
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object,
                                         std::optional<std::uint64_t> size_bytes) override;

  Result<void> list(const Uri& prefix, const OnListed& on_listed) override {
    return list_pages(prefix.shown(), client_.cancellation(), on_listed,
                      [&](const std::string& token, const OnListed& on_entry) {
                        return list_page(prefix, token, on_entry);
                      });
  }

  Result<void> remove(const Uri& object) override {
    RTENV_TRY(send_or_explain(object, {.method = "DELETE", .query = {}}));
    return {};
  }

  [[nodiscard]] std::string identity(const Uri& object) const override {
    return fmt::format("{} {}", object.text(), trim_end(endpoint_.value_or(""), "/"));
  }

  // With retries, and once more if the response tells that the bucket is in another region.
  Result<HttpResponse> send(const Uri& object, const Operation& operation) {
    for (bool moved = false;; moved = true) {
      const auto make = [&] { return make_request(object, operation); };
      RTENV_TRY(auto response, operation.first_byte_only ? probe(make()) : client_.send(make));
      if (response.succeeded() || moved || !learn_region(object.authority, response))
        return response;
    }
  }

  // As send, but fails as `explain` if the status isn't 2xx.
  Result<HttpResponse> send_or_explain(const Uri& object, const Operation& operation) {
    RTENV_TRY(auto response, send(object, operation));
    if (!response.succeeded()) return explain(object, response);
    return response;
  }

  // The error of a response that isn't 2xx.
  [[nodiscard]] Failure explain(const Uri& object, const HttpResponse& response) {
    const S3Error error = parse_s3_error(response.body);
    std::string reason = error.code;
    if (!error.message.empty()) reason += ": " + error.message;
    auto failure = fail_status(response.status, object.shown(), reason);
    if (error.is_about_credentials())
      failure = fail(Errc::permission_denied, "{}", failure.message());
    if (error.code == "RequestTimeTooSkewed")
      return std::move(failure).hint("correct this machine's clock");
    if (error.code == "NoSuchBucket" && endpoint_)
      return std::move(failure).hint("the endpoint is {}", redacted_url(*endpoint_));
    if (access_ == Access::anonymous) return failure;
    const auto credentials = credentials_.get();
    if (failure.code() == Errc::permission_denied && credentials && !*credentials)
      return std::move(failure).hint(
          "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
          "AWS_PROFILE");
    return failure;
  }

 private:
  Result<HttpResponse> probe(Result<HttpRequest> request) {
    if (!request) return Failure(std::move(request).error());
    return probe_once(client_, std::move(*request));
  }

  // Returns the token of the next page.
  Result<std::string> list_page(const Uri& prefix, const std::string& token,
                                const OnListed& on_listed) {
    Uri object = prefix;
    object.path.clear();
    // Encoded, since XML can't hold every character of a name.
    const std::string query =
        fmt::format("{}{}encoding-type=url&list-type=2&prefix={}",
                    token.empty() ? "" : "continuation-token=" + percent_encode(token),
                    token.empty() ? "" : "&", percent_encode(prefix.path));
    constexpr const char* k_root = "ListBucketResult";
    pugi::xml_document document;
    RTENV_TRY(const auto response,
              send(object, {.method = "GET",
                            .query = query,
                            .take_document = take_xml(document, k_root, prefix.shown())}));
    if (!response.succeeded()) return explain(prefix, response);
    const pugi::xml_node result = document.child(k_root);
    const bool encoded = text_of(result.child("EncodingType")) == "url";
    for (const pugi::xml_node each : result.children("Contents")) {
      const auto key = text_of(each.child("Key"));
      const auto size_bytes = number_of(each.child("Size"));
      if (!key || key->empty() || !size_bytes)
        return fail_listing(prefix.shown(), "an entry has no key or no size");
      object.path = encoded ? form_decode(*key) : *key;
      RTENV_TRY(on_listed({object, *size_bytes,
                           parse_timestamp(text_of(each.child("LastModified")).value_or(""))}));
    }
    const pugi::xml_node truncated = result.child("IsTruncated");
    const auto is_truncated =
        truncated ? parse_xml_bool(text_of(truncated).value_or("")) : std::optional(false);
    if (!is_truncated)
      return fail_listing(prefix.shown(), "its IsTruncated is neither true nor false");
    const auto next = text_of(result.child("NextContinuationToken"));
    if (!next || (next->empty() && *is_truncated))
      return fail_listing(prefix.shown(), "it is truncated, but has no NextContinuationToken");
    return *next;
  }

  [[nodiscard]] AwsRegion region_of(const std::string& bucket) {
    const std::lock_guard lock(mutex_);
    const auto known = regions_.find(bucket);
    return known == regions_.end() ? region_ : known->second;
  }

  // Whether the response tells that the bucket is in another region than the one tried.
  bool learn_region(const std::string& bucket, const HttpResponse& response) {
    if (response.status != 301 && response.status != 307 && response.status != 400 &&
        response.status != 403)
      return false;
    std::string name(response.header("x-amz-bucket-region"));
    if (name.empty()) name = parse_s3_error(response.body).region;
    auto region = AwsRegion::parse(name, bucket);
    if (!region || name == region_of(bucket).text()) return false;
    log::debug("bucket {} is in the region {}", bucket, name);
    const std::lock_guard lock(mutex_);
    regions_.insert_or_assign(bucket, std::move(*region));
    return true;
  }

  [[nodiscard]] Result<std::string> base_url(const S3Bucket& bucket,
                                             const AwsRegion& region) const {
    RTENV_TRY(Url url, Url::parse_endpoint(endpoint_ ? *endpoint_ : aws_service_url("s3", region)));
    const bool bucket_in_path = addressing_style_ == "path" || !is_host_label(bucket) ||
                                (endpoint_ && addressing_style_ != "virtual");
    if (bucket_in_path)
      url.path += "/" + bucket.text();
    else
      url.origin.host = bucket.text() + "." + url.origin.host;
    return url.text();
  }

  Result<HttpRequest> make_request(const Uri& object, const Operation& operation) {
    RTENV_TRY(const auto credentials, credentials_.get());
    RTENV_TRY(const S3Bucket bucket, S3Bucket::parse(object.authority, object.shown()));
    const AwsRegion region = region_of(bucket.text());
    RTENV_TRY(const std::string base, base_url(bucket, region));
    HttpRequest request{
        .method = operation.method,
        .url = fmt::format("{}/{}{}{}", base, percent_encode(object.path, "/"),
                           operation.query.empty() ? "" : "?", operation.query),
        .headers = operation.headers,
        .body = operation.body,
        .cleans_up = operation.cleans_up,
        .work_time = operation.work_time,
        .take_document = [take = operation.take_document](HttpResponse& response) -> Result<void> {
          correct_s3_status(response);
          return take && response.succeeded() ? take(response) : Result<void>();
        }};
    if (!credentials) return request;
    request.aws =
        AwsSigning{region.text(), "s3", credentials->access_key_id, credentials->secret_access_key};
    Sha256 sha;
    sha.add(operation.body);
    request.headers.push_back("x-amz-content-sha256: " + to_hex(sha.finish()));
    if (!credentials->session_token.empty())
      request.headers.push_back("x-amz-security-token: " + credentials->session_token);
    return request;
  }

  HttpClient client_;
  std::optional<std::string> endpoint_;
  AwsRegion region_;
  Access access_;
  std::string addressing_style_;
  CredentialCache<AwsCredentials> credentials_;
  std::mutex mutex_;
  std::map<std::string, AwsRegion> regions_;  // of buckets outside region_
};

// A multipart upload: docs.aws.amazon.com/AmazonS3, "Uploading and copying objects using multipart
// upload in Amazon S3".
class S3PartTarget final : public PartTarget {
 public:
  S3PartTarget(S3Store& store, Uri object) : store_(store), object_(std::move(object)) {}

  Result<void> put_whole(std::span<const std::byte> object) override {
    RTENV_TRY(store_.send_or_explain(
        object_, {.method = "PUT", .query = {}, .body = object, .headers = {k_type}}));
    return {};
  }

  Result<void> begin() override {
    mark_ = unique_name();
    constexpr const char* k_root = "InitiateMultipartUploadResult";
    pugi::xml_document document;
    RTENV_TRY(store_.send_or_explain(
        object_, {.method = "POST",
                  .query = "uploads=",
                  .headers = {k_type, fmt::format("{}: {}", k_mark_header, mark_)},
                  .take_document = take_xml(document, k_root, object_.shown())}));
    upload_id_ = text_of(document.child(k_root).child("UploadId")).value_or("");
    if (upload_id_.empty())
      return fail(Errc::unavailable, "{}: the store returned no id for the upload",
                  object_.shown());
    return {};
  }

  Result<void> send(const Part& part) override {
    const std::string query =
        fmt::format("partNumber={}&uploadId={}", part.index + 1, percent_encode(upload_id_));
    RTENV_TRY(
        const auto response,
        store_.send_or_explain(object_, {.method = "PUT", .query = query, .body = part.bytes}));
    const std::lock_guard lock(mutex_);
    etags_[part.index] = response.header("etag");
    return {};
  }

  Result<void> complete(std::size_t) override {
    std::string manifest =
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const auto& [index, etag] : etags_)
      manifest +=
          fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", index + 1, etag);
    manifest += "</CompleteMultipartUpload>";
    pugi::xml_document document;  // an incomplete one is like a lost response
    RTENV_TRY(
        const auto response,
        store_.send(object_, {.method = "POST",
                              .query = "uploadId=" + percent_encode(upload_id_),
                              .body = std::as_bytes(std::span(manifest)),
                              .headers = {"Content-Type: application/xml"},
                              .work_time = k_completion_time,
                              .take_document = take_xml(document, "CompleteMultipartUploadResult",
                                                        object_.shown())}));
    if (response.succeeded()) return {};
    // Completed by an attempt whose response was lost, or wrong?
    if (parse_s3_error(response.body).code == "NoSuchUpload") {
      const auto stored = store_.send(object_, {.method = "HEAD", .query = {}});
      if (stored && stored->succeeded() && stored->header(k_mark_header) == mark_) return {};
    }
    return store_.explain(object_, response);
  }

  void abort() noexcept override {
    const auto response = store_.send(
        object_,
        {.method = "DELETE", .query = "uploadId=" + percent_encode(upload_id_), .cleans_up = true});
    if (!response || !response->succeeded())
      log::debug("{}: the parts of the abandoned upload stay in the store", object_.shown());
  }

 private:
  static constexpr const char* k_type = "Content-Type: application/octet-stream";
  // Metadata of the object: tells what this upload made from other objects under this name.
  static constexpr const char* k_mark_header = "x-amz-meta-rtenv-upload";

  S3Store& store_;
  Uri object_;
  std::string upload_id_;
  std::string mark_;
  std::mutex mutex_;
  std::map<std::size_t, std::string> etags_;
};

Result<std::unique_ptr<Upload>> S3Store::upload(const Uri& object,
                                                std::optional<std::uint64_t> size_bytes) {
  return std::make_unique<PartUpload>(std::make_unique<S3PartTarget>(*this, object),
                                      k_upload_connections, size_bytes);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_s3_store(Environment environment, Access access,
                                                   const Cancellation* cancellation) {
  RTENV_TRY(AwsProfile profile, current_aws_profile(environment));
  RTENV_TRY(AwsRegion region, aws_region(profile, environment));
  return std::make_unique<S3Store>(std::move(environment), std::move(profile), std::move(region),
                                   access, cancellation);
}

}  // namespace rtenv::remote
