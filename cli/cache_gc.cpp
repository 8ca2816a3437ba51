#include "base/parallel.hpp"
#include "cli/byte_size.hpp"
#include "cli/cache_row.hpp"
#include "cli/duration.hpp"
#include "cli/tool.hpp"

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

  [[nodiscard]] Result<cache::Limits> limits(const Tool& tool) const;
  [[nodiscard]] Result<int> run(const Tool& tool) const;
  [[nodiscard]] Result<int> run_remote(const Tool& tool) const;
};

// What isn't said on the command line is as the cache keeps it by itself.
Result<cache::Limits> CollectCommand::limits(const Tool& tool) const {
  RTENV_TRY(cache::Limits limits, tool.cache_limits());
  if (!max_size.empty()) {
    RTENV_TRY(limits.max_bytes, parse_byte_size(max_size));
  }
  for (const std::string& text : max_size_of) {
    const auto equals = text.find('=');
    const auto kind = cache::parse_kind(text.substr(0, equals));
    if (equals == std::string::npos || !kind)
      return fail(Errc::invalid_argument, "--max-size-of wants KIND=SIZE, got '{}'", text)
          .hint("kinds: tree, env, tool, file");
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
      return fail(Errc::invalid_argument, "--target-free needs --min-free: when to begin");
    if (*limits.target_free_bytes < *limits.min_free_bytes)
      return fail(Errc::invalid_argument, "--target-free is less than --min-free");
  }
  return limits;
}

Result<int> CollectCommand::run_remote(const Tool& tool) const {
  RTENV_TRY(auto tier, tool.remote_tier());
  if (tier && !max_age.empty()) {
    RTENV_TRY(tier->max_age, parse_duration(max_age));
  }
  RTENV_TRY(auto cache, tool.open_cache({.limits = {}, .remote_tier = std::move(tier)}));
  auto expired = cache.remove_expired(dry_run, tool.cancellation);
  if (!expired) return Failure(std::move(expired).error());
  if (tool.json)
    Tool::print_json({{"dry_run", dry_run},
                      {"removed", expired->removed},
                      {"freed_bytes", expired->removed_bytes},
                      {"kept", expired->kept},
                      {"kept_bytes", expired->kept_bytes}});
  else
    log::info("{} {} packs from the remote tier, {}; {} left, {}",
              dry_run ? "would remove" : "removed", expired->removed,
              format_byte_size(expired->removed_bytes), expired->kept,
              format_byte_size(expired->kept_bytes));
  return 0;
}

Result<int> CollectCommand::run(const Tool& tool) const {
  if (remote) return run_remote(tool);
  RTENV_TRY(const cache::Limits chosen, limits(tool));
  // By nothing but what is asked for here: a dry run that evicts would be none.
  RTENV_TRY(auto cache, tool.open_cache(cache::CacheOptions{}));
  RTENV_TRY(const auto report, cache.collect(chosen, dry_run, tool.cancellation));
  if (tool.json) {
    nlohmann::json removed = nlohmann::json::array();
    for (const auto& eviction : report.removed) {
      removed.push_back(to_json(eviction.entry));
      removed.back()["reason"] = cache::name(eviction.reason);
    }
    Tool::print_json({{"dry_run", dry_run},
                      {"removed", removed},
                      {"freed_bytes", report.freed_bytes},
                      {"kept_bytes", report.kept_bytes},
                      {"held_bytes", report.held_bytes}});
    return 0;
  }
  for (const auto& [entry, reason] : report.removed)
    Tool::print_line(fmt::format("{} {} {}, last used {}, for {}", cache::info(entry.kind).name,
                                 entry.key, format_byte_size(entry.size_bytes),
                                 local_time(entry.last_used_ms), cache::name(reason)));
  log::info("{} {} entries, {}; {} left, {} of it in use or pinned",
            dry_run ? "would remove" : "removed", report.removed.size(),
            format_byte_size(report.freed_bytes), format_byte_size(report.kept_bytes),
            format_byte_size(report.held_bytes));
  if (chosen.max_bytes && report.kept_bytes > *chosen.max_bytes)
    log::warn("the cache is still larger than {}: the rest is in use or pinned",
              format_byte_size(*chosen.max_bytes));
  return 0;
}

nlohmann::json list_json(const std::vector<cache::EntryRow>& rows) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& row : rows) list.push_back(to_json(row));
  return list;
}

Result<int> verify(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto report, cache.verify(default_threads()));
  const bool damaged = !report.quarantined.empty() || !report.damaged_in_use.empty();
  if (tool.json) {
    Tool::print_json({{"checked", report.checked},
                      {"recorded", report.recorded},
                      {"quarantined", list_json(report.quarantined)},
                      {"damaged_in_use", list_json(report.damaged_in_use)},
                      {"missing", list_json(report.missing)}});
    return damaged ? 1 : 0;
  }
  const auto print = [](std::string_view what, const std::vector<cache::EntryRow>& rows) {
    for (const auto& row : rows)
      Tool::print_line(fmt::format("{} {} {}", what, cache::info(row.kind).name, row.key));
  };
  print("quarantined", report.quarantined);
  print("damaged, but in use or pinned:", report.damaged_in_use);
  print("missing", report.missing);
  log::info("{} entries are what they were, {} recorded for the next time, {} damaged, {} missing",
            report.checked, report.recorded,
            report.quarantined.size() + report.damaged_in_use.size(), report.missing.size());
  return damaged ? 1 : 0;
}

}  // namespace

void register_cache_gc(CLI::App& cache_group, Tool& tool) {
  auto state = std::make_shared<CollectCommand>();
  CLI::App* collect =
      add_command(cache_group, tool, "gc",
                  "Evict entries, least recently used first; never one in use or pinned",
                  "  rtenv cache gc --max-size 10GiB --max-age 30d --dry-run\n"
                  "  rtenv cache gc --min-free 5GiB --target-free 20GiB");
  collect
      ->add_option("--max-size", state->max_size, "How much may stay [RTENV_CACHE_MAX_SIZE; 20GiB]")
      ->type_name("SIZE");
  collect
      ->add_option("--max-size-of", state->max_size_of,
                   "How much of a kind may stay: tree, env, tool or file (repeatable)")
      ->type_name("KIND=SIZE")
      ->allow_extra_args(false);
  collect
      ->add_option("--max-age", state->max_age, "How long unused ones may stay: 90s, 10m, 2h, 30d")
      ->type_name("TIME");
  collect
      ->add_option("--min-free", state->min_free,
                   "Evict where less of the disk is free [RTENV_CACHE_MIN_FREE]")
      ->type_name("SIZE");
  collect->add_option("--target-free", state->target_free, "… until this much is")
      ->type_name("SIZE");
  collect->add_flag("--remote", state->remote,
                    "Instead: remove packs from the remote tier that are older than --max-age "
                    "[RTENV_REMOTE_CACHE_MAX_AGE]");
  collect->add_flag("-n,--dry-run", state->dry_run, "Only say what would be removed, and why");
  collect->callback([state, &tool] { tool.command = [state, &tool] { return state->run(tool); }; });

  CLI::App* check =
      add_command(cache_group, tool, "verify",
                  "Read every entry again; what isn't what it was goes to quarantine/ (exit 1)",
                  "  rtenv cache verify");
  check->callback([&tool] { tool.command = [&tool] { return verify(tool); }; });
}

}  // namespace rtenv::cli
