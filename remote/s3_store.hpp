// Amazon S3 and compatible stores. Credentials: remote/aws_credentials.hpp. Endpoint:
// AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile's, with the bucket in the path unless the
// profile's s3.addressing_style is "virtual"; otherwise Amazon's own, in the bucket's region, which
// is learned from S3's responses.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Fails: as current_aws_profile and aws_region.
Result<std::unique_ptr<ObjectStore>> open_s3_store(Environment environment, Access access,
                                                   const Cancellation* cancellation);

}  // namespace rtenv::remote
