// What every command shares: the settings that hold for all of them, the machine's environment, and
// how results and errors are shown. Built by main and passed down; there is no other state.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "base/log.hpp"
#include "cache/cache.hpp"

namespace rtenv::cli {

struct Tool {
  Environment environment;
  const Cancellation* cancellation = nullptr;

  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_progress = false;
  std::string cache_dir;  // --cache-dir; empty: RTENV_CACHE_DIR, else the user's cache folder

  /// The chosen command; it returns the exit status. Set while the command line is parsed, called
  /// afterwards.
  std::function<Result<int>()> command;

  mutable std::optional<cache::Cache> opened_cache;  // set by open_cache

  [[nodiscard]] log::Verbosity verbosity() const;
  /// Where the cache is. Fails: invalid_argument (no HOME).
  [[nodiscard]] Result<Path> cache_root() const;
  [[nodiscard]] Result<cache::Cache> open_cache() const;
  [[nodiscard]] Result<cache::Cache> open_cache(cache::CacheOptions options) const;
  /// With the remote tier, where one is set: for what makes environments.
  [[nodiscard]] Result<cache::Cache> open_cache_with_tier() const;
  /// RTENV_REMOTE_CACHE and what goes with it. Fails: invalid_argument.
  [[nodiscard]] Result<std::optional<cache::RemoteTierOptions>> remote_tier() const;
  /// What the cache keeps to by itself: RTENV_CACHE_MAX_SIZE, RTENV_CACHE_MIN_FREE. Fails:
  /// invalid_argument.
  [[nodiscard]] Result<cache::Limits> cache_limits() const;
  /// Where the digests of unchanged files are remembered; nothing where there is no place for a
  /// cache.
  [[nodiscard]] std::optional<Path> digest_cache() const;

  /// Evicts entries beyond the limits of the cache that the command opened. Called when the command
  /// has released its leases: their destructors don't evict. Logs an error; it isn't the command's.
  void enforce_cache_limits() const;

  /// One object on one line.
  static void print_json(const nlohmann::json& value);
  static void print_line(std::string_view line);
};

/// Adds a subcommand with an example in its help, and --json.
CLI::App* add_command(CLI::App& parent, Tool& tool, const char* name, const char* description,
                      const char* example);

/// One file a command. Each declares its options and sets Tool::command.
void register_pack(CLI::App& app, Tool& tool);
void register_hash(CLI::App& app, Tool& tool);
void register_fetch(CLI::App& app, Tool& tool);
void register_push(CLI::App& app, Tool& tool);
void register_unpack(CLI::App& app, Tool& tool);
void register_inspect(CLI::App& app, Tool& tool);
void register_env(CLI::App& app, Tool& tool);
void register_env_list(CLI::App& env_group, Tool& tool);
void register_env_pack(CLI::App& env_group, Tool& tool);
void register_run(CLI::App& app, Tool& tool);
void register_job(CLI::App& app, Tool& tool);
void register_serve(CLI::App& app, Tool& tool);
void register_cache(CLI::App& app, Tool& tool);
void register_cache_gc(CLI::App& cache_group, Tool& tool);
void register_doctor(CLI::App& app, Tool& tool);
void register_version(CLI::App& app, Tool& tool);

/// The supervisor of a job, which the server starts: `rtenv supervise FOLDER CONTROL_FD LOCK_FD`.
/// Not a command for people: not in the help.
inline constexpr std::string_view k_supervise = "supervise";
int supervise(const Tool& tool, const std::vector<std::string>& words);

}  // namespace rtenv::cli
