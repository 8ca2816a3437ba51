#include "cache/cache.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>

#include "base/clock.hpp"
#include "cli/byte_size.hpp"
#include "cli/cache_row.hpp"
#include "cli/duration.hpp"
#include "cli/tool.hpp"

namespace rtenv::cli {
namespace {

struct CacheCommand {
  std::vector<std::string> keys;
  bool all = false;
  bool yes = false;
  std::string pin_name = "user";
  std::string pin_for;

  static Result<int> list(const Tool& tool);
  [[nodiscard]] Result<int> remove(const Tool& tool) const;
  static Result<int> stat(const Tool& tool);
  [[nodiscard]] Result<int> pin(const Tool& tool) const;
  [[nodiscard]] Result<int> unpin(const Tool& tool) const;
  static Result<int> flush(const Tool& tool);
  static Result<int> dir(const Tool& tool);
};

std::string state_of(const cache::EntryRow& row) {
  if (!row.ready) return "being made";
  std::vector<std::string> states;
  if (!row.holder_pids.empty())
    states.push_back(fmt::format("in use by {}", fmt::join(row.holder_pids, ", ")));
  for (const cache::Pin& pin : row.pins)
    states.push_back(fmt::format("pinned by '{}'{}", pin.name,
                                 pin.expires_ms ? " until " + local_time(*pin.expires_ms) : ""));
  return fmt::format("{}", fmt::join(states, "; "));
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
      Tool::print_line(fmt::format("{:<5} {:>10}  {}  {:>5} hits  {}  {}",
                                   cache::info(row.kind).name, format_byte_size(row.size_bytes),
                                   local_time(row.last_used_ms), row.hits, row.key, state_of(row)));
  }
  if (!tool.json) log::info("{} entries, {}", rows.size(), format_byte_size(total_bytes));
  return 0;
}

bool confirmed(std::size_t count) {
  fmt::print(stderr, "Remove {} entries from the cache? [y/N] ", count);
  return std::fgetc(stdin) == 'y';
}

Result<int> CacheCommand::remove(const Tool& tool) const {
  if (keys.empty() == !all)
    return fail(Errc::invalid_argument, "give keys, or --all")
        .hint("rtenv cache ls shows the keys");
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto rows, cache.entries());
  for (const std::string& key : keys)
    if (std::ranges::find(rows, key, &cache::EntryRow::key) == rows.end())
      return fail(Errc::not_found, "{} isn't in the cache", key)
          .hint("rtenv cache ls shows the keys");
  if (all && !yes) {
    if (::isatty(STDIN_FILENO) == 0)
      return fail(Errc::invalid_argument, "--all removes every entry").hint("add --yes");
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

nlohmann::json usage_json(const cache::KindUsage& usage) {
  const std::uint64_t asked = usage.hits + usage.misses;
  return {{"entries", usage.entries},
          {"size_bytes", usage.size_bytes},
          {"hits", usage.hits},
          {"misses", usage.misses},
          {"pulls", usage.pulls},
          {"hit_ratio", asked == 0 ? nlohmann::json()
                                   : nlohmann::json(static_cast<double>(usage.hits) /
                                                    static_cast<double>(asked))},
          {"saved_bytes", usage.saved_bytes},
          {"evictions", usage.evictions}};
}

std::string percentage(std::uint64_t hits, std::uint64_t misses) {
  if (hits + misses == 0) return "-";
  return fmt::format("{:.1f} %",
                     100.0 * static_cast<double>(hits) / static_cast<double>(hits + misses));
}

void print_usage(std::string_view name, const cache::KindUsage& row) {
  Tool::print_line(fmt::format("{:<5} {:>8} {:>11} {:>8} {:>8} {:>8} {:>8} {:>11} {:>9}", name,
                               row.entries, format_byte_size(row.size_bytes), row.hits, row.misses,
                               row.pulls, percentage(row.hits, row.misses),
                               format_byte_size(row.saved_bytes), row.evictions));
}

Result<int> CacheCommand::stat(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto usage, cache.usage());
  RTENV_TRY(const std::uint64_t shared_bytes, cache.shared_bytes());
  RTENV_TRY(const auto limits, tool.cache_limits());
  cache::KindUsage all;
  nlohmann::json kinds = nlohmann::json::object();
  for (const auto& [kind, row] : usage) {
    kinds[std::string(cache::info(kind).name)] = usage_json(row);
    all.entries += row.entries;
    all.size_bytes += row.size_bytes;
    all.hits += row.hits;
    all.misses += row.misses;
    all.pulls += row.pulls;
    all.evictions += row.evictions;
    all.saved_bytes += row.saved_bytes;
  }
  if (tool.json) {
    nlohmann::json object = usage_json(all);
    object["kinds"] = std::move(kinds);
    object["max_bytes"] = *limits.max_bytes;
    object["shared_bytes"] = shared_bytes;
    Tool::print_json(object);
    return 0;
  }
  Tool::print_line(
      "kind   entries        size     hits   misses   pulled    ratio       saved   evicted");
  for (const auto& [kind, row] : usage) print_usage(cache::info(kind).name, row);
  print_usage("all", all);
  if (shared_bytes > 0)
    log::info("{} of it are files that several trees have in common: they take their space once",
              format_byte_size(shared_bytes));
  log::info("the cache keeps to {} [RTENV_CACHE_MAX_SIZE]; uv's own cache beside it isn't counted",
            format_byte_size(*limits.max_bytes));
  return 0;
}

// Every entry of these keys: kinds don't share keys but by chance.
Result<std::vector<cache::EntryRow>> rows_of(cache::Cache& cache,
                                             const std::vector<std::string>& keys) {
  RTENV_TRY(const auto rows, cache.entries());
  std::vector<cache::EntryRow> found;
  for (const std::string& key : keys) {
    const std::size_t before = found.size();
    std::ranges::copy_if(rows, std::back_inserter(found),
                         [&](const auto& row) { return row.key == key; });
    if (found.size() == before)
      return fail(Errc::not_found, "{} isn't in the cache", key)
          .hint("rtenv cache ls shows the keys");
  }
  return found;
}

Result<int> CacheCommand::pin(const Tool& tool) const {
  std::optional<std::int64_t> expires_ms;
  if (!pin_for.empty()) {
    RTENV_TRY(const auto span, parse_duration(pin_for));
    expires_ms = unix_ms() + std::chrono::milliseconds(span).count();
  }
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto rows, rows_of(cache, keys));
  for (const auto& row : rows) {
    RTENV_TRY(const bool pinned,
              cache.pin(row.kind, row.key, {.name = pin_name, .expires_ms = expires_ms}));
    if (!pinned) return fail(Errc::not_found, "{} isn't in the cache", row.key);
  }
  if (tool.json)
    Tool::print_json({{"pinned", keys},
                      {"name", pin_name},
                      {"expires_ms", expires_ms ? nlohmann::json(*expires_ms) : nlohmann::json()}});
  return 0;
}

Result<int> CacheCommand::unpin(const Tool& tool) const {
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto rows, rows_of(cache, keys));
  for (const auto& row : rows) {
    RTENV_TRY(const bool unpinned, cache.unpin(row.kind, row.key, pin_name));
    if (!unpinned)
      return fail(Errc::not_found, "{} isn't pinned by '{}'", row.key, pin_name)
          .hint("rtenv cache ls shows the pins");
  }
  if (tool.json) Tool::print_json({{"unpinned", keys}, {"name", pin_name}});
  return 0;
}

Result<int> CacheCommand::flush(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache_with_tier());
  RTENV_TRY(cache.flush(tool.cancellation));
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
  CLI::App* group = app.add_subcommand("cache", "The cache: what is in it, and making room");
  group->require_subcommand(1);
  group->fallthrough();

  CLI::App* list = add_command(
      *group, tool, "ls", "List the entries, least recently used first (--json: one object a line)",
      "  rtenv cache ls");
  list->callback([&tool] { tool.command = [&tool] { return CacheCommand::list(tool); }; });

  CLI::App* remove =
      add_command(*group, tool, "rm", "Remove entries; those in use are refused (exit 4)",
                  "  rtenv cache rm 3c9f0d6e8a1b…");
  remove->add_option("KEY", state->keys, "Keys, as `rtenv cache ls` shows them");
  remove->add_flag("--all", state->all, "Every entry that isn't in use");
  remove->add_flag("-y,--yes", state->yes, "Don't ask");
  remove->callback(
      [state, &tool] { tool.command = [state, &tool] { return state->remove(tool); }; });

  register_cache_gc(*group, tool);

  CLI::App* stat = add_command(*group, tool, "stat",
                               "Sizes, hits and misses of each kind, and what the hits saved",
                               "  rtenv cache stat");
  stat->callback([&tool] { tool.command = [&tool] { return CacheCommand::stat(tool); }; });

  CLI::App* pin = add_command(
      *group, tool, "pin", "Keep entries from eviction and removal, for a time or until unpinned",
      "  rtenv cache pin 3c9f0d6e8a1b… --for 10m");
  pin->add_option("KEY", state->keys, "Keys, as `rtenv cache ls` shows them")->required();
  pin->add_option("--for", state->pin_for, "How long: 90s, 10m, 2h, 30d [until unpinned]")
      ->type_name("TIME");
  pin->add_option("--name", state->pin_name, "Whose pin it is: each has its own")
      ->capture_default_str();
  pin->callback([state, &tool] { tool.command = [state, &tool] { return state->pin(tool); }; });

  CLI::App* unpin =
      add_command(*group, tool, "unpin", "Take a pin off", "  rtenv cache unpin 3c9f0d6e8a1b…");
  unpin->add_option("KEY", state->keys, "Keys, as `rtenv cache ls` shows them")->required();
  unpin->add_option("--name", state->pin_name, "Whose pin it is")->capture_default_str();
  unpin->callback([state, &tool] { tool.command = [state, &tool] { return state->unpin(tool); }; });

  CLI::App* flush =
      add_command(*group, tool, "flush", "Send what the remote tier is still to get (write-back)",
                  "  RTENV_REMOTE_CACHE=s3://bucket/rtenv RTENV_REMOTE_CACHE_MODE=write-back rtenv "
                  "cache flush");
  flush->callback([&tool] { tool.command = [&tool] { return CacheCommand::flush(tool); }; });

  CLI::App* dir = add_command(*group, tool, "dir", "Print where the cache is",
                              "  du -sh \"$(rtenv cache dir)\"");
  dir->callback([&tool] { tool.command = [&tool] { return CacheCommand::dir(tool); }; });
}

}  // namespace rtenv::cli
