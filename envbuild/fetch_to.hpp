// Fetches the object that a URI names into a file of the user's, beside the cache.
#pragma once

#include "base/output_file.hpp"
#include "envbuild/fetch.hpp"

namespace rtenv::envbuild {

/// Writes the object as it is, not unpacked, to an output that the caller commits: then it is
/// complete and has its digest. What has the URI's pin is taken from `cache`, which may be null, if
/// it is there and whole; nothing is put into it. Requires: the output isn't a stream. Fails:
/// invalid_argument (a URI without an object, local://), as FetchOptions::check_path,
/// ObjectStore::stat and remote::download.
Result<remote::Downloaded> fetch_to(const remote::Uri& uri, const OutputFile& output,
                                    cache::Cache* cache, const FetchOptions& options);

}  // namespace rtenv::envbuild
