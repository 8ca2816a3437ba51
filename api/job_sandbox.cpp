#include "api/job_sandbox.hpp"

#include "base/absolute_path.hpp"

namespace rtenv::api {
namespace {

// With its folder, where a new one may replace it: a file that is hidden alone appears then. Links
// can lead to it through folders of their own.
void hide(const Path& secret, SandboxPolicy& policy) {
  std::error_code error;
  for (const Path& path : {secret, std::filesystem::weakly_canonical(secret, error)}) {
    if (path.empty()) continue;
    const Path folder = path.parent_path();
    const bool is_of_system =
        folder == folder.root_path() || folder.parent_path() == folder.root_path();
    policy.hidden.push_back(is_of_system ? path : folder);
  }
}

}  // namespace

Result<SandboxPolicy> sandbox_policy(const JobSandbox& sandbox, const std::vector<Path>& secrets,
                                     const Environment& environment) {
  SandboxPolicy policy{.has_network = sandbox.has_network};
  for (const Path& shown : sandbox.readable) {
    std::error_code error;
    if (!std::filesystem::exists(shown, error))
      return fail(Errc::not_found, "there is no file or folder {} that sandboxed jobs could read",
                  shown.native());
    policy.readable.push_back(absolute_path(shown));
  }
  for (const Path& secret : secrets) hide(secret, policy);
  // Else each job would fail.
  RTENV_TRY(try_sandbox({.readable = policy.readable, .hidden = policy.hidden}, environment));
  return policy;
}

}  // namespace rtenv::api
