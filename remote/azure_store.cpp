#include "remote/azure_store.hpp"

#include <fmt/chrono.h>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "remote/azure_credentials.hpp"
#include "remote/http_object.hpp"
#include "remote/list_pages.hpp"
#include "remote/part_upload.hpp"
#include "remote/rest_store.hpp"
#include "remote/store_names.hpp"
#include "remote/timestamp.hpp"
#include "remote/transfer_error.hpp"
#include "remote/xml_document.hpp"

namespace rtenv::remote {
namespace {

constexpr std::string_view k_api_version = "2021-08-06";
constexpr unsigned k_upload_connections = 3;

std::string now_text() {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
}

// The store compares it with what it received.
std::string content_md5(std::span<const std::byte> body) {
  Md5 md5;
  md5.add(body);
  return "Content-MD5: " + base64(md5.finish());
}

class AzureStore final : public RestStore {
 public:
  AzureStore(AzureAccount account, Environment environment, Access access,
             const Cancellation* cancellation)
      : RestStore(account.endpoint, std::move(environment), cancellation),
        account_(std::move(account)),
        access_(access) {}

  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(std::string url, object_url(object));
    RTENV_TRY(const auto response,
              send_or_explain(object, {.method = "HEAD", .url = std::move(url)}));
    return object_info(response, Ranges::always);
  }

  Result<void> read(const Uri& object, const ObjectInfo& expected,
                    const std::optional<ByteRange>& range, const ContentSink& sink) override {
    RTENV_TRY(const std::string url, object_url(object));
    const ObjectRequest request{
        .make = [&] { return authorized({.url = url}); },
        .explain = [&](const HttpResponse& response) { return explain(object, response); }};
    return read_object(client(), request, expected, range, sink);
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object,
                                         std::optional<std::uint64_t> size_bytes) override;

  Result<void> list(const Uri& prefix, const OnListed& on_listed) override {
    return list_pages(prefix.shown(), client().cancellation(), on_listed,
                      [&](const std::string& marker, const OnListed& on_entry) {
                        return list_page(prefix, marker, on_entry);
                      });
  }

  [[nodiscard]] Result<std::string> object_url(const Uri& object) const override {
    RTENV_TRY(const std::string container, container_url(object));
    return fmt::format("{}/{}", container, percent_encode(object.path, "/"));
  }

  [[nodiscard]] Failure explain(const Uri& object, const HttpResponse& response) override {
    const pugi::xml_document document = parse_partial_xml(response.body);
    const pugi::xml_node error = document.child("Error");
    std::string code(response.header("x-ms-error-code"));
    if (code.empty()) code = text_of(error.child("Code")).value_or("");
    std::string reason = code;
    const std::string message = text_of(error.child("Message")).value_or("");
    // The lines after the first contain ids and times.
    if (!message.empty()) reason += ": " + message.substr(0, message.find('\n'));
    auto failure = fail_status(response.status, object.shown(), reason);
    const bool found_none = access_ == Access::with_credentials && !has_credentials();
    // For anonymous requests, Azure reports private containers as missing.
    if (found_none && (response.status == 404 || response.status == 401 || response.status == 403 ||
                       response.status == 409))
      return std::move(failure).hint(
          "no Azure credentials were found: set AZURE_STORAGE_CONNECTION_STRING, "
          "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN");
    return failure;
  }

 private:
  // Returns the marker of the next page.
  Result<std::string> list_page(const Uri& prefix, const std::string& marker,
                                const OnListed& on_listed) {
    RTENV_TRY(std::string url, container_url(prefix));
    url += "?restype=container&comp=list&prefix=" + percent_encode(prefix.path);
    if (!marker.empty()) url += "&marker=" + percent_encode(marker);
    constexpr const char* k_root = "EnumerationResults";
    pugi::xml_document document;
    RTENV_TRY(send_or_explain(
        prefix,
        {.url = std::move(url), .take_document = take_xml(document, k_root, prefix.shown())}));
    const pugi::xml_node result = document.child(k_root);
    for (const pugi::xml_node each : result.child("Blobs").children("Blob")) {
      const pugi::xml_node properties = each.child("Properties");
      const pugi::xml_node name = each.child("Name");
      Uri uri = prefix;
      uri.path = text_of(name).value_or("");
      const auto size_bytes = number_of(properties.child("Content-Length"));
      if (uri.path.empty() || !size_bytes)
        return fail_listing(prefix.shown(), "an entry has no name or no size");
      // Encoded if XML can't hold it.
      const auto encoded = parse_xml_bool(name.attribute("Encoded").as_string("false"));
      if (!encoded)
        return fail_listing(prefix.shown(), "a name's Encoded is neither true nor false");
      if (*encoded) uri.path = percent_decode(uri.path);
      RTENV_TRY(
          on_listed({std::move(uri), *size_bytes,
                     parse_timestamp(text_of(properties.child("Last-Modified")).value_or(""))}));
    }
    const auto next = text_of(result.child("NextMarker"));
    if (!next) return fail_listing(prefix.shown(), "its NextMarker isn't a text");
    return *next;
  }

  [[nodiscard]] Result<std::string> container_url(const Uri& object) const {
    RTENV_TRY(const Url base, endpoint());
    RTENV_TRY(const AzureContainer container,
              AzureContainer::parse(object.container(), object.shown()));
    return fmt::format("{}/{}", base.text(), container.text());
  }

  Result<HttpRequest> authorized(HttpRequest request) override {
    request.headers.push_back(fmt::format("x-ms-version: {}", k_api_version));
    if (access_ == Access::anonymous) return request;
    if (!account_.key.empty())
      request.sign = [this](HttpRequest& signed_request) {
        sign_azure_request(signed_request, account_, now_text());
      };
    else if (!account_.sas.empty())
      request.url += (request.url.find('?') == std::string::npos ? "?" : "&") + account_.sas;
    return request;
  }

  [[nodiscard]] bool has_credentials() const {
    return !account_.key.empty() || !account_.sas.empty();
  }

  AzureAccount account_;
  Access access_;
};

// The store deletes uncommitted blocks after a week; they can't be deleted sooner.
class AzurePartTarget final : public PartTarget {
 public:
  AzurePartTarget(AzureStore& store, Uri object) : store_(store), object_(std::move(object)) {}

  Result<void> put_whole(std::span<const std::byte> object) override {
    return put("", object,
               {"x-ms-blob-type: BlockBlob", "Content-Type: application/octet-stream",
                content_md5(object)});
  }

  void digest(std::span<const std::byte> data) override { md5_.add(data); }

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
    return put("?comp=blocklist", std::as_bytes(std::span(list)),
               {"Content-Type: application/xml", "x-ms-blob-content-type: application/octet-stream",
                // Kept for those who fetch it.
                "x-ms-blob-content-md5: " + base64(md5_.finish())});
  }

  void abort() noexcept override {}

 private:
  // All ids of a blob must have the same length.
  static std::string block_id(std::size_t index) {
    const std::string number = fmt::format("{:08}", index);
    return base64(std::as_bytes(std::span(number)));
  }

  Result<void> put(const std::string& query, std::span<const std::byte> body,
                   std::vector<std::string> headers) {
    RTENV_TRY(const std::string url, store_.object_url(object_));
    RTENV_TRY(store_.send_or_explain(
        object_,
        {.method = "PUT", .url = url + query, .headers = std::move(headers), .body = body}));
    return {};
  }

  AzureStore& store_;
  Uri object_;
  Md5 md5_;
};

Result<std::unique_ptr<Upload>> AzureStore::upload(const Uri& object,
                                                   std::optional<std::uint64_t> size_bytes) {
  return std::make_unique<PartUpload>(std::make_unique<AzurePartTarget>(*this, object),
                                      k_upload_connections, size_bytes);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_azure_store(const Uri& uri, Environment environment,
                                                      Access access,
                                                      const Cancellation* cancellation) {
  RTENV_TRY(AzureAccount account, azure_account(uri, environment, access));
  return std::make_unique<AzureStore>(std::move(account), std::move(environment), access,
                                      cancellation);
}

}  // namespace rtenv::remote
