// The errors that Amazon S3 and compatible stores respond with. Thread-safe: no state.
#pragma once

#include <string>
#include <string_view>

#include "remote/http.hpp"

namespace rtenv::remote {

struct S3Error {
  std::string code;
  std::string message;
  std::string region;  // of the bucket, if it is another one

  /// Whatever the status.
  [[nodiscard]] bool is_about_credentials() const;
};

/// Without a code unless the body is that of an error.
S3Error parse_s3_error(std::string_view body);

/// For HttpRequest::take_document. A store may respond with 200 before it knows whether it
/// succeeds, and then send an error: gives the response the status that this error has otherwise.
void correct_s3_status(HttpResponse& response);

}  // namespace rtenv::remote
