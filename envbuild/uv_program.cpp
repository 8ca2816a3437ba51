#include "envbuild/uv_program.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/program.hpp"
#include "base/redact.hpp"
#include "envbuild/next_key.hpp"
#include "pkg/unpack.hpp"
#include "remote/http_object.hpp"
#include "remote/package_index.hpp"
#include "remote/transfer_error.hpp"
#include "runtime_env/installer_settings.hpp"
#include "runtime_env/installer_variable.hpp"
#include "runtime_env/pinning.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::string_view k_version = "0.13.8";
constexpr std::uint64_t k_max_wheel_bytes = 1ULL << 30U;

struct PinnedWheel {
  std::string_view machine;  // as uname -m prints it
  std::string_view file_name;
  std::string_view sha256;
};
constexpr std::array<PinnedWheel, 2> k_wheels{
    {{"x86_64", "uv-0.13.8-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
      "e18a57b8b352eb7c8feb317b9f6f533c8f0ad9673fd6cf34bbe3cf1a9f6a8984"},
     {"aarch64",
      "uv-0.13.8-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
      "0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d"}}};

#if defined(__x86_64__)
constexpr std::string_view k_machine = "x86_64";
#elif defined(__aarch64__)
constexpr std::string_view k_machine = "aarch64";
#else
constexpr std::string_view k_machine = "this machine";
#endif

constexpr std::string_view k_hint = "install uv into a folder in PATH, or set RTENV_UV to its path";

Result<void> fetch_uv(const PinnedWheel& wheel, const Environment& environment, cache::Cache& cache,
                      const Path& target, const Cancellation* cancellation) {
  const std::string index = remote::package_index_url(environment);
  log::info("fetching uv {} from {}", k_version, redacted_url(index));
  RTENV_TRY(remote::transfer_limits(environment));
  remote::HttpClient client(environment, cancellation);
  RTENV_TRY(const std::string url, remote::find_package_file(index, "uv", wheel.file_name, client));
  RTENV_TRY(const TempDir folder, cache.make_temp_dir());
  const Path file = folder.path() / wheel.file_name;
  RTENV_TRY(const Fd out, open_file(file, O_WRONLY | O_CREAT | O_EXCL));
  Sha256 sha;
  const remote::ObjectRequest request{
      .make = [&]() -> Result<remote::HttpRequest> {
        return remote::HttpRequest{
            .url = url, .follow_redirects = true, .max_bytes = k_max_wheel_bytes};
      },
      .explain =
          [&](const remote::HttpResponse& response) {
            return remote::fail_status(response.status, redacted_url(url));
          }};
  const remote::ContentSink sink{
      .write = [&](std::span<const std::byte> data) -> Result<void> {
        sha.add(data);
        return write_full(out, data, file.native());
      },
      .restart = [&]() -> Result<void> {
        sha.reset();
        if (::ftruncate(out.get(), 0) != 0 || ::lseek(out.get(), 0, SEEK_SET) != 0)
          return fail_errno("write", file.native());
        return {};
      }};
  RTENV_TRY(remote::read_object(client, request, {}, std::nullopt, sink));
  if (to_hex(sha.finish()) != wheel.sha256)
    return fail(Errc::corrupt, "{} isn't the expected file: its SHA-256 differs", redacted_url(url))
        .hint("{}", k_hint);
  RTENV_TRY(
      pkg::unpack(file, folder.path() / "wheel", {.limits = {}, .cancellation = cancellation}));
  const Path program =
      folder.path() / "wheel" / fmt::format("uv-{}.data", k_version) / "scripts" / "uv";
  RTENV_TRY(make_directories(target));
  RTENV_TRY(rename_path(program, target / "uv"));
  if (::chmod((target / "uv").c_str(), 0755) != 0)
    return fail_errno("make executable", (target / "uv").native());
  return {};
}

Result<LeasedPath> pinned_uv(const Environment& environment, cache::Cache& cache,
                             const Cancellation* cancellation) {
  for (const PinnedWheel& wheel : k_wheels) {
    if (wheel.machine != k_machine) continue;
    RTENV_TRY(const auto key, cache::Key::parse(fmt::format("uv-{}-{}", k_version, k_machine)));
    auto lease = cache.get_or_build(
        cache::Kind::tool, key,
        [&](const cache::BuildContext& context) -> Result<void> {
          if (environment.find_filled("UV_OFFLINE"))
            return fail(Errc::not_found, "offline, so it isn\'t downloaded").hint("{}", k_hint);
          return fetch_uv(wheel, environment, cache, context.target, cancellation);
        },
        {.wait = {.cancellation = cancellation, .on_wait = {}}});
    if (!lease)
      return Failure(std::move(lease).error().within("uv isn't in PATH and can't be fetched"));
    return leased_path(std::move(*lease), "uv");
  }
  return fail(Errc::not_found, "uv isn't in PATH, and rtenv can't download it for {}", k_machine)
      .hint("{}", k_hint);
}

// Another index has another uv: a job must not choose the program that other jobs run.
std::string settings_of(const Environment& environment) {
  std::string text;
  for (const auto& [name, value] : environment.values())
    if (runtime_env::variable_use(name) == runtime_env::VariableUse::setting)
      text += fmt::format("\n{}={}", name, without_credentials(value));
  return text;
}

Result<void> install_uv(const LeasedPath& uv, const std::string& specifier,
                        const Environment& environment, cache::Cache& cache, const Path& python,
                        const UvInstall& install, const cache::BuildContext& context) {
  RTENV_TRY(const TempDir folder, cache.make_temp_dir());
  RTENV_TRY(hide_uv_configuration(folder.path()));
  SpawnOptions spawn{
      .argv = {uv.path.native(), "pip", "install", "--quiet", "--python", python.native(),
               "--target", context.target.native(), "uv" + specifier},
      .environment = environment,
      .working_dir = folder.path(),
      .keep_fds = {context.lock_fd}};
  // It runs outside of a job's sandbox: no code of a source distribution.
  spawn.argv.insert(spawn.argv.end(), {"--no-build"});
  // A link would hold the space of a file that is counted in uv's folder.
  spawn.argv.insert(spawn.argv.end(), {"--link-mode", "copy"});
  if (install.cache_use != InstallerCache::use) spawn.argv.emplace_back("--refresh");
  spawn.die_with_parent = true;
  RTENV_TRY(const Captured run,
            run_captured(std::move(spawn),
                         {.deadline = install.deadline, .cancellation = install.cancellation}));
  if (run.timed_out)
    return fail(Errc::installer_failed, "Timeout: the installation of uv{} took too long",
                specifier)
        .hint("raise config.setup_timeout_seconds in the runtime_env");
  if (run.state.succeeded()) return {};
  return fail(Errc::installer_failed, "uv{} can't be installed:\n{}", specifier,
              without_credentials(run.output));
}

// The version that the runtime_env requires, installed by `uv`.
Result<LeasedPath> required_uv(const LeasedPath& uv, const std::string& specifier,
                               const Environment& environment, cache::Cache& cache,
                               const Path& python, const UvInstall& install) {
  const std::string base = fmt::format(
      "uv-{}-{}", sha256_hex(specifier + settings_of(environment)).substr(0, 16), k_machine);
  RTENV_TRY(const auto rows, cache.ready_entries(cache::Kind::tool, base));
  const bool resolves_again =
      install.cache_use != InstallerCache::use && !runtime_env::is_exact_version(specifier);
  for (const auto& row : rows) {
    if (resolves_again) break;
    RTENV_TRY(auto newest, cache.find(row.kind, row.key));
    if (newest) return leased_path(std::move(*newest), "bin/uv");
  }
  RTENV_TRY(const auto key, next_key(base, rows));
  RTENV_TRY(auto lease,
            cache.get_or_build(cache::Kind::tool, key,
                               [&](const cache::BuildContext& context) {
                                 return install_uv(uv, specifier, environment, cache, python,
                                                   install, context);
                               },
                               {.wait = {.cancellation = install.cancellation, .on_wait = {}}}));
  return leased_path(std::move(lease), "bin/uv");
}

// Makes the path absolute: uv runs in another current folder.
LeasedPath program_at(const Path& path) {
  return {.path = std::filesystem::absolute(path), .lease = std::nullopt};
}

Result<LeasedPath> available_uv(const Environment& environment, cache::Cache& cache,
                                const Cancellation* cancellation) {
  if (const auto configured = environment.find_filled("RTENV_UV")) {
    const auto program = find_program(*configured, environment);
    if (!program) return Failure(Error(program.error()).within("RTENV_UV"));
    return program_at(*program);
  }
  if (const auto program = find_program("uv", environment)) return program_at(*program);
  return pinned_uv(environment, cache, cancellation);
}

}  // namespace

Result<void> hide_uv_configuration(const Path& folder) {
  // An installer may have put something else there.
  const Path file = folder / "uv.toml";
  RTENV_TRY(remove_tree(file));
  RTENV_TRY(const Fd none, open_regular_file(file, O_WRONLY | O_CREAT | O_EXCL, 0600));
  return {};
}

Result<std::optional<LockFile>> share_uv_cache(Environment& environment, cache::Cache& cache,
                                               const UvInstall& install) {
  if (environment.find_filled("UV_CACHE_DIR")) return std::optional<LockFile>();
  environment.set("UV_CACHE_DIR", cache::Cache::uv_folder(cache.root()).native());
  // uv's own files contain the URLs that it fetched.
  const Path folder = cache::Cache::uv_folder(cache.root());
  RTENV_TRY(make_directory(folder));
  if (::chmod(folder.c_str(), S_IRWXU) != 0)
    return fail_errno("set the permissions of", folder.native());
  RTENV_TRY(LockFile in_use, cache.use_uv_folder({.cancellation = install.cancellation,
                                                  .deadline = install.deadline,
                                                  .on_wait = {}}));
  return std::optional(std::move(in_use));
}

std::string_view pinned_uv_version() noexcept { return k_version; }

Result<LeasedPath> find_uv(const Environment& environment, cache::Cache& cache,
                           const std::optional<std::string>& version_specifier, const Path& python,
                           const UvInstall& install) {
  RTENV_TRY(LeasedPath uv, available_uv(install.machine, cache, install.cancellation));
  if (!version_specifier) return uv;
  return required_uv(uv, *version_specifier,
                     runtime_env::with_machine_variables(environment, install.machine), cache,
                     python, install);
}

}  // namespace rtenv::envbuild
