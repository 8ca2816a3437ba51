#include "cli/tool.hpp"

#include <cstdio>

#include "cli/byte_size.hpp"

namespace rtenv::cli {
namespace {

constexpr std::string_view k_default_max_size = "20GiB";

}  // namespace

log::Verbosity Tool::verbosity() const {
  if (verbose) return log::Verbosity::verbose;
  return quiet ? log::Verbosity::quiet : log::Verbosity::normal;
}

Result<Path> Tool::cache_root() const {
  if (!cache_dir.empty()) return Path(cache_dir);
  if (const auto configured = environment.find_filled("RTENV_CACHE_DIR")) return Path(*configured);
  if (const auto user_cache = environment.find_filled("XDG_CACHE_HOME")) return Path(*user_cache) / "rtenv";
  if (const auto home = environment.find_filled("HOME")) return Path(*home) / ".cache" / "rtenv";
  return fail(Errc::invalid_argument, "there is no place for the cache: HOME isn't set").hint("set RTENV_CACHE_DIR");
}

Result<cache::Cache> Tool::open_cache() const {
  RTENV_TRY(auto limits, cache_limits());
  return open_cache(std::move(limits));
}

Result<cache::Cache> Tool::open_cache(cache::Limits limits) const {
  RTENV_TRY(const Path root, cache_root());
  return cache::Cache::open(root, {.limits = std::move(limits),
                                   .allow_network_file_system = environment.find_filled("RTENV_CACHE_ON_NETWORK") == "1"});
}

Result<cache::Limits> Tool::cache_limits() const {
  const auto size = [&](const char* variable, std::string_view otherwise) -> Result<std::uint64_t> {
    auto bytes = parse_byte_size(environment.find_filled(variable).value_or(otherwise));
    if (!bytes) return Failure(std::move(bytes).error().within(variable));
    return bytes;
  };
  cache::Limits limits;
  RTENV_TRY(limits.max_bytes, size("RTENV_CACHE_MAX_SIZE", k_default_max_size));
  RTENV_TRY(limits.min_free_bytes, size("RTENV_CACHE_MIN_FREE", "0"));
  if (limits.min_free_bytes == 0U) limits.min_free_bytes.reset();
  return limits;
}

std::optional<Path> Tool::digest_cache() const {
  const auto root = cache_root();
  if (!root) return std::nullopt;
  return cache::Cache::digests_folder(*root);
}

void Tool::print_json(const nlohmann::json& value) {
  // Names need not be UTF-8; JSON must be.
  print_line(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void Tool::print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

CLI::App* add_command(CLI::App& parent, Tool& tool, const char* name, const char* description, const char* example) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer(std::string("Example:\n") + example + "\n");
  command->add_flag("--json", tool.json, "Print one JSON object instead of text");
  return command;
}

}  // namespace rtenv::cli
