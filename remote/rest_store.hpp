// The base of stores with a REST API and one URL for each object: Azure Blob Storage
// and Google Cloud Storage. Thread-safe, as each ObjectStore.
#pragma once

#include "remote/object_store.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {

class RestStore : public ObjectStore {
 public:
  Result<void> remove(const Uri& object) override;
  [[nodiscard]] std::string identity(const Uri& object) const override;

  /// Sends a copy of `draft`, authorized if it is for the endpoint, with retries. The response may
  /// have any status.
  Result<HttpResponse> send(const HttpRequest& draft);
  /// As send, but fails as `explain` if the status isn't 2xx.
  Result<HttpResponse> send_or_explain(const Uri& object, const HttpRequest& draft);

  /// Fails: invalid_argument (a name that the store doesn't have, a malformed endpoint).
  [[nodiscard]] virtual Result<std::string> object_url(const Uri& object) const = 0;
  /// The error of a response that isn't 2xx.
  [[nodiscard]] virtual Failure explain(const Uri& object, const HttpResponse& response) = 0;

 protected:
  RestStore(std::string endpoint, Environment environment, const Cancellation* cancellation);

  [[nodiscard]] HttpClient& client() noexcept { return client_; }
  /// Fails: as Url::parse_endpoint.
  [[nodiscard]] Result<Url> endpoint() const { return Url::parse_endpoint(endpoint_); }
  /// Adds the credentials. Called for each attempt.
  virtual Result<HttpRequest> authorized(HttpRequest request) = 0;

 private:
  Result<HttpRequest> authorized_within_endpoint(const HttpRequest& draft);

  HttpClient client_;
  std::string endpoint_;
};

}  // namespace rtenv::remote
