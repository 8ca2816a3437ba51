// Installers run foreign code: to build a source distribution, and by the .pth files of what they
// have installed. In a sandbox, they can write to the environment that is being built and to their
// scratch folder, but not to the rest of the cache. uv's folder is an overlay, whose changes are
// dropped, because later builds trust its content; where overlays can't be mounted, it is empty.
#pragma once

#include <optional>

#include "base/mount_plan.hpp"
#include "base/process.hpp"
#include "base/sandbox.hpp"
#include "base/temp_dir.hpp"

namespace rtenv::envbuild {

struct InstallRequest;

class InstallerSandbox {
 public:
  /// Shows what the request names, and the configuration of installers and git in the home
  /// directory; nothing else of it and of the cache, whose root is `cache`.
  InstallerSandbox(const InstallRequest& request, const Path& cache);

  /// A cache for uv with the content of `uv_cache`; changes are dropped with `folder`, which is
  /// outside of the scratch folder: what is enclosed must not change the overlay's own folders.
  /// Fails: as mkdir(2).
  Result<Path> private_uv_cache(const Path& uv_cache, TempDir folder);

  /// `spawn`, in the sandbox. Requires: the previous one has ended. Fails: not_found (bwrap isn't
  /// installed), as renew_overlay.
  [[nodiscard]] Result<SandboxedCommand> enclose(SpawnOptions spawn) const;

 private:
  SandboxFolders folders_;
  Path cache_;
  Path target_;
  std::optional<TempDir> uv_folder_;
  struct UvCache {
    Overlay overlay;
    MountPlan mounts;
  };
  std::optional<UvCache> uv_cache_;  // none: without an overlay
};

}  // namespace rtenv::envbuild
