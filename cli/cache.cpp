#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <set>

#include "base/byte_size.hpp"
#include "base/clock.hpp"
#include "base/duration.hpp"
#include "cli/cache_row.hpp"
#include "cli/commands.hpp"
#include "cli/key_prefix.hpp"
#include "cli/optional_json.hpp"
#include "cli/tool.hpp"

namespace rtenv::cli {
namespace {

struct CacheCommand {
  std::vector<std::string> keys;
  bool all = false;
  bool yes = false;
  std::string pin_name = "user";
  std::string pin_for;

  [[nodiscard]] Result<int> remove(const Tool& tool) const;
  [[nodiscard]] Result<int> pin(const Tool& tool) const;
  [[nodiscard]] Result<int> unpin(const Tool& tool) const;
};

std::string state_of(const CacheEntry& entry) {
  if (!entry.is_ready) return "being created";
  std::vector<std::string> states;
  if (!entry.holder_pids.empty())
    states.push_back(fmt::format("in use by {}", fmt::join(entry.holder_pids, ", ")));
  for (const CachePin& pin : entry.pins)
    states.push_back(fmt::format("pinned by '{}'{}", pin.name,
                                 pin.expires_ms ? " until " + local_time(*pin.expires_ms) : ""));
  return fmt::format("{}", fmt::join(states, "; "));
}

Result<int> list(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto entries, cache.entries());
  std::uint64_t total_bytes = 0;
  for (const CacheEntry& entry : entries) {
    total_bytes += entry.size_bytes;
    tool.output.print(
        to_json(entry),
        fmt::format("{:<5} {:>10}  {}  {:>5} hits  {}  {}", name(entry.kind),
                    format_byte_size(entry.size_bytes), local_time(entry.last_used_ms), entry.hits,
                    entry.key, state_of(entry)));
  }
  if (tool.output.json) return 0;
  RTENV_TRY(const std::uint64_t cache_bytes, cache.size_bytes());
  log::info("{} entries, {}; with uv's cache {}", entries.size(), format_byte_size(total_bytes),
            format_byte_size(std::max(cache_bytes, total_bytes)));
  return 0;
}

std::set<std::string> keys_of(const std::vector<CacheEntry>& entries) {
  std::set<std::string> keys;
  for (const CacheEntry& entry : entries) keys.insert(entry.key);
  return keys;
}

// The entries that have these keys, of any kind. Fails: as find_key.
Result<std::vector<CacheEntry>> entries_of(const Cache& cache,
                                           const std::vector<std::string>& keys) {
  RTENV_TRY(auto entries, cache.entries());
  std::set<std::string> chosen;
  for (const std::string& text : keys) {
    RTENV_TRY(const auto key, find_key(entries, text, {"entry", "entries", "rtenv cache ls"}));
    chosen.insert(key);
  }
  std::erase_if(entries, [&](const auto& entry) { return !chosen.contains(entry.key); });
  return entries;
}

bool confirmed(std::size_t count) {
  print_to_stderr(fmt::format("Remove {} entries from the cache? [y/N] ", count));
  return std::fgetc(stdin) == 'y';
}

Result<int> CacheCommand::remove(const Tool& tool) const {
  if (keys.empty() == !all)
    return fail(Errc::invalid_argument, "no keys were given")
        .hint("give keys, which rtenv cache ls shows, or --all");
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto entries, all ? cache.entries() : entries_of(cache, keys));
  if (all && !yes) {
    if (::isatty(STDIN_FILENO) == 0)
      return fail(Errc::invalid_argument, "--all removes every entry").hint("confirm with --yes");
    if (!confirmed(entries.size())) return 1;
  }
  std::optional<Error> refused;
  std::uint64_t freed_bytes = 0;
  nlohmann::json removed_keys = nlohmann::json::array();
  for (const CacheEntry& entry : entries) {
    const auto removed = cache.remove(entry.kind, entry.key, tool.stop);
    if (!removed) {
      if (removed.error().code() == Errc::cancelled) return Failure(removed.error());
      if (!refused) refused = removed.error();
      continue;
    }
    freed_bytes += entry.size_bytes;
    removed_keys.push_back(entry.key);
  }
  tool.output.print({{"removed", removed_keys}, {"freed_bytes", freed_bytes}}, [&] {
    log::info("{} entries removed, {} freed", removed_keys.size(), format_byte_size(freed_bytes));
  });
  if (refused) return Failure(std::move(*refused));
  return 0;
}

std::optional<double> hit_ratio(const KindUsage& usage) {
  const std::uint64_t lookups = usage.hits + usage.misses;
  if (lookups == 0) return std::nullopt;
  return static_cast<double>(usage.hits) / static_cast<double>(lookups);
}

nlohmann::json usage_json(const KindUsage& usage) {
  return {{"entries", usage.entries},
          {"size_bytes", usage.size_bytes},
          {"hits", usage.hits},
          {"misses", usage.misses},
          {"pulls", usage.pulls},
          {"hit_ratio", json_or_null(hit_ratio(usage))},
          {"saved_bytes", usage.saved_bytes},
          {"evictions", usage.evictions}};
}

void print_usage(std::string_view name, const KindUsage& row) {
  const auto ratio = hit_ratio(row);
  print_line(fmt::format("{:<5} {:>8} {:>11} {:>8} {:>8} {:>8} {:>8} {:>11} {:>9}", name,
                         row.entries, format_byte_size(row.size_bytes), row.hits, row.misses,
                         row.pulls, ratio ? fmt::format("{:.1f} %", 100 * *ratio) : "-",
                         format_byte_size(row.saved_bytes), row.evictions));
}

KindUsage sum(const std::map<EntryKind, KindUsage>& usage) {
  KindUsage all;
  for (const auto& [kind, row] : usage) {
    all.entries += row.entries;
    all.size_bytes += row.size_bytes;
    all.hits += row.hits;
    all.misses += row.misses;
    all.pulls += row.pulls;
    all.evictions += row.evictions;
    all.saved_bytes += row.saved_bytes;
  }
  return all;
}

Result<int> stat(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto disk, cache.measure(tool.stop));
  RTENV_TRY(const auto usage, cache.usage());
  const CacheLimits limits = cache.limits();
  const KindUsage all = sum(usage);
  nlohmann::json object = usage_json(all);
  object["kinds"] = nlohmann::json::object();
  for (const auto& [kind, row] : usage) object["kinds"][std::string(name(kind))] = usage_json(row);
  object["uv_bytes"] = disk.uv_bytes;
  object["quarantine_bytes"] = disk.quarantine_bytes;
  object["other_bytes"] = disk.other_bytes;
  object["disk_bytes"] = disk.total_bytes();
  object["max_bytes"] = *limits.max_bytes;
  tool.output.print(object, [&] {
    print_line(
        "kind   entries        size     hits   misses   pulled    ratio       saved   evicted");
    for (const auto& [kind, row] : usage) print_usage(name(kind), row);
    print_usage("all", all);
    log::info("uv's cache: {}, with the files that environments have from it",
              format_byte_size(disk.uv_bytes));
    log::info("quarantine: {}; logs, digests, temporary files, …: {}; altogether {}",
              format_byte_size(disk.quarantine_bytes), format_byte_size(disk.other_bytes),
              format_byte_size(disk.total_bytes()));
    log::info("the size limit of entries, uv's cache and quarantine is {} [RTENV_CACHE_MAX_SIZE]",
              format_byte_size(*limits.max_bytes));
  });
  return 0;
}

Result<int> CacheCommand::pin(const Tool& tool) const {
  std::optional<std::chrono::seconds> lifetime;
  std::optional<std::int64_t> expires_ms;
  if (!pin_for.empty()) {
    RTENV_TRY(lifetime, parse_duration(pin_for));
    if (lifetime->count() == 0)
      return fail(Errc::invalid_argument, "--for {}: a pin can't end at once", pin_for)
          .hint("rtenv cache unpin removes a pin");
    expires_ms = unix_ms() + std::chrono::milliseconds(*lifetime).count();
  }
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto entries, entries_of(cache, keys));
  for (const CacheEntry& entry : entries) {
    RTENV_TRY(const bool pinned, cache.pin(entry.kind, entry.key, pin_name, lifetime));
    if (!pinned) return fail(Errc::not_found, "{} isn't in the cache", entry.key);
  }
  tool.output.print_json(
      {{"pinned", keys_of(entries)}, {"name", pin_name}, {"expires_ms", json_or_null(expires_ms)}});
  return 0;
}

Result<int> CacheCommand::unpin(const Tool& tool) const {
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto entries, entries_of(cache, keys));
  for (const CacheEntry& entry : entries) {
    RTENV_TRY(const bool unpinned, cache.unpin(entry.kind, entry.key, pin_name));
    if (!unpinned)
      return fail(Errc::not_found, "{} isn't pinned by '{}'", entry.key, pin_name)
          .hint("rtenv cache ls shows the pins");
  }
  tool.output.print_json({{"unpinned", keys_of(entries)}, {"name", pin_name}});
  return 0;
}

Result<int> flush(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache({}));
  RTENV_TRY(cache.flush(tool.stop));
  return 0;
}

Result<int> dir(const Tool& tool) {
  RTENV_TRY(const Path root, tool.cache_root());
  const std::string path = std::filesystem::absolute(root).native();
  tool.output.print({{"path", path}}, path);
  return 0;
}

}  // namespace

void register_cache(const Command& root, Tool& tool) {
  constexpr const char* k_keys_help =
      "Keys, as `rtenv cache ls` shows them, or their first characters";
  auto state = std::make_shared<CacheCommand>();
  const Command group = root.add_group("cache", "List, check, pin and remove entries of the cache");

  add_command(group, tool, "ls",
              "List the entries, least recently used first (--json: one object per line)",
              "  rtenv cache ls")
      .alias("list")
      .set_action([&tool] { return list(tool); });

  const Command remove =
      add_command(group, tool, "rm", "Remove entries; those in use are refused (exit 5)",
                  "  rtenv cache rm 3c9f0d")
          .alias("delete");
  remove.add_option("KEY", state->keys, k_keys_help);
  remove.add_flag("--all", state->all, "Every entry that isn't in use");
  remove.add_flag("-y,--yes", state->yes, "Don't ask for confirmation");
  remove.set_action([state, &tool] { return state->remove(tool); });

  register_cache_gc(group, tool);

  add_command(group, tool, "stat",
              "Show sizes, hits and misses of each kind, and how much the hits saved",
              "  rtenv cache stat")
      .set_action([&tool] { return stat(tool); });

  const Command pin = add_command(
      group, tool, "pin", "Protect entries from eviction and removal, for a time or until unpinned",
      "  rtenv cache pin 3c9f0d --for 10m");
  pin.add_option("KEY", state->keys, k_keys_help).required();
  pin.add_option("--for", state->pin_for, "How long: 90s, 10m, 2h, 30d [until unpinned]")
      .value_name("TIME");
  pin.add_option("--name", state->pin_name, "The pin's name; an entry can have several pins")
      .show_default();
  pin.set_action([state, &tool] { return state->pin(tool); });

  const Command unpin =
      add_command(group, tool, "unpin", "Remove a pin", "  rtenv cache unpin 3c9f0d");
  unpin.add_option("KEY", state->keys, k_keys_help).required();
  unpin.add_option("--name", state->pin_name, "The pin's name").show_default();
  unpin.set_action([state, &tool] { return state->unpin(tool); });

  add_command(group, tool, "flush",
              "Upload the entries that the remote tier doesn't have yet (write-back)",
              "  RTENV_REMOTE_CACHE=s3://bucket/rtenv RTENV_REMOTE_CACHE_MODE=write-back rtenv "
              "cache flush")
      .set_action([&tool] { return flush(tool); });

  add_command(group, tool, "dir", "Print the cache's folder", "  du -sh \"$(rtenv cache dir)\"")
      .set_action([&tool] { return dir(tool); });
}

}  // namespace rtenv::cli
