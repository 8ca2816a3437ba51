// The base of stores with a REST API and one URL for each object: Azure Blob Storage
// and Google Cloud Storage. Thread-safe, as each ObjectStore.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

class RestStore : public ObjectStore {
 public:
  Result<void> remove(const Uri& object) override;
  [[nodiscard]] std::string identity(const Uri& object) const override;

  /// Sends an authorized copy of `draft`, with retries. The response may have any status.
  Result<HttpResponse> send(const HttpRequest& draft);
  /// As send, but fails as `explain` if the status isn't 2xx.
  Result<HttpResponse> send_or_explain(const Uri& object, const HttpRequest& draft);

  [[nodiscard]] virtual std::string object_url(const Uri& object) const = 0;
  /// The error of a response that isn't 2xx.
  [[nodiscard]] virtual Failure explain(const Uri& object, const HttpResponse& response) = 0;

 protected:
  /// `endpoint`: a URL without a slash at the end.
  RestStore(std::string endpoint, Environment environment, const Cancellation* cancellation);

  [[nodiscard]] HttpClient& client() noexcept { return client_; }
  [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }
  /// Adds the credentials. Called for each attempt.
  virtual Result<HttpRequest> authorized(HttpRequest request) = 0;

 private:
  HttpClient client_;
  std::string endpoint_;
};

}  // namespace rtenv::remote
