// Any web server, http:// and https://. Credentials: the URL's user info, else
// RAY_RUNTIME_ENV_BEARER_TOKEN, else the host's entry in NETRC or ~/.netrc; after a redirect to
// another origin, only that origin's netrc entry. Reads GET (and HEAD where the server has it),
// writes PUT, removes DELETE; there is no list.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

Result<std::unique_ptr<ObjectStore>> open_web_store(Environment environment,
                                                    const Cancellation* cancellation);

}  // namespace rtenv::remote
