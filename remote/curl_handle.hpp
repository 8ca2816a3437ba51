// A libcurl handle with its open connections: performs one request at a time. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "remote/curl_library.hpp"
#include "remote/curl_options.hpp"

namespace rtenv::remote {

class CurlHandle {
 public:
  /// Fails: not_found (no libcurl), internal.
  static Result<std::unique_ptr<CurlHandle>> create();
  CurlHandle(const CurlHandle&) = delete;
  CurlHandle& operator=(const CurlHandle&) = delete;
  ~CurlHandle();

  /// One request and its response, without redirects. `cancellation` may be null.
  /// Fails: as HttpClient::stream.
  Result<HttpResponse> perform(const HttpRequest& request, const BodySink& sink,
                               const Environment& environment, const TransferTimes& times,
                               const Cancellation* cancellation);

  /// Where the last response redirects to, as an absolute URL; empty if nowhere.
  [[nodiscard]] std::string redirect_url() const;

 private:
  CurlHandle(const CurlLibrary& curl, CURL* easy, CURLM* multi)
      : curl_(curl), easy_(easy), multi_(multi) {}
  CURLcode run(const Cancellation* cancellation);

  const CurlLibrary& curl_;
  CURL* easy_;
  // Holds the connections; a transfer in it can be waited for together with a cancellation.
  CURLM* multi_;
};

}  // namespace rtenv::remote
