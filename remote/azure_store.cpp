#include "remote/azure_store.hpp"

#include <fmt/chrono.h>

#include <pugixml.hpp>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "remote/azure_credentials.hpp"
#include "remote/http_object.hpp"
#include "remote/part_upload.hpp"
#include "remote/timestamp.hpp"

namespace rtenv::remote {
namespace {

constexpr std::string_view k_api_version = "2021-08-06";
constexpr unsigned k_upload_connections = 3;

std::string now_text() {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
}

std::string container_of(const Uri& uri) {
  return uri.authority.substr(0, uri.authority.find('@'));
}

// Checked by the store against what it received.
std::string content_md5(std::span<const std::byte> body) {
  Md5 md5;
  md5.add(body);
  return "Content-MD5: " + base64(md5.finish());
}

class AzureStore final : public ObjectStore {
 public:
  AzureStore(AzureAccount account, Environment environment, const Cancellation* cancellation)
      : client_(std::move(environment), cancellation), account_(std::move(account)) {}

  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(const auto response, send({.method = "HEAD", .url = blob_url(object)}));
    if (!response.succeeded()) return explain(object, response);
    ObjectInfo info = object_info(response);
    info.ranges = true;
    return info;
  }

  Result<void> read(const Uri& object, const ObjectInfo& expected,
                    const std::optional<ByteRange>& range, const BodySink& sink) override {
    return read_object(client_, prepared({.url = blob_url(object)}), expected, range, sink,
                       [&](const HttpResponse& response) { return explain(object, response); });
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object, std::optional<std::uint64_t>) override;

  Result<std::vector<ListedObject>> list(const Uri& prefix) override {
    std::vector<ListedObject> objects;
    for (std::string marker;;) {
      std::string url =
          fmt::format("{}/{}?restype=container&comp=list&prefix={}", account_.endpoint,
                      percent_encode(container_of(prefix)), percent_encode(prefix.path));
      if (!marker.empty()) url += "&marker=" + percent_encode(marker);
      RTENV_TRY(const auto response, send({.url = std::move(url)}));
      if (!response.succeeded()) return explain(prefix, response);
      pugi::xml_document document;
      document.load_buffer(response.body.data(), response.body.size());
      const pugi::xml_node result = document.child("EnumerationResults");
      for (const pugi::xml_node each : result.child("Blobs").children("Blob")) {
        Uri uri = prefix;
        uri.path = each.child("Name").text().get();
        const pugi::xml_node properties = each.child("Properties");
        objects.push_back({std::move(uri), properties.child("Content-Length").text().as_ullong(),
                           parse_timestamp(properties.child("Last-Modified").text().get())});
      }
      marker = result.child("NextMarker").text().get();
      if (marker.empty()) return objects;
    }
  }

  Result<void> remove(const Uri& object) override {
    RTENV_TRY(const auto response, send({.method = "DELETE", .url = blob_url(object)}));
    if (!response.succeeded()) return explain(object, response);
    return {};
  }

  [[nodiscard]] std::string identity(const Uri& object) const override {
    return object.text() + " " + account_.endpoint;
  }

  Result<HttpResponse> send(const HttpRequest& draft) {
    return client_.send([&]() -> Result<HttpRequest> { return prepared(draft); });
  }

  [[nodiscard]] std::string blob_url(const Uri& object) const {
    return fmt::format("{}/{}/{}", account_.endpoint, percent_encode(container_of(object)),
                       percent_encode(object.path, "/"));
  }

  [[nodiscard]] Failure explain(const Uri& object, const HttpResponse& response) const {
    pugi::xml_document document;
    document.load_buffer(response.body.data(), response.body.size());
    const pugi::xml_node error = document.child("Error");
    std::string code(response.header("x-ms-error-code"));
    if (code.empty()) code = error.child("Code").text().get();
    std::string reason = code;
    const std::string message = error.child("Message").text().get();
    // After the first line come ids and times.
    if (!message.empty()) reason += ": " + message.substr(0, message.find('\n'));
    auto failure = fail_status(response.status, object.shown(), reason);
    const bool anonymous = account_.key.empty() && account_.sas.empty();
    // To anonymous askers Azure says of containers that aren't public that they aren't there.
    if (anonymous && (response.status == 404 || response.status == 401 || response.status == 403 ||
                      response.status == 409))
      return std::move(failure).hint(
          "no Azure credentials were found: set AZURE_STORAGE_CONNECTION_STRING, or "
          "AZURE_STORAGE_KEY or "
          "AZURE_STORAGE_SAS_TOKEN");
    return failure;
  }

 private:
  [[nodiscard]] HttpRequest prepared(HttpRequest request) const {
    request.headers.push_back(fmt::format("x-ms-version: {}", k_api_version));
    if (!account_.key.empty())
      request.sign = [this](HttpRequest& signed_request) {
        sign_azure_request(signed_request, account_, now_text());
      };
    else if (!account_.sas.empty())
      request.url += (request.url.find('?') == std::string::npos ? "?" : "&") + account_.sas;
    return request;
  }

  HttpClient client_;
  AzureAccount account_;
};

// Blocks that no list names are forgotten by the store after a week; there is no way to remove them
// sooner.
class AzurePartTarget final : public PartTarget {
 public:
  AzurePartTarget(AzureStore& store, Uri object) : store_(store), object_(std::move(object)) {}

  Result<void> put_whole(std::span<const std::byte> object) override {
    return put("", object,
               {"x-ms-blob-type: BlockBlob", "Content-Type: application/octet-stream",
                content_md5(object)});
  }

  Result<void> begin() override { return {}; }

  Result<void> send(const Part& part) override {
    return put("?comp=block&blockid=" + percent_encode(block_id(part.index)), part.bytes,
               {content_md5(part.bytes)});
  }

  Result<void> complete(std::size_t part_count) override {
    std::string list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
    for (std::size_t index = 0; index < part_count; ++index)
      list += fmt::format("<Latest>{}</Latest>", block_id(index));
    list += "</BlockList>";
    return put(
        "?comp=blocklist", std::as_bytes(std::span(list)),
        {"Content-Type: application/xml", "x-ms-blob-content-type: application/octet-stream"});
  }

  void abort() noexcept override {}

 private:
  // All of one length, as the service wants them.
  static std::string block_id(std::size_t index) {
    const std::string number = fmt::format("{:08}", index);
    return base64(std::as_bytes(std::span(number)));
  }

  Result<void> put(const std::string& query, std::span<const std::byte> body,
                   std::vector<std::string> headers) {
    RTENV_TRY(const auto response, store_.send({.method = "PUT",
                                                .url = store_.blob_url(object_) + query,
                                                .headers = std::move(headers),
                                                .body = body}));
    if (!response.succeeded()) return store_.explain(object_, response);
    return {};
  }

  AzureStore& store_;
  Uri object_;
};

Result<std::unique_ptr<Upload>> AzureStore::upload(const Uri& object,
                                                   std::optional<std::uint64_t>) {
  return std::make_unique<PartUpload>(std::make_unique<AzurePartTarget>(*this, object),
                                      k_upload_connections);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_azure_store(const Uri& uri, Environment environment,
                                                      const Cancellation* cancellation) {
  RTENV_TRY(AzureAccount account, azure_account(uri, environment));
  return std::make_unique<AzureStore>(std::move(account), std::move(environment), cancellation);
}

}  // namespace rtenv::remote
