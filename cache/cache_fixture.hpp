// For the cache's tests: a cache in a temporary folder, and builders.
#pragma once

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "cache/cache.hpp"
#include "support/in_fork.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::cache {

/// Builds an entry with one file, "file".
inline Builder writes(std::string content) {
  return [content = std::move(content)](const BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target));
    std::ofstream(context.target / "file") << content;
    return {};
  };
}

/// Fails with Errc::internal.
inline Builder must_not_run() {
  return [](const BuildContext&) -> Result<void> { return fail(Errc::internal, "built again"); };
}

inline std::vector<std::string> keys(Cache& cache) {
  std::vector<std::string> result;
  for (const EntryRow& row : must(cache.entries())) result.push_back(row.key.text());
  return result;
}

inline std::size_t count_in(const Path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

/// Runs `body` in a forked process that kills itself with SIGKILL afterwards.
template <class Body>
void in_killed_process(Body body) {
  const int status = status_of_fork([&] {
    body();
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
}

/// A folder for a cache.
class CacheFolder : public testing::Test {
 protected:
  [[nodiscard]] Cache open(CacheOptions options = {}) const {
    return must(Cache::open(folder_.root(), std::move(options)));
  }

  TreeBuilder folder_;
};

/// A folder with an open cache.
class OpenCache : public CacheFolder {
 protected:
  Result<Lease> build(Kind kind, KeyView key, const std::string& content = "x") {
    return cache_.get_or_build(kind, key, writes(content));
  }

  Cache cache_ = open();
};

}  // namespace rtenv::cache
