#include "envbuild/installer_sandbox.hpp"

#include <unistd.h>

#include "base/file.hpp"
#include "base/log.hpp"

namespace rtenv::envbuild {

InstallerSandbox::InstallerSandbox(const Path& cache, const Path& hidden, const Path& python,
                                   const Path& scratch, const Path& target)
    : folders_{.cache = cache,
               .readable = {python},
               .writable = {scratch, target},
               .hidden = hidden},
      target_(target) {}

Result<Path> InstallerSandbox::private_uv_cache(const Path& uv_cache, TempDir folder) {
  uv_folder_.emplace(std::move(folder));
  Overlay overlay{.lower = uv_cache, .folder = uv_folder_->path(), .name = "merged"};
  RTENV_TRY(make_overlay_folders(overlay));
  RTENV_TRY(make_directories(target_));
  MountPlan mounts({.overlay = overlay,
                    .read_only = folders_.cache,
                    .writable = folders_.writable,
                    .own_user_namespace = ::geteuid() != 0});
  const Path merged = overlay.target();
  folders_.writable.push_back(merged);
  if (const auto tried = mounts.try_out())
    uv_cache_ = {std::move(overlay), std::move(mounts)};
  else
    log::info("uv begins with an empty cache in the sandbox: {}", tried.error().message());
  return merged;
}

Result<SandboxedCommand> InstallerSandbox::enclose(SpawnOptions spawn) const {
  RTENV_TRY(make_directories(target_));
  if (uv_cache_) {
    RTENV_TRY(renew_overlay(uv_cache_->overlay));
    spawn.prepare_child = [mounts = uv_cache_->mounts] { return mounts.enter(); };
  }
  SandboxFolders folders = folders_;
  if (const Path program = spawn.argv.front(); program.is_absolute())
    folders.readable.push_back(program);
  return in_sandbox(std::move(spawn), folders, {}, UnixSockets::refused);
}

}  // namespace rtenv::envbuild
