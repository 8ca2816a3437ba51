#include "job/supervise_command.hpp"

#include <unistd.h>

#include <charconv>
#include <optional>

#include "base/absolute_path.hpp"
#include "base/log.hpp"
#include "envbuild/cache_settings.hpp"
#include "job/supervise.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::job {
namespace {

// -1 if it isn't a number.
int parse_fd(const std::string& text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// A process keeps the file system busy that its current folder is on.
Path leave_current_folder() {
  std::error_code gone;
  Path folder = std::filesystem::current_path(gone);
  return ::chdir("/") == 0 ? folder : Path();
}

}  // namespace

int supervise_command(const std::vector<std::string>& words) {
  if (words.size() != 3) return exit_status(Errc::invalid_argument);
  log::set_sink(log::Level::info, log::to_standard_error());
  Environment environment = Environment::of_process();
  const Path folder = absolute_path(words[0]);
  auto cache_root = envbuild::cache_root(environment);
  if (cache_root) cache_root = absolute_path(*cache_root);
  const Path start_folder = leave_current_folder();
  runtime_env::locate_python(environment, start_folder);
  std::optional<cache::Cache> opened;
  const auto open_cache = [&]() -> Result<cache::Cache> {
    RTENV_TRY(const Path root, cache_root);
    cache::CacheOptions options;
    RTENV_TRY(options.limits, envbuild::cache_limits(environment));
    RTENV_TRY(options.remote_tier, envbuild::remote_tier(environment));
    RTENV_TRY(options, envbuild::with_folder_settings(std::move(options), environment));
    RTENV_TRY(auto cache, cache::Cache::open(root, std::move(options)));
    opened.emplace(cache);
    return cache;
  };
  const int status = supervise({.node = environment,
                                .start_folder = start_folder,
                                .cache_root = cache_root ? *cache_root : Path(),
                                .open_cache = open_cache},
                               folder, Fd(parse_fd(words[1])), Fd(parse_fd(words[2])));
  // The job has released its leases: their destructors don't evict.
  if (opened) opened->enforce_limits(nullptr);
  return status;
}

}  // namespace rtenv::job
