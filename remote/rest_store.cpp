#include "remote/rest_store.hpp"

#include "base/redact.hpp"

namespace rtenv::remote {

RestStore::RestStore(std::string endpoint, Environment environment,
                     const Cancellation* cancellation)
    : client_(std::move(environment), cancellation), endpoint_(std::move(endpoint)) {}

Result<void> RestStore::remove(const Uri& object) {
  RTENV_TRY(std::string url, object_url(object));
  RTENV_TRY(send_or_explain(object, {.method = "DELETE", .url = std::move(url)}));
  return {};
}

std::string RestStore::identity(const Uri& object) const { return object.text() + " " + endpoint_; }

// The URL of an upload, which the store chooses, may be elsewhere: it is its own credential.
Result<HttpRequest> RestStore::authorized_within_endpoint(const HttpRequest& draft) {
  RTENV_TRY(const Url own, endpoint());
  RTENV_TRY(const Url url, Url::parse(draft.url));
  if (url.origin == own.origin) return authorized(draft);
  if (is_downgrade(own.origin, url.origin))
    return fail(Errc::permission_denied, "the store chose a URL that isn't encrypted: {}",
                redacted_url(draft.url));
  return draft;
}

Result<HttpResponse> RestStore::send(const HttpRequest& draft) {
  return client_.send([&] { return authorized_within_endpoint(draft); });
}

Result<HttpResponse> RestStore::send_or_explain(const Uri& object, const HttpRequest& draft) {
  RTENV_TRY(auto response, send(draft));
  if (!response.succeeded()) return explain(object, response);
  return response;
}

}  // namespace rtenv::remote
