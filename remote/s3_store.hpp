// Amazon S3 and everything that speaks its language. Credentials: remote/aws_credentials.hpp;
// endpoint: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile's (then with the bucket in the
// path, unless the profile's s3.addressing_style is "virtual"); else Amazon's own, in the region
// that the bucket turns out to be in.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Fails: as load_aws_profile.
Result<std::unique_ptr<ObjectStore>> open_s3_store(Environment environment,
                                                   const Cancellation* cancellation);

}  // namespace rtenv::remote
