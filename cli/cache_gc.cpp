#include <nlohmann/json.hpp>

#include "base/byte_size.hpp"
#include "base/duration.hpp"
#include "cli/cache_row.hpp"
#include "cli/commands.hpp"
#include "cli/tool.hpp"
#include "envbuild/cache_settings.hpp"

namespace rtenv::cli {
namespace {

struct CollectCommand {
  std::string max_size;
  std::vector<std::string> max_size_of;
  std::string max_age;
  std::string min_free;
  std::string target_free;
  bool dry_run = false;
  bool remote = false;

  [[nodiscard]] Result<CacheLimits> with_options(CacheLimits limits) const;
  [[nodiscard]] Result<int> run(const Tool& tool) const;
  [[nodiscard]] Result<int> run_remote(const Tool& tool) const;
};

// The cache's own limits, overridden by the options.
Result<CacheLimits> CollectCommand::with_options(CacheLimits limits) const {
  if (!max_size.empty()) {
    RTENV_TRY(limits.max_bytes, parse_byte_size(max_size));
  }
  for (const std::string& text : max_size_of) {
    const auto equals = text.find('=');
    const auto kind = entry_kind(text.substr(0, equals));
    if (equals == std::string::npos || !kind)
      return fail(Errc::invalid_argument, "--max-size-of expects KIND=SIZE, got '{}'", text)
          .hint("kinds: tree, env, tool, file, copy");
    RTENV_TRY(limits.max_bytes_of_kind[*kind], parse_byte_size(text.substr(equals + 1)));
  }
  if (!max_age.empty()) {
    RTENV_TRY(limits.max_age, parse_duration(max_age));
  }
  if (!min_free.empty()) {
    RTENV_TRY(limits.min_free_bytes, parse_byte_size(min_free));
  }
  if (!target_free.empty()) {
    RTENV_TRY(limits.target_free_bytes, parse_byte_size(target_free));
    if (!limits.min_free_bytes)
      return fail(Errc::invalid_argument, "--target-free needs --min-free");
    if (*limits.target_free_bytes < *limits.min_free_bytes)
      return fail(Errc::invalid_argument, "--target-free is less than --min-free");
  }
  return limits;
}

Result<int> CollectCommand::run_remote(const Tool& tool) const {
  Variables variables = tool.environment.values();
  if (!max_age.empty()) {
    RTENV_TRY(parse_duration(max_age));
    variables["RTENV_REMOTE_CACHE_MAX_AGE"] = max_age;
  }
  RTENV_TRY(auto cache, tool.open_cache({.environment = std::move(variables),
                                         .limits = CacheLimits(),
                                         .makes_room = true}));
  const auto expired = cache.gc_remote(dry_run, tool.stop);
  if (!expired) return Failure(expired.error());
  tool.output.print({{"dry_run", dry_run},
                     {"removed", expired->removed},
                     {"freed_bytes", expired->freed_bytes},
                     {"kept", expired->kept},
                     {"kept_bytes", expired->kept_bytes}},
                    [&] {
                      log::info("{} {} archives from the remote tier, {}; {} left, {}",
                                dry_run ? "would remove" : "removed", expired->removed,
                                format_byte_size(expired->freed_bytes), expired->kept,
                                format_byte_size(expired->kept_bytes));
                    });
  return 0;
}

Result<int> CollectCommand::run(const Tool& tool) const {
  if (remote) return run_remote(tool);
  RTENV_TRY(const auto of_variables, envbuild::cache_limits(tool.environment));
  RTENV_TRY(const CacheLimits chosen,
            with_options({.max_bytes = of_variables.max_bytes,
                          .min_free_bytes = of_variables.min_free_bytes}));
  // Without limits of its own: opening must not evict anything, least of all before a dry run.
  RTENV_TRY(auto cache,
            tool.open_cache({.limits = CacheLimits(), .no_remote = true, .makes_room = true}));
  RTENV_TRY(const auto report, cache.gc(chosen, dry_run, tool.stop));
  nlohmann::json removed = nlohmann::json::array();
  for (const auto& [entry, reason] : report.removed) {
    removed.push_back(to_json(entry));
    removed.back()["reason"] = reason;
  }
  const auto print_text = [&] {
    for (const auto& [entry, reason] : report.removed)
      print_line(fmt::format("{} {} {}, last used {}, for {}", name(entry.kind), entry.key,
                             format_byte_size(entry.size_bytes), local_time(entry.last_used_ms),
                             reason));
    if (report.removed_parts > 0)
      print_line(fmt::format("{} parts of uv's cache and the quarantine, {}", report.removed_parts,
                             format_byte_size(report.freed_parts_bytes)));
    log::info("{} {} entries, {}; {} left, {} of it in use or pinned",
              dry_run ? "would remove" : "removed", report.removed.size(),
              format_byte_size(report.freed_bytes), format_byte_size(report.kept_bytes),
              format_byte_size(report.held_bytes));
    if (chosen.max_bytes && report.kept_bytes > *chosen.max_bytes)
      log::warn("the cache is still larger than {}: the rest is in use or pinned",
                format_byte_size(*chosen.max_bytes));
  };
  tool.output.print({{"dry_run", dry_run},
                     {"removed", std::move(removed)},
                     {"removed_parts", report.removed_parts},
                     {"freed_parts_bytes", report.freed_parts_bytes},
                     {"freed_bytes", report.freed_bytes},
                     {"kept_bytes", report.kept_bytes},
                     {"held_bytes", report.held_bytes}},
                    print_text);
  return 0;
}

nlohmann::json list_json(const std::vector<CacheEntry>& entries) {
  nlohmann::json list = nlohmann::json::array();
  for (const CacheEntry& entry : entries) list.push_back(to_json(entry));
  return list;
}

Result<int> verify(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto report, cache.verify(tool.stop));
  const auto print_text = [&] {
    const auto print = [](std::string_view what, const std::vector<CacheEntry>& entries) {
      for (const CacheEntry& entry : entries)
        print_line(fmt::format("{} {} {}", what, name(entry.kind), entry.key));
    };
    print("quarantined", report.quarantined);
    print("damaged, but in use or pinned:", report.damaged_in_use);
    print("missing", report.missing);
    log::info("{} entries are intact, {} recorded for the next check, {} damaged, {} missing",
              report.intact, report.recorded,
              report.quarantined.size() + report.damaged_in_use.size(), report.missing.size());
  };
  tool.output.print({{"checked", report.intact},
                     {"recorded", report.recorded},
                     {"quarantined", list_json(report.quarantined)},
                     {"damaged_in_use", list_json(report.damaged_in_use)},
                     {"missing", list_json(report.missing)}},
                    print_text);
  return report.quarantined.empty() && report.damaged_in_use.empty() ? 0 : 1;
}

}  // namespace

void register_cache_gc(const Command& cache_group, Tool& tool) {
  auto state = std::make_shared<CollectCommand>();
  const Command collect =
      add_command(cache_group, tool, "gc",
                  "Evict entries, least recently used first; never one in use or pinned",
                  "  rtenv cache gc --max-size 10GiB --max-age 30d --dry-run\n"
                  "  rtenv cache gc --min-free 5GiB --target-free 20GiB");
  const Option remote =
      collect.add_flag("--remote", state->remote,
                       "Instead, remove archives from the remote tier that are older than "
                       "--max-age [RTENV_REMOTE_CACHE_MAX_AGE]");
  collect
      .add_option("--max-size", state->max_size,
                  "Evict until the cache is no larger [RTENV_CACHE_MAX_SIZE; 20GiB]")
      .value_name("SIZE")
      .excludes(remote);
  collect
      .add_option("--max-size-of", state->max_size_of,
                  "The same for one kind: tree, env, tool, file or copy (repeatable)")
      .value_name("KIND=SIZE")
      .one_value_each()
      .excludes(remote);
  collect
      .add_option("--max-age", state->max_age,
                  "Evict entries that weren't used for this long: 90s, 10m, 2h, 30d")
      .value_name("TIME");
  collect
      .add_option("--min-free", state->min_free,
                  "Evict if less disk space than this is free [RTENV_CACHE_MIN_FREE]")
      .value_name("SIZE")
      .excludes(remote);
  collect
      .add_option("--target-free", state->target_free,
                  "With --min-free: evict until this much disk space is free")
      .value_name("SIZE")
      .excludes(remote);
  collect.add_flag("-n,--dry-run", state->dry_run, "Only print what would be removed, and why");
  collect.set_action([state, &tool] { return state->run(tool); });

  add_command(cache_group, tool, "verify",
              "Check every entry against its recorded digest; damaged entries are moved to "
              "quarantine/ (exit 1)",
              "  rtenv cache verify")
      .set_action([&tool] { return verify(tool); });
}

}  // namespace rtenv::cli
