// Reads objects over HTTP: shared by the stores.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

enum class Ranges : std::uint8_t { if_announced, always };

/// An object's properties from a response's headers: the whole size from Content-Range, else
/// Content-Length; the version from ETag, else from a Last-Modified that can't be that of a later
/// version, too. Its parts are tied if the ETag is strong and the server has ranges. The checksum
/// is that of offered_checksum.
ObjectInfo object_info(const HttpResponse& response, Ranges ranges = Ranges::if_announced);

/// Makes the error of a response that isn't 2xx.
using Explain = std::function<Failure(const HttpResponse&)>;

struct ObjectRequest {
  /// Makes the GET, complete except for its Range header. Called for each attempt.
  std::function<Result<HttpRequest>()> make;
  Explain explain;
};

/// The response to a GET of the first byte, with retries. Its headers are read alone: whatever a
/// server sends as the body, the connection is closed if it isn't that byte. Fails:
/// cancelled, and as HttpClient::send.
Result<HttpResponse> probe_object(HttpClient& client,
                                  const std::function<Result<HttpRequest>()>& make);
/// One attempt of it.
Result<HttpResponse> probe_once(HttpClient& client, HttpRequest request);

/// As ObjectStore::read. A response with another range, size or version is refused before the sink
/// gets any of it. Fails: changed (another version or size), corrupt (more bytes than announced),
/// invalid_argument (another range), unavailable (cut off), and as `explain` and
/// HttpClient::stream.
Result<void> read_object(HttpClient& client, const ObjectRequest& request,
                         const ObjectInfo& expected, const std::optional<ByteRange>& range,
                         const ContentSink& sink);

}  // namespace rtenv::remote
