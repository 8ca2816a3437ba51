#include "envbuild/working_dir.hpp"

#include "base/log.hpp"
#include "pkg/package.hpp"
#include "pkg/unpack.hpp"
#include "remote/http.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::string_view k_file_scheme = "file://";
constexpr std::string_view k_local_scheme = "local://";

cache::MakeOptions make_options(const PrepareOptions& options) {
  return {.cancellation = options.cancellation,
          .on_wait = [] { log::info("another process is unpacking this working_dir; waiting for it"); }};
}

Result<WorkingDir> from_directory(const Path& directory, const RuntimeEnv& runtime_env, cache::Cache& cache,
                                  const PrepareOptions& options) {
  const pkg::PackageOptions package{.scan = pkg::scan_options(options.node, pkg::Scheme::xxh3, runtime_env.excludes),
                                    .zip = {.threads = options.threads, .cancellation = options.cancellation},
                                    .digest_cache = cache::Cache::digests_folder(cache.root())};
  RTENV_TRY(const pkg::NamedTree named, pkg::name_directory(directory, package));
  RTENV_TRY(auto lease,
            cache.get_or_make(
                cache::Kind::tree, named.name.tree_key(),
                [&](const cache::MakeContext& context) {
                  return pkg::copy_tree(
                      named, context.target,
                      {.scheme = named.name.scheme(), .threads = options.threads, .cancellation = options.cancellation});
                },
                make_options(options)));
  Path path = lease.path();
  return WorkingDir{.path = std::move(path), .lease = std::move(lease), .uri = named.name.uri()};
}

// The top folder of a remote archive is dropped, that of one from the user's own machine isn't: as in Ray.
Result<WorkingDir> from_archive(const Path& archive, bool strip_top, cache::Cache& cache, const PrepareOptions& options) {
  RTENV_TRY(const pkg::PackageName name, pkg::name_of_archive(archive));
  const std::string key = name.tree_key() + (strip_top ? "-top" : "");
  RTENV_TRY(
      auto lease,
      cache.get_or_make(
          cache::Kind::tree, key,
          [&](const cache::MakeContext& context) -> Result<void> {
            RTENV_TRY(pkg::unpack(
                archive, context.target,
                {.limits = {}, .strip_top = strip_top, .threads = options.threads, .cancellation = options.cancellation}));
            return {};
          },
          make_options(options)));
  Path path = lease.path();
  return WorkingDir{.path = std::move(path), .lease = std::move(lease), .uri = name.uri()};
}

// A directory that every node already has: never copied, never counted.
Result<WorkingDir> in_place(const std::string& uri) {
  const Path path = uri.substr(k_local_scheme.size());
  if (!path.is_absolute())
    return fail(Errc::invalid_argument, "{} isn't absolute", uri).hint("three slashes: local:///path/of/the/directory");
  if (pkg::archive_extension(path.native()))
    return fail(Errc::invalid_argument, "{} names an archive; local:// is for directories", uri)
        .hint("use file:// for an archive");
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return fail(Errc::not_found, "{}: the directory isn't there", uri);
  return WorkingDir{.path = path, .lease = std::nullopt, .uri = uri};
}

Result<WorkingDir> from_uri(const std::string& uri, cache::Cache& cache, const PrepareOptions& options) {
  if (uri.starts_with(k_local_scheme)) return in_place(uri);
  if (!uri.starts_with(k_file_scheme))
    return fail(Errc::invalid_argument, "the working_dir {} has a scheme that this version of rtenv doesn't read",
                remote::redacted_url(uri))
        .hint("give a local directory or archive, file:///path/archive.zip or local:///directory");
  const Path path = uri.substr(k_file_scheme.size());
  if (!path.is_absolute())
    return fail(Errc::invalid_argument, "{} isn't absolute", uri).hint("three slashes: file:///path/archive.zip");
  return from_archive(path, true, cache, options);
}

}  // namespace

Result<std::optional<WorkingDir>> prepare_working_dir(const RuntimeEnv& runtime_env, cache::Cache& cache,
                                                      const PrepareOptions& options) {
  if (!runtime_env.working_dir) return std::optional<WorkingDir>();
  const std::string& text = *runtime_env.working_dir;
  const auto prepare = [&]() -> Result<WorkingDir> {
    if (text.find("://") != std::string::npos) return from_uri(text, cache, options);
    std::error_code error;
    const auto status = std::filesystem::status(text, error);
    if (!std::filesystem::exists(status)) return fail(Errc::not_found, "{} doesn't exist", text);
    if (std::filesystem::is_directory(status)) return from_directory(text, runtime_env, cache, options);
    return from_archive(text, false, cache, options);
  };
  auto prepared = prepare();
  if (!prepared) return Failure(std::move(prepared).error().within("working_dir"));
  return std::optional(std::move(*prepared));
}

}  // namespace rtenv::envbuild
