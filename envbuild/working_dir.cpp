#include "envbuild/working_dir.hpp"

#include "base/changing.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/path_kind.hpp"
#include "base/temp_dir.hpp"
#include "envbuild/fetch.hpp"
#include "envbuild/local_tree.hpp"
#include "envbuild/unpack_limits.hpp"
#include "pkg/package_name.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::envbuild {
namespace {

// What has the name is what is unpacked: a copy, whoever changes the original meanwhile.
Result<void> unpack_copy(const Path& archive, const pkg::PackageName& name, const Path& target,
                         cache::Cache& cache, const PrepareOptions& options) {
  RTENV_TRY(const TempDir folder, cache.make_temp_dir(options.cancellation));
  const Path copy =
      folder.path() / ("archive" + std::string(*pkg::archive_extension(archive.native())));
  std::error_code error;
  RTENV_TRY(clone_tree(std::filesystem::canonical(archive, error), copy,
                       {.cancellation = options.cancellation}));
  RTENV_TRY(const pkg::PackageName copied, pkg::name_of_archive(copy, options.cancellation));
  if (copied != name) return changed_while(archive.native(), "copied");
  RTENV_TRY(const auto limits, unpack_limits(cache));
  auto unpacked = pkg::unpack(
      copy, target,
      {.limits = limits, .threads = options.threads, .cancellation = options.cancellation});
  if (!unpacked) return Failure(std::move(unpacked).error().within(archive.native()));
  return {};
}

// Keeps the top folder of a local archive, unlike that of one that a URI names: as in Ray.
Result<LeasedPath> from_archive(const Path& archive, cache::Cache& cache,
                                const PrepareOptions& options) {
  const cache::BuildOptions build_options{
      .wait = {.cancellation = options.cancellation, .on_wait = [] {
                 log::info("another process is unpacking this working_dir; waiting for it");
               }}};
  return retry_if_changed(k_retries_of_directory, [&]() -> Result<LeasedPath> {
    RTENV_TRY(const pkg::PackageName name, pkg::name_of_archive(archive, options.cancellation));
    RTENV_TRY(const cache::Key key, cache::Key::parse(name.tree_key()));
    const auto build = [&](const cache::BuildContext& context) {
      return unpack_copy(archive, name, context.target, cache, options);
    };
    RTENV_TRY(auto lease, cache.get_or_build(cache::Kind::tree, key, build, build_options));
    return leased_path(std::move(lease));
  });
}

}  // namespace

Result<std::optional<LeasedPath>> prepare_working_dir(const runtime_env::RuntimeEnv& runtime_env,
                                                      cache::Cache& cache,
                                                      const PrepareOptions& options) {
  if (!runtime_env.working_dir) return std::optional<LeasedPath>();
  const std::string& text = *runtime_env.working_dir;
  const auto prepare = [&]() -> Result<LeasedPath> {
    if (remote::looks_like_uri(text)) {
      RTENV_TRY(const auto uri, remote::Uri::parse(text));
      RTENV_TRY(auto fetched, fetch_tree(uri, cache, fetch_options(runtime_env, options)));
      return std::move(fetched.object);
    }
    RTENV_TRY(const PathKind kind, path_kind(text));
    if (kind == PathKind::folder) {
      return store_directory(text, "", runtime_env.excludes, cache, options);
    }
    return from_archive(text, cache, options);
  };
  auto prepared = prepare();
  if (!prepared) return Failure(std::move(prepared).error().within("working_dir"));
  return std::optional(std::move(*prepared));
}

}  // namespace rtenv::envbuild
