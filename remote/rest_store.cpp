#include "remote/rest_store.hpp"

namespace rtenv::remote {

RestStore::RestStore(std::string endpoint, Environment environment,
                     const Cancellation* cancellation)
    : client_(std::move(environment), cancellation), endpoint_(std::move(endpoint)) {}

Result<void> RestStore::remove(const Uri& object) {
  RTENV_TRY(send_or_explain(object, {.method = "DELETE", .url = object_url(object)}));
  return {};
}

std::string RestStore::identity(const Uri& object) const { return object.text() + " " + endpoint_; }

Result<HttpResponse> RestStore::send(const HttpRequest& draft) {
  return client_.send([&] { return authorized(draft); });
}

Result<HttpResponse> RestStore::send_or_explain(const Uri& object, const HttpRequest& draft) {
  RTENV_TRY(auto response, send(draft));
  if (!response.succeeded()) return explain(object, response);
  return response;
}

}  // namespace rtenv::remote
