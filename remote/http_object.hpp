// Reads objects over HTTP: shared by the stores.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// An object's properties from a response's headers: the whole size from Content-Range,
/// else Content-Length; the version from ETag, else Last-Modified.
ObjectInfo object_info(const HttpResponse& response);

/// Makes the error of a response that isn't 2xx.
using Explain = std::function<Failure(const HttpResponse&)>;

/// Sends `request` (a GET, complete except for its Range header) for the object or a part of it.
/// A response with another range, size or version is refused before the sink gets any of it.
/// Fails: corrupt (another version or size), invalid_argument (another range), unavailable (cut
/// off), and as `explain` and HttpClient::stream.
Result<void> read_object(HttpClient& client, HttpRequest request, const ObjectInfo& expected,
                         const std::optional<ByteRange>& range, const BodySink& sink,
                         const Explain& explain);

}  // namespace rtenv::remote
