// Any web server: http:// and https://. Credentials: the URL's user info, else
// RAY_RUNTIME_ENV_BEARER_TOKEN, else the host's entry in NETRC or ~/.netrc; after a redirect to
// another origin, at most that host's netrc entry (remote/redirect.hpp). Uses GET (and HEAD if the
// server supports it), PUT and DELETE; objects can't be listed.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

Result<std::unique_ptr<ObjectStore>> open_web_store(Environment environment, Access access,
                                                    const Cancellation* cancellation);

}  // namespace rtenv::remote
