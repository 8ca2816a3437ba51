#include "job/directory_policy.hpp"

#include <unistd.h>

#include "base/file.hpp"
#include "base/file_system.hpp"
#include "base/mount_plan.hpp"
#include "cache/cache.hpp"

namespace rtenv::job {
namespace {

constexpr const char* k_variable = "RTENV_JOB_DIRECTORY";

Result<void> try_overlay(cache::Cache& cache, bool own_user_namespace) {
  RTENV_TRY(const bool on_overlay, is_overlay_file_system(cache.root()));
  if (on_overlay)
    return fail(Errc::unavailable,
                "the cache {} is on an overlay file system, which can't hold another overlay",
                cache.root().native())
        .hint("set RTENV_CACHE_DIR to a folder on another file system, such as a volume");
  RTENV_TRY(const TempDir folder, cache.make_temp_dir());
  const Overlay overlay{.lower = folder.path() / "lower", .folder = folder.path()};
  RTENV_TRY(make_directories(overlay.lower));
  RTENV_TRY(make_overlay_folders(overlay));
  return MountPlan({.overlay = overlay,
                    .read_only = cache.root(),
                    .writable = {},
                    .own_user_namespace = own_user_namespace})
      .try_out();
}

}  // namespace

Result<DirectoryPolicy> choose_directory_policy(const Environment& environment, cache::Cache& cache,
                                                std::atomic<bool>* overlays_work) {
  const std::string_view wanted = environment.find_filled(k_variable).value_or("auto");
  const bool is_root = ::geteuid() == 0;
  if (wanted == "copy") return DirectoryPolicy{.reason = "RTENV_JOB_DIRECTORY=copy"};
  if (wanted != "auto" && wanted != "overlay")
    return fail(Errc::invalid_argument, "{}: '{}' is neither auto, overlay nor copy", k_variable,
                wanted);
  if (wanted == "auto" && !is_root)
    return DirectoryPolicy{.reason = "by default, only root's jobs get overlays"};
  auto tried =
      overlays_work != nullptr && *overlays_work ? Result<void>() : try_overlay(cache, !is_root);
  if (tried && overlays_work != nullptr) *overlays_work = true;
  if (tried)
    return DirectoryPolicy{
        .mode = DirectoryMode::overlay,
        .own_user_namespace = !is_root,
        .reason = is_root ? "mounts are allowed" : "mounts in a user namespace are allowed"};
  if (wanted == "auto") return DirectoryPolicy{.reason = tried.error().message()};
  return Failure(std::move(tried).error().within("RTENV_JOB_DIRECTORY=overlay"));
}

}  // namespace rtenv::job
