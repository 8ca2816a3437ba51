#include "server/job_packages.hpp"

#include <fcntl.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.hpp"
#include "base/exceptions.hpp"
#include "base/log.hpp"
#include "base/wait_scope.hpp"
#include "cache/cache.hpp"
#include "envbuild/unpack_limits.hpp"
#include "envbuild/uploaded_package.hpp"
#include "server/run_on.hpp"
#include "server/worker_pool.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

namespace {

// How long an upload is kept for a job to name it: as in Ray.
constexpr std::int64_t k_unclaimed_ms = 10LL * 60 * 1000;
constexpr std::size_t k_max_name_bytes = 255;
constexpr std::size_t k_checks = 2;  // of uploads at a time

constexpr std::string_view k_pin_prefix = "job ";

std::string pin_of(std::string_view holder) { return fmt::format("{}{}", k_pin_prefix, holder); }

Result<void> pin(cache::Cache& cache, const envbuild::UploadedPackage& package,
                 const cache::Pin& pin) {
  RTENV_TRY(cache.pin(package.file.lease->kind(), package.file.lease->key(), pin));
  return {};
}

Result<void> pin_unclaimed(cache::Cache& cache, const envbuild::UploadedPackage& package) {
  return pin(cache, package, {.name = "uploaded", .expires_ms = unix_ms() + k_unclaimed_ms});
}

// The error with a package's name in place of the path here, which means nothing to a client.
Error named(const Error& error, const Path& file, const std::string& name) {
  std::string message = error.message();
  if (const auto at = message.find(file.native()); at != std::string::npos)
    message.replace(at, file.native().size(), name);
  return {error.code(), std::move(message), error.hint()};
}

}  // namespace

JobPackages::JobPackages(OpenCache open_cache, std::uint64_t max_package_bytes,
                         Cancellation cancellation)
    : open_cache_(std::move(open_cache)),
      max_package_bytes_(max_package_bytes),
      cancellation_(std::move(cancellation)),
      checks_(std::make_unique<WorkerPool>(k_checks)),
      pool_(std::make_unique<WorkerPool>(1)) {}

JobPackages::~JobPackages() { cancel(); }

void JobPackages::cancel() { cancellation_.request(); }

template <class Value>
asio::awaitable<Result<Value>> JobPackages::on_pool(std::function<Result<Value>()> work) {
  std::function<Result<Value>()> then_enforce = [this, work = std::move(work)] {
    const WaitScope scope(&cancellation_);
    auto result = work();
    if (cache_) cache_->enforce_limits(&cancellation_);
    return result;
  };
  co_return co_await run_on(*pool_, std::move(then_enforce));
}

Result<cache::Cache*> JobPackages::cache() {
  // Somebody may have removed its folder: then there is another one.
  if (cache_ && !cache_->size_bytes()) cache_.reset();
  if (!cache_) {
    RTENV_TRY(auto opened, without_exceptions(open_cache_));
    cache_ = std::make_unique<cache::Cache>(std::move(opened));
  }
  return cache_.get();
}

Result<remote::Uri> JobPackages::uri_of(const std::string& name) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.size() <= k_max_name_bytes &&
                     name.find_first_of(std::string_view("/\\?#\0", 5)) == std::string::npos;
  if (!plain)
    return fail(
        Errc::invalid_argument,
        "the name of a package must be a plain file name, such as _ray_pkg_0123456789abcdef.zip");
  return remote::Uri::parse("gcs://" + name);
}

asio::awaitable<Result<bool>> JobPackages::has(remote::Uri uri) {
  std::function<Result<bool>()> work = [this, uri = std::move(uri)]() -> Result<bool> {
    RTENV_TRY(cache::Cache* const cache, this->cache());
    RTENV_TRY(const auto package, envbuild::find_uploaded(uri, *cache));
    if (!package) return false;
    RTENV_TRY(pin_unclaimed(*cache, *package));
    return true;
  };
  co_return co_await on_pool<bool>(std::move(work));
}

Result<void> JobPackages::Upload::add(std::span<const char> data) {
  size_bytes_ += data.size();
  if (size_bytes_ > max_bytes_)
    return fail(Errc::invalid_argument,
                "the package is larger than {} bytes, the limit of this server", max_bytes_)
        .hint(
            "exclude files by 'excludes' or .rayignore; whoever runs the server can raise the "
            "limit");
  const auto bytes = std::as_bytes(data);
  sha256_.add(bytes);
  sha1_.add(bytes);
  return write_full(file_, bytes, "an uploaded package");
}

asio::awaitable<Result<JobPackages::Upload>> JobPackages::begin_upload() {
  std::function<Result<Upload>()> work = [this]() -> Result<Upload> {
    RTENV_TRY(cache::Cache* const cache, this->cache());
    RTENV_TRY(auto folder, cache->make_temp_dir());
    RTENV_TRY(Fd file, open_file(folder.path() / "package", O_WRONLY | O_CREAT | O_EXCL, 0600));
    RTENV_TRY(const auto limits, envbuild::unpack_limits(*cache));
    return Upload(std::move(folder), std::move(file), max_package_bytes_, limits);
  };
  co_return co_await on_pool<Upload>(std::move(work));
}

asio::awaitable<Result<void>> JobPackages::store(remote::Uri uri, Upload upload) {
  // Shared because a std::function must be copyable.
  const auto shared = std::make_shared<Upload>(std::move(upload));
  // Other requests don't wait for this: it reads the whole package.
  std::function<Result<envbuild::NameCheck>()> check = [this, uri,
                                                        shared]() -> Result<envbuild::NameCheck> {
    const Path file = shared->folder_.path() / "package";
    auto checked = envbuild::check_package(file, uri.path, to_hex(shared->sha1_.finish()),
                                           shared->limits_, &cancellation_);
    if (!checked) return Failure(named(checked.error(), file, uri.path));
    return checked;
  };
  const auto checked = co_await run_on(*checks_, std::move(check));
  if (!checked) co_return Failure(checked.error());
  std::function<Result<void>()> work = [this, uri = std::move(uri), shared,
                                        check = *checked]() -> Result<void> {
    RTENV_TRY(cache::Cache* const cache, this->cache());
    RTENV_TRY(const auto package, envbuild::store_upload(uri, shared->folder_.path() / "package",
                                                         to_hex(shared->sha256_.finish()), check,
                                                         *cache, cancellation_));
    return pin_unclaimed(*cache, package);
  };
  co_return co_await on_pool<void>(std::move(work));
}

std::vector<remote::Uri> JobPackages::named_by(const nlohmann::json& runtime_env) {
  std::vector<remote::Uri> uris;
  const auto add = [&](const nlohmann::json& value) {
    if (!value.is_string()) return;
    if (const auto uri = remote::Uri::parse(value.get<std::string>());
        uri && uri->scheme == remote::Scheme::gcs)
      uris.push_back(*uri);
  };
  if (!runtime_env.is_object()) return uris;
  if (runtime_env.contains("working_dir")) add(runtime_env.at("working_dir"));
  if (runtime_env.contains("py_modules") && runtime_env.at("py_modules").is_array())
    for (const auto& module : runtime_env.at("py_modules")) add(module);
  return uris;
}

asio::awaitable<Result<void>> JobPackages::hold(std::vector<remote::Uri> uris, std::string holder) {
  std::function<Result<void>()> work = [this, uris = std::move(uris),
                                        holder = std::move(holder)]() -> Result<void> {
    RTENV_TRY(cache::Cache* const cache, this->cache());
    for (const remote::Uri& uri : uris) {
      RTENV_TRY(const auto package, envbuild::find_uploaded(uri, *cache));
      if (!package)
        return fail(Errc::invalid_argument, "{} isn't on this server", uri.shown())
            .hint("upload it first: PUT /api/packages/gcs/{}", uri.path);
      RTENV_TRY(pin(*cache, *package, {.name = pin_of(holder), .expires_ms = std::nullopt}));
    }
    return {};
  };
  co_return co_await on_pool<void>(std::move(work));
}

void JobPackages::release(std::string holder) {
  post_on(*pool_, [this, holder = std::move(holder)] {
    const WaitScope scope(&cancellation_);
    const auto opened = cache();
    if (!opened) return;
    [[maybe_unused]] const auto unpinned = (*opened)->unpin_all(pin_of(holder));
    (*opened)->enforce_limits(&cancellation_);
  });
}

void JobPackages::release_all_but(std::string prefix, std::unordered_set<std::string> holders) {
  post_on(*pool_, [this, prefix = std::move(prefix), holders = std::move(holders)] {
    const WaitScope scope(&cancellation_);
    const auto opened = cache();
    if (!opened) return;
    const auto names = (*opened)->pin_names(pin_of(prefix));
    if (!names) return;
    for (const std::string& name : *names)
      if (!holders.contains(name.substr(k_pin_prefix.size()))) [[maybe_unused]]
        const auto unpinned = (*opened)->unpin_all(name);
    (*opened)->enforce_limits(&cancellation_);
  });
}

}  // namespace rtenv::server
