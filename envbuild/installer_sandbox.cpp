#include "envbuild/installer_sandbox.hpp"

#include <unistd.h>

#include <array>

#include "base/file.hpp"
#include "base/log.hpp"
#include "envbuild/installer.hpp"
#include "runtime_env/installer_settings.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::envbuild {

namespace {

// Variables that name a file or folder which installers and git read.
constexpr std::array<const char*, 13> k_file_variables{"NETRC",
                                                       "PIP_CONFIG_FILE",
                                                       "UV_CONFIG_FILE",
                                                       "PIP_CERT",
                                                       "PIP_CLIENT_CERT",
                                                       "SSL_CERT_FILE",
                                                       "SSL_CERT_DIR",
                                                       "SSL_CLIENT_CERT",
                                                       "REQUESTS_CA_BUNDLE",
                                                       "CURL_CA_BUNDLE",
                                                       "GIT_SSL_CAINFO",
                                                       "GIT_CONFIG_GLOBAL",
                                                       "UV_CREDENTIALS_DIR"};
constexpr std::array<const char*, 5> k_files_in_home{".netrc", ".gitconfig", ".config/git/config",
                                                     ".git-credentials", ".config/git/credentials"};

void append(std::vector<Path>& paths, const std::vector<Path>& more) {
  paths.insert(paths.end(), more.begin(), more.end());
}

SandboxFolders folders_of(const InstallRequest& request, const Path& cache) {
  SandboxFolders folders = *request.sandbox;
  folders.hidden.push_back(cache);
  folders.own = request.inputs.copies;
  if (request.working_dir) folders.own.push_back(*request.working_dir);
  folders.writable = {request.scratch, request.target};
  append(folders.readable, request.interpreter.needed_paths());
  // Not what a job says: it could name what it mustn't see.
  const Environment& environment = request.machine;
  append(folders.readable,
         runtime_env::configuration_files(environment, request.packages.installer));
  for (const char* variable : k_file_variables)
    if (const auto file = environment.find_filled(variable)) folders.readable.emplace_back(*file);
  if (const auto home = environment.find_filled("HOME"))
    for (const char* file : k_files_in_home) folders.readable.push_back(Path(*home) / file);
  return folders;
}

}  // namespace

InstallerSandbox::InstallerSandbox(const InstallRequest& request, const Path& cache)
    : folders_(folders_of(request, cache)), cache_(cache), target_(request.target) {}

Result<Path> InstallerSandbox::private_uv_cache(const Path& uv_cache, TempDir folder) {
  uv_folder_.emplace(std::move(folder));
  Overlay overlay{.lower = uv_cache, .folder = uv_folder_->path(), .name = "merged"};
  RTENV_TRY(make_overlay_folders(overlay));
  RTENV_TRY(make_directories(target_));
  MountPlan mounts({.overlay = overlay,
                    .read_only = cache_,
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
    folders.own.push_back(program);
  return in_sandbox(std::move(spawn), folders, {.unix_sockets = UnixSockets::refused});
}

}  // namespace rtenv::envbuild
