// Packages that clients upload for their jobs, gcs://NAME: in the cache, pinned until a job leases
// them. Call from the network's thread; the work is done on a thread of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/cancellation.hpp"
#include "base/hash.hpp"
#include "base/temp_dir.hpp"
#include "pkg/unpack.hpp"
#include "remote/uri.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::server {

class WorkerPool;

class JobPackages {
 public:
  using OpenCache = std::function<Result<cache::Cache>()>;
  JobPackages(OpenCache open_cache, std::uint64_t max_package_bytes, Cancellation cancellation);
  /// Cancels the work in progress, and waits for its thread.
  ~JobPackages();
  /// Ends the work in progress early.
  void cancel();

  [[nodiscard]] std::uint64_t max_package_bytes() const noexcept { return max_package_bytes_; }

  /// The URI of a package's name in a request. Fails: invalid_argument (not a plain file name).
  static Result<remote::Uri> uri_of(const std::string& name);

  /// Whether the package is stored; if so, it is kept for at least ten minutes. Fails: as opening
  /// the cache, and as find_uploaded.
  boost::asio::awaitable<Result<bool>> has(remote::Uri uri);

  /// A package that is being received.
  class Upload {
   public:
    /// Fails: out_of_space, invalid_argument (the package is too large).
    Result<void> add(std::span<const char> data);
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

   private:
    friend class JobPackages;
    Upload(TempDir folder, Fd file, std::uint64_t max_bytes, const pkg::UnpackLimits& limits)
        : folder_(std::move(folder)),
          file_(std::move(file)),
          max_bytes_(max_bytes),
          limits_(limits) {}
    TempDir folder_;
    Fd file_;
    std::uint64_t max_bytes_;
    pkg::UnpackLimits limits_;
    std::uint64_t size_bytes_ = 0;
    Sha256 sha256_;
    Sha1 sha1_;
  };
  /// Fails: as opening the cache, and out_of_space.
  boost::asio::awaitable<Result<Upload>> begin_upload();
  /// Checks a complete upload and makes it available, as after `has`. Fails: as check_package and
  /// store_upload.
  boost::asio::awaitable<Result<void>> store(remote::Uri uri, Upload upload);

  /// The packages that a runtime_env names.
  static std::vector<remote::Uri> named_by(const nlohmann::json& runtime_env);
  /// Pins packages until `release`, also beyond this process. `holder`: of one job alone, also
  /// among servers that share the cache. Fails: invalid_argument (one isn't stored), and as opening
  /// the cache.
  boost::asio::awaitable<Result<void>> hold(std::vector<remote::Uri> uris, std::string holder);
  void release(std::string holder);
  /// Releases what all holders have whose names begin with `prefix`, but for these: a server that
  /// was killed may have left some.
  void release_all_but(std::string prefix, std::unordered_set<std::string> holders);

 private:
  /// Opened on first use. Requires: on the pool's thread.
  Result<cache::Cache*> cache();
  template <class Value>
  boost::asio::awaitable<Result<Value>> on_pool(std::function<Result<Value>()> work);

  OpenCache open_cache_;
  std::uint64_t max_package_bytes_;
  Cancellation cancellation_;
  std::unique_ptr<cache::Cache> cache_;
  std::unique_ptr<WorkerPool> checks_;
  std::unique_ptr<WorkerPool> pool_;  // last: ends before what it uses
};

}  // namespace rtenv::server
