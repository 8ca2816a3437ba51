// Why an environment has to be built: how it differs from the most similar one in the cache.
#pragma once

#include <string>

#include "cache/cache.hpp"

namespace rtenv::runtime_env {
struct EnvKey;
}

namespace rtenv::envbuild {

/// One line of words, such as "it differs from 3c4d… by requirement pandas==2.2.1 (was
/// pandas==2.2.0)". Compares with a bounded number of environments, the newest ones, by their
/// descriptions: costs milliseconds.
std::string compare_with_nearest(const runtime_env::EnvKey& key, cache::Cache& cache);

}  // namespace rtenv::envbuild
