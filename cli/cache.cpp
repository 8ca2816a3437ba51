#include "cache/cache.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "cli/byte_size.hpp"
#include "cli/tool.hpp"

namespace rtenv::cli {
namespace {

struct CacheCommand {
  std::vector<std::string> keys;
  bool all = false;
  bool yes = false;
  std::string max_size;
  bool dry_run = false;

  static Result<int> list(const Tool& tool);
  [[nodiscard]] Result<int> remove(const Tool& tool) const;
  [[nodiscard]] Result<int> collect(const Tool& tool) const;
  static Result<int> dir(const Tool& tool);
};

nlohmann::json to_json(const cache::EntryRow& row) {
  return {{"kind", cache::info(row.kind).name}, {"key", row.key},
          {"size_bytes", row.size_bytes},       {"ready", row.ready},
          {"created_ms", row.created_ms},       {"last_used_ms", row.last_used_ms},
          {"held_by", row.holder_pids}};
}

std::string local_time(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return {text.data(), length};
}

std::string state_of(const cache::EntryRow& row) {
  if (!row.ready) return "being built";
  if (row.holder_pids.empty()) return "";
  return fmt::format("in use by {}", fmt::join(row.holder_pids, ", "));
}

Result<int> CacheCommand::list(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto rows, cache.entries());
  std::uint64_t total_bytes = 0;
  for (const auto& row : rows) {
    total_bytes += row.size_bytes;
    if (tool.json)
      Tool::print_json(to_json(row));
    else
      Tool::print_line(fmt::format("{:<5} {:>10}  {}  {}  {}", cache::info(row.kind).name, format_byte_size(row.size_bytes),
                                   local_time(row.last_used_ms), row.key, state_of(row)));
  }
  if (!tool.json) log::info("{} entries, {}", rows.size(), format_byte_size(total_bytes));
  return 0;
}

bool confirmed(std::size_t count) {
  fmt::print(stderr, "Remove {} entries from the cache? [y/N] ", count);
  return std::fgetc(stdin) == 'y';
}

Result<int> CacheCommand::remove(const Tool& tool) const {
  if (keys.empty() == !all) return fail(Errc::invalid_argument, "give keys, or --all").hint("rtenv cache ls shows the keys");
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto rows, cache.entries());
  for (const std::string& key : keys)
    if (std::ranges::find(rows, key, &cache::EntryRow::key) == rows.end())
      return fail(Errc::not_found, "{} isn't in the cache", key).hint("rtenv cache ls shows the keys");
  if (all && !yes) {
    if (::isatty(STDIN_FILENO) == 0) return fail(Errc::invalid_argument, "--all removes every entry").hint("add --yes");
    if (!confirmed(rows.size())) return 1;
  }
  std::optional<Error> refused;
  std::uint64_t freed_bytes = 0;
  nlohmann::json removed_keys = nlohmann::json::array();
  for (const auto& row : rows) {
    if (!all && std::ranges::find(keys, row.key) == keys.end()) continue;
    const auto removed = cache.remove(row.kind, row.key);
    if (!removed) {
      if (removed.error().code() != Errc::permission_denied) return Failure(removed.error());
      refused = removed.error();
      continue;
    }
    freed_bytes += row.size_bytes;
    removed_keys.push_back(row.key);
  }
  if (tool.json)
    Tool::print_json({{"removed", removed_keys}, {"freed_bytes", freed_bytes}});
  else
    log::info("{} entries removed, {} freed", removed_keys.size(), format_byte_size(freed_bytes));
  if (refused) return Failure(std::move(*refused));
  return 0;
}

Result<int> CacheCommand::collect(const Tool& tool) const {
  RTENV_TRY(const std::uint64_t max_bytes, parse_byte_size(max_size));
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto report, cache.collect(max_bytes, dry_run));
  if (tool.json) {
    nlohmann::json removed = nlohmann::json::array();
    for (const auto& row : report.removed) removed.push_back(to_json(row));
    Tool::print_json({{"dry_run", dry_run},
                      {"removed", removed},
                      {"freed_bytes", report.freed_bytes},
                      {"kept_bytes", report.kept_bytes},
                      {"held_bytes", report.held_bytes}});
    return 0;
  }
  for (const auto& row : report.removed)
    Tool::print_line(fmt::format("{} {} {}, last used {}", cache::info(row.kind).name, row.key,
                                 format_byte_size(row.size_bytes), local_time(row.last_used_ms)));
  log::info("{} {} entries, {}; {} left, {} of it in use", dry_run ? "would remove" : "removed", report.removed.size(),
            format_byte_size(report.freed_bytes), format_byte_size(report.kept_bytes), format_byte_size(report.held_bytes));
  if (report.kept_bytes > max_bytes)
    log::warn("the cache is still larger than {}: the rest is in use", format_byte_size(max_bytes));
  return 0;
}

Result<int> CacheCommand::dir(const Tool& tool) {
  RTENV_TRY(const Path root, tool.cache_root());
  const std::string path = std::filesystem::absolute(root).native();
  if (tool.json)
    Tool::print_json({{"path", path}});
  else
    Tool::print_line(path);
  return 0;
}

}  // namespace

void register_cache(CLI::App& app, Tool& tool) {
  auto state = std::make_shared<CacheCommand>();
  state->max_size = std::string(tool.environment.find_filled("RTENV_CACHE_MAX_SIZE").value_or("20GiB"));
  CLI::App* group = app.add_subcommand("cache", "The cache: what is in it, and making room");
  group->require_subcommand(1);
  group->fallthrough();

  CLI::App* list = add_command(*group, tool, "ls", "List the entries, least recently used first (--json: one object a line)",
                               "  rtenv cache ls");
  list->callback([&tool] { tool.command = [&tool] { return CacheCommand::list(tool); }; });

  CLI::App* remove =
      add_command(*group, tool, "rm", "Remove entries; those in use are refused (exit 4)", "  rtenv cache rm 3c9f0d6e8a1b…");
  remove->add_option("KEY", state->keys, "Keys, as `rtenv cache ls` shows them");
  remove->add_flag("--all", state->all, "Every entry that isn't in use");
  remove->add_flag("-y,--yes", state->yes, "Don't ask");
  remove->callback([state, &tool] { tool.command = [state, &tool] { return state->remove(tool); }; });

  CLI::App* collect =
      add_command(*group, tool, "gc", "Evict the least recently used entries until the cache is small enough",
                  "  rtenv cache gc --max-size 10GiB --dry-run");
  collect->add_option("--max-size", state->max_size, "How much may stay [RTENV_CACHE_MAX_SIZE]")
      ->type_name("SIZE")
      ->capture_default_str();
  collect->add_flag("-n,--dry-run", state->dry_run, "Only say what would be removed");
  collect->callback([state, &tool] { tool.command = [state, &tool] { return state->collect(tool); }; });

  CLI::App* dir = add_command(*group, tool, "dir", "Print where the cache is", "  du -sh \"$(rtenv cache dir)\"");
  dir->callback([&tool] { tool.command = [&tool] { return CacheCommand::dir(tool); }; });
}

}  // namespace rtenv::cli
