// What the stores that speak HTTP have in common: reading an object, or a part of it, and being
// sure that it is what was asked for.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// What an answer says of an object: size from Content-Length, or of the whole from Content-Range;
/// version from ETag, else Last-Modified.
ObjectInfo object_info(const HttpResponse& response);

/// Sends `request` (a GET, complete but for its Range header) for the whole object or a part of it.
/// An answer of another range, size or version is refused before the sink sees it. `explain` makes
/// the error of an answer that isn't 2xx.
using Explain = std::function<Failure(const HttpResponse&)>;
Result<void> read_object(HttpClient& client, HttpRequest request, const ObjectInfo& expected,
                         const std::optional<ByteRange>& range, const BodySink& sink,
                         const Explain& explain);

}  // namespace rtenv::remote
