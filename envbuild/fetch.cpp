#include "envbuild/fetch.hpp"

#include <fcntl.h>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/path_kind.hpp"
#include "base/shown_name.hpp"
#include "envbuild/file_entry.hpp"
#include "envbuild/unpack_limits.hpp"
#include "envbuild/uploaded_package.hpp"
#include "pkg/package_name.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::envbuild {
namespace {

using remote::Scheme;
using remote::Uri;

constexpr std::size_t k_key_digits = 32;
constexpr std::size_t k_max_name_bytes = 255;

// The form of a fetched object in the cache.
enum class Form : std::uint8_t { file, tree };

bool drops_top_folder(const Uri& uri) { return uri.scheme != Scheme::gcs; }

// A valid file name: an object's name can have any characters and length.
std::string local_name(const Uri& uri) {
  std::string name = uri.file_name();
  for (char& c : name)
    if (c == '/' || c == '\0') c = '_';
  if (name.empty() || name == "." || name == ".." || name.size() > k_max_name_bytes)
    return "object";
  return name;
}

class Fetcher {
 public:
  Fetcher(const Uri& uri, Form form, cache::Cache& cache, const FetchOptions& options)
      : uri_(uri),
        form_(form),
        cache_(cache),
        options_(options),
        cancellation_(options.store.cancellation) {}

  Result<Fetched> run() {
    if (uri_.scheme == Scheme::gcs) {
      RTENV_TRY(auto uploaded, find_uploaded(uri_, cache_));
      if (uploaded) return use_uploaded(std::move(*uploaded));
    }
    RTENV_TRY(auto pinned, find_pinned());
    if (pinned) return std::move(*pinned);
    RTENV_TRY(const auto store, remote::open_store(uri_, options_.store));
    digest_ = sha256_hex(
        fmt::format("{} {}", form_ == Form::file ? "file" : "tree", store->identity(uri_)));
    if (options_.offline && uri_.scheme != Scheme::file) return last_fetched();
    RTENV_TRY(const auto info, store->stat(uri_));
    RTENV_TRY(auto unchanged, find_version(info.version));
    if (unchanged) return std::move(*unchanged);
    RTENV_TRY(const LockFile lock,
              cache_.lock("fetch-" + digest_.substr(0, k_key_digits), wait_options()));
    RTENV_TRY(auto fetched_meanwhile, find_version(info.version));
    if (fetched_meanwhile) return std::move(*fetched_meanwhile);
    return fetch(*store, info);
  }

 private:
  [[nodiscard]] WaitOptions wait_options() const {
    return {.cancellation = cancellation_, .on_wait = [this] {
              log::info("another process is fetching {}; waiting for it", uri_.shown());
            }};
  }

  [[nodiscard]] Fetched fetched(cache::Lease lease, bool from_cache) const {
    return {.object = leased_path(std::move(lease),
                                  form_ == Form::file ? Path(local_name(uri_)) : Path()),
            .from_cache = from_cache};
  }

  // The entry of an earlier fetch, if its record satisfies `is_wanted`.
  Result<std::optional<Fetched>> find_fetch_record(
      const std::function<bool(const cache::FetchRecord&)>& is_wanted) {
    RTENV_TRY(const auto record, cache_.find_fetch_record(digest_));
    if (!record || !is_wanted(*record)) return std::optional<Fetched>();
    RTENV_TRY(auto lease, cache_.find(record->entry.kind, record->entry.key));
    if (!lease) return std::optional<Fetched>();
    return std::optional(fetched(std::move(*lease), true));
  }

  // Content with the pinned digest is valid, wherever it came from and whatever version the store
  // has now: no store is asked.
  Result<std::optional<Fetched>> find_pinned() {
    if (!uri_.sha256) return std::optional<Fetched>();
    if (form_ == Form::tree) {
      RTENV_TRY(const auto key, tree_key(*uri_.sha256));
      RTENV_TRY(auto tree, cache_.find(cache::Kind::tree, key));
      if (tree) return std::optional(fetched(std::move(*tree), true));
    }
    RTENV_TRY(auto file, find_file_entry(local_name(uri_), *uri_.sha256, cache_));
    if (!file) return std::optional<Fetched>();
    if (form_ == Form::file)
      return std::optional(Fetched{.object = std::move(*file), .from_cache = true});
    RTENV_TRY(auto tree, unpack(file->path, *uri_.sha256));
    return std::optional(fetched(std::move(tree), true));
  }

  Result<Fetched> last_fetched() {
    RTENV_TRY(auto last, find_fetch_record([&](const cache::FetchRecord& record) {
                return !uri_.sha256 || record.sha256 == *uri_.sha256;
              }));
    if (last) return std::move(*last);
    return fail(Errc::not_found, "{} isn't in the cache, and isn't fetched offline", uri_.shown());
  }

  Result<std::optional<Fetched>> find_version(const std::string& version) {
    if (version.empty()) return std::optional<Fetched>();
    return find_fetch_record([&](const cache::FetchRecord& record) {
      return record.version == version && (!uri_.sha256 || record.sha256 == *uri_.sha256);
    });
  }

  Result<Fetched> fetch(remote::ObjectStore& store, const remote::ObjectInfo& info) {
    RTENV_TRY(const TempDir folder, cache_.make_temp_dir(cancellation_));
    const Path file = folder.path() / "object";
    // What has the digest is what is unpacked: this file, whoever changes the object meanwhile.
    if (uri_.scheme != Scheme::file) log::info("fetching {}", uri_.shown());
    RTENV_TRY(const auto downloaded, remote::download(store, uri_, info, file,
                                                      {.on_progress = options_.on_progress,
                                                       .cancellation = cancellation_,
                                                       .will_be_synced = form_ == Form::file}));
    RTENV_TRY(auto lease,
              form_ == Form::file ? store_file(file, downloaded) : unpack(file, downloaded.sha256));
    // An object without a version is fetched again the next time.
    if (!downloaded.info.version.empty() || uri_.sha256)
      RTENV_TRY(cache_.remember_fetch(digest_, {.version = downloaded.info.version,
                                                .sha256 = downloaded.sha256,
                                                .entry = {lease.kind(), lease.key()}}));
    return fetched(std::move(lease), false);
  }

  Result<Fetched> use_uploaded(UploadedPackage uploaded) {
    if (form_ == Form::file) return Fetched{.object = std::move(uploaded.file), .from_cache = true};
    RTENV_TRY(auto lease, unpack(uploaded.file.path, uploaded.sha256));
    return fetched(std::move(lease), true);
  }

  Result<cache::Lease> store_file(const Path& file, const remote::Downloaded& downloaded) {
    RTENV_TRY(auto stored, file_entry(local_name(uri_), {downloaded.sha256, downloaded.xxh3},
                                      cache_, wait_options(), [&](const Path& target) {
                                        return rename_path(file, target);
                                      }));
    return std::move(*stored.lease);
  }

  [[nodiscard]] Result<cache::Key> tree_key(const std::string& sha256) const {
    return cache::Key::parse(
        fmt::format("archive-{}{}", sha256, drops_top_folder(uri_) ? "-top" : ""));
  }

  // Of a file that the user knows as the URI.
  [[nodiscard]] Error named_error(const Error& error, const Path& archive) const {
    Error named = with_shown_path(error, archive, uri_.shown());
    if (named.message().find(uri_.shown()) != std::string::npos) return named;
    return std::move(named).within(uri_.shown());
  }

  Result<cache::Lease> unpack(const Path& archive, const std::string& sha256) {
    const bool strip_top = drops_top_folder(uri_);
    RTENV_TRY(const auto key, tree_key(sha256));
    return cache_.get_or_build(cache::Kind::tree, key,
                               [&](const cache::BuildContext& context) -> Result<void> {
                                 RTENV_TRY(const auto limits, unpack_limits(cache_));
                                 auto unpacked = pkg::unpack(archive, context.target,
                                                             {.limits = limits,
                                                              .strip_top = strip_top,
                                                              .threads = options_.threads,
                                                              .cancellation = cancellation_});
                                 if (!unpacked)
                                   return Failure(named_error(unpacked.error(), archive));
                                 return {};
                               },
                               {.wait = wait_options()});
  }

  const Uri& uri_;
  Form form_;
  cache::Cache& cache_;
  const FetchOptions& options_;
  const Cancellation* cancellation_;
  std::string digest_;
};

Result<Fetched> file_in_place(const Uri& uri) {
  RTENV_TRY(const PathKind kind, path_kind(uri.path, uri.shown()));
  if (kind != PathKind::file)
    return fail(Errc::invalid_argument, "{} is {}, not a file", uri.shown(),
                kind == PathKind::folder ? "a folder" : "a pipe or device");
  RTENV_TRY(open_regular_file(uri.path, O_RDONLY));  // it may be read
  return Fetched{.object = {.path = uri.path, .lease = std::nullopt}, .from_cache = true};
}

// A directory that every node has: neither copied nor cached.
Result<Fetched> directory_in_place(const Uri& uri) {
  if (pkg::is_remote_archive(uri.path))
    return fail(Errc::invalid_argument, "{} names an archive; local:// is for directories",
                uri.shown())
        .hint("use file:// for an archive");
  RTENV_TRY(const PathKind kind, path_kind(uri.path, uri.shown()));
  if (kind != PathKind::folder)
    return fail(Errc::invalid_argument, "{} isn't a directory", uri.shown());
  return Fetched{.object = {.path = uri.path, .lease = std::nullopt}, .from_cache = true};
}

Result<void> check_path(const Uri& uri, const FetchOptions& options) {
  const bool is_local = uri.scheme == Scheme::file || uri.scheme == Scheme::local;
  return is_local && options.check_path ? options.check_path(uri.path) : Result<void>();
}

}  // namespace

Result<void> check_fetchable(const Uri& uri, const FetchOptions& options) {
  RTENV_TRY(check_path(uri, options));
  if (uri.is_prefix())
    return fail(Errc::invalid_argument, "{} has no object name", uri.shown())
        .hint("add the object's name: SCHEME://BUCKET/PATH/NAME.zip");
  return {};
}

Result<std::optional<LeasedPath>> find_pinned_file(const Uri& uri, cache::Cache& cache) {
  if (!uri.sha256) return std::optional<LeasedPath>();
  return find_file_entry(local_name(uri), *uri.sha256, cache);
}

Result<Fetched> fetch_file(const Uri& uri, cache::Cache& cache, const FetchOptions& options) {
  RTENV_TRY(check_fetchable(uri, options));
  // With a pin, a copy: the file could be another one by the time it is used.
  if (uri.scheme == Scheme::file && !uri.sha256) return file_in_place(uri);
  return Fetcher(uri, Form::file, cache, options).run();
}

Result<Fetched> fetch_tree(const Uri& uri, cache::Cache& cache, const FetchOptions& options) {
  if (uri.scheme == Scheme::local) {
    RTENV_TRY(check_path(uri, options));
    return directory_in_place(uri);
  }
  RTENV_TRY(check_fetchable(uri, options));
  if (!pkg::is_remote_archive(uri.path))
    return fail(Errc::invalid_argument, "{} isn't an archive: unknown extension", uri.shown())
        .hint("use a URI that ends with .zip, .tar.gz, .tgz, .tar.xz, .tar.bz2, .tar.zst or .jar");
  return Fetcher(uri, Form::tree, cache, options).run();
}

}  // namespace rtenv::envbuild
