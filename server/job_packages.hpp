// Packages that clients upload for their jobs, gcs://NAME: in the cache, kept there by pins until a
// job has them. The work is done on threads of a pool; what is called is for the network's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "cache/cache.hpp"
#include "remote/uri.hpp"

namespace rtenv::server {

class JobPackages {
 public:
  using OpenCache = std::function<Result<cache::Cache>()>;
  JobPackages(OpenCache open_cache, std::uint64_t max_package_bytes)
      : open_cache_(std::move(open_cache)), max_package_bytes_(max_package_bytes), pool_(1) {}

  [[nodiscard]] std::uint64_t max_package_bytes() const noexcept { return max_package_bytes_; }

  /// The URI of a name that came in a request. Fails: invalid_argument (not a plain file name).
  static Result<remote::Uri> uri_of(const std::string& name);

  /// Whether it is here; then it stays for ten minutes at least.
  boost::asio::awaitable<Result<bool>> has(remote::Uri uri);

  /// A package on its way in: written as it comes, kept whole or not at all.
  class Incoming {
   public:
    /// Fails: out_of_space, invalid_argument (larger than a package may be).
    Result<void> add(std::span<const char> data);

   private:
    friend class JobPackages;
    Incoming(TempDir folder, Fd file, std::uint64_t max_bytes)
        : folder_(std::move(folder)), file_(std::move(file)), max_bytes_(max_bytes) {}
    TempDir folder_;
    Fd file_;
    std::uint64_t max_bytes_;
    std::uint64_t size_bytes_ = 0;
    Sha256 sha256_;
    Sha1 sha1_;
  };
  boost::asio::awaitable<Result<Incoming>> begin();
  /// Fails: corrupt (a name that says another content).
  boost::asio::awaitable<Result<void>> keep(remote::Uri uri, Incoming incoming);

  /// The packages that a runtime_env names.
  static std::vector<remote::Uri> named_by(const nlohmann::json& runtime_env);
  /// Pins what a job names until `release`. Fails: not_found.
  boost::asio::awaitable<Result<void>> hold(std::vector<remote::Uri> uris, std::string job_id);
  void release(std::vector<remote::Uri> uris, std::string job_id);

 private:
  /// Opened when it is first needed. Requires: on the pool's thread.
  Result<cache::Cache*> cache();
  template <class Value>
  boost::asio::awaitable<Result<Value>> on_pool(std::function<Result<Value>()> work);

  OpenCache open_cache_;
  std::uint64_t max_package_bytes_;
  std::unique_ptr<cache::Cache> cache_;
  boost::asio::thread_pool pool_;  // last: ends before what it works on
};

}  // namespace rtenv::server
