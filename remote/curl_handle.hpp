// A libcurl handle with its open connections: performs one request at a time. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "remote/curl_library.hpp"
#include "remote/curl_options.hpp"

namespace rtenv::remote {

class CurlHandle {
 public:
  /// Fails: not_found (no libcurl), unavailable (out of memory or descriptors), internal.
  static Result<std::unique_ptr<CurlHandle>> create();
  CurlHandle(const CurlHandle&) = delete;
  CurlHandle& operator=(const CurlHandle&) = delete;
  ~CurlHandle();

  /// One request and its response, without redirects. `cancellation` may be null.
  /// Fails: unavailable (also a 2xx response before the end of the body), and as
  /// HttpClient::stream.
  Result<HttpResponse> perform(const HttpRequest& request, const BodySink& sink,
                               const Environment& environment, TransferTimes& times,
                               const Cancellation* cancellation);

 private:
  CurlHandle(const CurlLibrary& curl, CURL* easy, CURLM* multi)
      : curl_(curl), easy_(easy), multi_(multi) {}
  /// Until the transfer ends, or `end` returns how it is to end.
  CURLcode run(const Cancellation* cancellation,
               const std::function<std::optional<CURLcode>()>& end);

  const CurlLibrary& curl_;
  CURL* easy_;
  // Holds the connections; a transfer in it can be waited for together with a cancellation.
  CURLM* multi_;
};

}  // namespace rtenv::remote
