#include "envbuild/installer.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>

#include "base/exceptions.hpp"
#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/lines.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/processors.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "base/thread.hpp"
#include "cache/cache.hpp"
#include "cache/known_contents.hpp"
#include "envbuild/direct_urls.hpp"
#include "envbuild/env_protection.hpp"
#include "envbuild/foreign_links.hpp"
#include "envbuild/installed_files.hpp"
#include "envbuild/installer_run.hpp"
#include "envbuild/uv_program.hpp"
#include "pkg/tree_path.hpp"
#include "runtime_env/interpreter.hpp"
#include "runtime_env/local_input.hpp"

namespace rtenv::envbuild {
namespace {

using runtime_env::InstallerKind;

constexpr int k_shown_lines = 20;
constexpr int k_max_repairs = 3;
constexpr std::string_view k_compiled_folder = cache::info(cache::Kind::env).user_writable_folder;

// The last lines, indented, without credentials: installers repeat the URLs that they were given.
std::string last_lines(std::string_view output) {
  output = trim_end(output, "\n ");
  std::size_t begin = output.size();
  for (int i = 0; i < k_shown_lines && begin != std::string_view::npos && begin > 0; ++i)
    begin = output.rfind('\n', begin - 1);
  if (begin != std::string_view::npos && begin > 0) output.remove_prefix(begin + 1);
  std::string result;
  for (const std::string_view line : lines_of(output)) result += "\n  " + without_credentials(line);
  return result;
}

struct Installed {
  std::string digest;
  std::vector<UnconfirmedFile> unconfirmed;
};

Result<Installed> install_once(const InstallRequest& request, cache::Cache& cache) {
  RTENV_TRY(const TreeItems virtualenv, request.packages.installer == InstallerKind::uv
                                            ? install_with_uv(request, cache)
                                            : install_with_pip(request, cache));
  if (request.sandbox) RTENV_TRY(refuse_foreign_links(request.target, virtualenv));
  RTENV_TRY(check_local_sources(request.target, request.form, request.inputs.copies));
  RTENV_TRY(remove_secrets_from_direct_urls(request.target, request.form));
  if (request.describe) RTENV_TRY(request.describe());
  RTENV_TRY(auto items, cache::list_tree(request.target, k_compiled_folder));
  auto known = cache::KnownContents::open(cache.root());
  Result<void> is_protected;
  {
    // It waits for the file system, while the digests need the processors.
    const auto protect = [&] {
      is_protected = without_exceptions([&] { return protect_env(request.target); });
    };
    std::vector<std::jthread> helpers;
    if (request.form == InstallForm::virtual_env) {
      helpers = start_helpers(1, protect);
      if (helpers.empty()) protect();
    }
    RTENV_TRY(cache::digest_files(request.target, items, default_threads(), request.cancellation,
                                  &known));
  }
  RTENV_TRY(std::move(is_protected));
  known.remember(items);
  RTENV_TRY(auto unconfirmed,
            check_installed_files(request.target, request.form, items, virtualenv));
  return Installed{.digest = cache::digest_of(items), .unconfirmed = std::move(unconfirmed)};
}

// Those to install without uv's cache. What has no hash is confirmed by unpacking the wheel anew,
// which pip always does.
std::vector<std::string> suspect_distributions(const Installed& installed,
                                               InstallerKind installer) {
  std::set<std::string> names;
  for (const UnconfirmedFile& file : installed.unconfirmed)
    if (file.reason == UnconfirmedFile::Reason::damaged || installer == InstallerKind::uv)
      names.insert(file.distribution);
  return {names.begin(), names.end()};
}

// Null: none.
const UnconfirmedFile* first_damaged(const Installed& installed) {
  const auto file = std::ranges::find(installed.unconfirmed, UnconfirmedFile::Reason::damaged,
                                      &UnconfirmedFile::reason);
  return file == installed.unconfirmed.end() ? nullptr : &*file;
}

std::string described(const UnconfirmedFile& file) {
  return fmt::format("{} of the distribution {} {}", file.path, file.distribution, file.problem);
}

// The distributions that uv couldn't install from what it has unpacked, according to its message.
// Nullopt: it failed for another reason.
std::optional<std::vector<std::string>> broken_in_uv_cache(const Error& error) {
  const std::string_view message = error.message();
  const auto word_after = [&](std::string_view before, std::string_view end_of_word) {
    const auto at = message.find(before);
    if (at == std::string_view::npos) return std::string_view();
    const std::string_view rest = message.substr(at + before.size());
    return rest.substr(0, rest.find_first_of(end_of_word));
  };
  std::vector<std::string> names;
  // "Failed to install: six-1.17.0-py2.py3-none-any.whl (six==1.17.0)"
  if (const auto wheel = word_after("Failed to install: ", "-\n"); !wheel.empty())
    names.emplace_back(wheel);
  // "failed to open file `…/archive-v0/ID/six-1.17.0.dist-info/METADATA`"
  const std::string_view path = word_after("/archive-v0/", "`'\"\n");
  const auto unpacked = pkg::split_path(path);
  if (unpacked.size() > 1 && unpacked[1].ends_with(".dist-info"))
    names.emplace_back(unpacked[1].substr(0, unpacked[1].find('-')));
  if (names.empty() && path.empty()) return std::nullopt;
  return names;
}

bool uses_uv_cache(const InstallRequest& request) {
  return request.packages.installer == InstallerKind::uv &&
         request.cache_use != InstallerCache::bypass;
}

Result<Installed> install_anew(const InstallRequest& request,
                               const std::vector<std::string>& suspects, cache::Cache& cache) {
  InstallRequest anew = request;
  anew.cache_use = InstallerCache::bypass;
  // In a sandbox, uv's cache is another one for each run.
  const bool has_names = !suspects.empty() && !request.sandbox;
  if (request.packages.installer == InstallerKind::uv && has_names) {
    const auto removed = remove_from_uv_cache(suspects, anew, cache);
    if (removed)
      anew.cache_use = request.cache_use;
    else if (removed.error().code() == Errc::installer_failed)
      log::info("uv's cache can't be cleaned now, so everything is fetched again");
    else
      return Failure(removed.error());
  }
  RTENV_TRY(remove_tree(request.target));
  return install_once(anew, cache);
}

}  // namespace

Result<std::string> install(const InstallRequest& request, cache::Cache& cache) {
  auto installed = install_once(request, cache);
  for (int attempt = 0; !installed && attempt <= k_max_repairs && uses_uv_cache(request);
       ++attempt) {
    auto broken = broken_in_uv_cache(installed.error());
    if (!broken) break;
    if (attempt == k_max_repairs) broken->clear();  // without uv's cache
    log::warn("{}; installing once more, without the cached {}", installed.error().message(),
              broken->empty() ? "wheels" : fmt::format("{}", fmt::join(*broken, ", ")));
    installed = install_anew(request, *broken, cache);
  }
  if (!installed) return Failure(std::move(installed).error());
  Installed& first = *installed;
  const auto suspects = suspect_distributions(first, request.packages.installer);
  if (suspects.empty()) return std::move(first.digest);
  const UnconfirmedFile* damaged = first_damaged(first);
  if (damaged != nullptr)
    log::warn("{}; installing once more, without the cached {}", described(*damaged),
              fmt::join(suspects, ", "));
  auto second = install_anew(request, suspects, cache);
  if (!second && damaged != nullptr)
    return Failure(std::move(second).error().within(described(*damaged)));
  if (!second) return Failure(std::move(second).error());
  damaged = first_damaged(*second);
  if (damaged == nullptr) return std::move(second->digest);
  return fail(Errc::corrupt, "{}, although it was installed twice", described(*damaged))
      .hint("the wheel is damaged, or its RECORD is wrong: get or build it again");
}

std::string phase_name(std::string_view step, std::size_t phase, std::size_t count) {
  return count == 1 ? std::string(step)
                    : fmt::format("{} (phase {} of {})", step, phase + 1, count);
}

Result<void> add_virtualenv_site_packages(const InstallRequest& request) {
  if (request.interpreter.executable == request.interpreter.base_executable) return {};
  std::error_code error;
  for (const FolderEntry& python : readable_entries(request.target / "lib")) {
    const Path folder = python.path / "site-packages";
    if (!std::filesystem::is_directory(folder, error)) continue;
    RTENV_TRY(AtomicFile file, AtomicFile::create(folder / k_inherited_packages));
    RTENV_TRY(file.write(request.interpreter.site_packages.native() + "\n"));
    RTENV_TRY(file.commit(Durability::process));
  }
  return {};
}

Result<TreeItems> content_of(const Path& virtualenv) {
  std::error_code error;
  if (!std::filesystem::exists(virtualenv, error)) return TreeItems();
  RTENV_TRY(TreeItems items, cache::list_tree(virtualenv, k_compiled_folder));
  RTENV_TRY(cache::digest_files(virtualenv, items, 1));
  return items;
}

InstallerRun::InstallerRun(const InstallRequest& request, cache::Cache& cache)
    : request_(request), environment_(request.inputs.environment) {
  if (request.sandbox) sandbox_.emplace(request, cache.root());
  if (request.timeout) deadline_ = std::chrono::steady_clock::now() + *request.timeout;
}

// Passes on and logs complete lines, without credentials.
void InstallerRun::show(std::string_view text) {
  pending_ += text;
  const auto end = pending_.rfind('\n');
  if (end == std::string::npos) return;
  const std::string lines = without_credentials(pending_.substr(0, end + 1));
  pending_.erase(0, end + 1);
  if (lines == "\n") return;
  if (request_.on_output) request_.on_output(lines);
  if (request_.log_fd >= 0) [[maybe_unused]]
    const auto written = ::write(request_.log_fd, lines.data(), lines.size());
}

Result<Captured> InstallerRun::run(std::vector<std::string> argv,
                                   std::function<void(std::string_view)> on_output) {
  log::debug("{}", without_credentials(fmt::format("{}", fmt::join(argv, " "))));
  RTENV_TRY(hide_uv_configuration(request_.scratch));
  SpawnOptions spawn{.argv = std::move(argv),
                     .environment = environment_,
                     .working_dir = request_.scratch,
                     .keep_fds = {}};
  spawn.die_with_parent = true;
  if (request_.lock_fd >= 0) spawn.keep_fds.push_back(request_.lock_fd);
  std::optional<SandboxedCommand> enclosed;  // with what bwrap reads
  if (sandbox_) {
    RTENV_TRY(enclosed, sandbox_->enclose(std::move(spawn)));
    spawn = std::move(enclosed->spawn);
  }
  return run_captured(std::move(spawn), {.deadline = deadline_,
                                         .cancellation = request_.cancellation,
                                         .on_output = std::move(on_output)});
}

Result<std::string> InstallerRun::capture(std::vector<std::string> argv) {
  const std::string program = argv.front();
  RTENV_TRY(Captured captured, run(std::move(argv), {}));
  if (captured.state.succeeded() && !captured.timed_out) return std::move(captured.output);
  return fail(Errc::installer_failed, "{} ended with {}{}", program, captured.state.describe(),
              last_lines(captured.output));
}

Result<void> InstallerRun::step(std::string_view name, std::vector<std::string> argv) {
  RTENV_TRY(const Captured run,
            this->run(std::move(argv), [&](std::string_view text) { show(text); }));
  show("\n");
  if (run.timed_out)
    return fail(Errc::installer_failed, "Timeout: {} took longer than {} s{}", name,
                request_.timeout->count(), last_lines(run.output))
        .hint("raise config.setup_timeout_seconds in the runtime_env");
  if (run.state.succeeded()) return {};
  const auto says = [&](std::string_view text) {
    return run.output.find(text) != std::string::npos;
  };
  if (says("No space left on device") || says("Disk quota exceeded"))
    return fail(Errc::out_of_space, "no space left on the disk: {} ended with {}{}", name,
                run.state.describe(), last_lines(run.output));
  auto failure = fail(Errc::installer_failed, "{} ended with {}{}", name, run.state.describe(),
                      last_lines(run.output));
  if (says("Distribution not found at: " + runtime_env::file_url(request_.scratch)))
    return std::move(failure).hint(
        "a project requires another folder: list that in the packages, too");
  return failure;
}

}  // namespace rtenv::envbuild
