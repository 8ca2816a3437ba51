#include "cli/selection.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include "base/path_kind.hpp"
#include "base/shown_name.hpp"
#include "base/stream_input.hpp"
#include "pkg/ignore.hpp"

namespace rtenv::cli {
namespace {

constexpr const char* k_default_scheme = "xxh3";
// In the order of the enum.
constexpr std::array<const char*, 4> k_compressions{"auto", "store", "fast", "best"};

// A line that isn't a rule (a comment, nothing) as a pattern has no effect, as in a .gitignore.
Result<std::vector<std::string>> patterns_in(const std::vector<std::string>& files,
                                             const Cancellation* cancellation) {
  std::vector<std::string> patterns;
  for (const std::string& file : files) {
    RTENV_TRY(const std::string text,
              read_file_or_stream(file, cancellation, pkg::k_max_rule_file_bytes));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.ends_with('\r')) line.pop_back();
      patterns.push_back(std::move(line));
    }
  }
  return patterns;
}

}  // namespace

Option Selection::declare(const Command& command, const char* positional, const char* description) {
  const Option directory_option =
      command.add_option(positional, directory, description).show_default();
  const auto limit = [&](const Option& option) {
    limited.add(option, {InputKind::directory, InputKind::commit});
  };
  limit(command.add_option("--scheme", scheme, "How the name is computed; ray: as Ray computes it")
            .one_of({"xxh3", "ray", "sha256"})
            .show_default(k_default_scheme));
  limit(command
            .add_option("--exclude", excludes,
                        "Leave out files that match (a gitignore pattern, repeatable); .git, "
                        ".venv, venv and __pycache__ are left out anyway, unless git's rules or "
                        "--git find them tracked")
            .value_name("PATTERN")
            .one_value_each());
  limit(command
            .add_option("--exclude-from", exclude_files,
                        "Leave out files that match a pattern in FILE, one a line, as in a "
                        ".gitignore (repeatable; --exclude comes after them, and the last match "
                        "decides)")
            .value_name("FILE")
            .one_value_each());
  limit(command
            .add_option("--include", includes,
                        "Pack files that match, whatever excludes them; not those in a folder that "
                        "is excluded itself, unless it matches, too (repeatable)")
            .value_name("PATTERN")
            .one_value_each());
  limit(
      command.add_flag("--no-gitignore", no_gitignore,
                       "Also pack files that .gitignore, and with --ignore-rules git all else that "
                       "git knows, excludes (.rayignore still counts)"));
  limit(command
            .add_option(
                "--ignore-rules", ignore_rules,
                "Which files are left out: ray, those that Ray leaves out; git, those that git "
                "ignores, with what its repository and the user's settings say")
            .one_of({"ray", "git"})
            .show_default());
  limit(command
            .add_option("--git", git_revision,
                        "Pack this commit of the directory's repository instead of the files on "
                        "disk: all that is committed; with --scheme ray, what Ray packs of a clean "
                        "checkout")
            .value_name("REV"));
  limit(command.add_option("--threads", threads, "Number of threads [one per processor]")
            .value_name("N")
            .in_range(1, 1024));
  return directory_option;
}

Option CompressionOption::declare(const Command& command) {
  return command
      .add_option("--compress", name_,
                  "How files are compressed; auto: fast, or not at all if that doesn't help")
      .one_of({k_compressions.begin(), k_compressions.end()})
      .show_default();
}

Compression CompressionOption::value() const {
  return static_cast<Compression>(std::ranges::find(k_compressions, name_) -
                                  k_compressions.begin());
}

Result<InputKind> Selection::check_source() const {
  const auto kind = [&]() -> Result<InputKind> {
    if (directory == "-") return InputKind::standard_input;
    RTENV_TRY(const PathKind on_disk, path_kind(directory));
    if (on_disk != PathKind::folder) return InputKind::file;
    return git_revision.empty() ? InputKind::directory : InputKind::commit;
  }();
  if (!kind) return kind;
  RTENV_TRY(limited.check(*kind, directory));
  return kind;
}

Result<void> Selection::check_directory() const {
  return limited.check(git_revision.empty() ? InputKind::directory : InputKind::commit, directory);
}

Result<void> Selection::set(PackOptions& options, const Tool& tool) const {
  RTENV_TRY(options.excludes, patterns_in(exclude_files, tool.cancellation));
  options.excludes.insert(options.excludes.end(), excludes.begin(), excludes.end());
  for (const Scheme known : {Scheme::ray, Scheme::xxh3, Scheme::sha256})
    if (name(known) == scheme.value_or(k_default_scheme)) options.scheme = known;
  options.includes = includes;
  options.ignore_rules = ignore_rules == "git" ? IgnoreRules::git : IgnoreRules::ray;
  options.use_gitignore = !no_gitignore;
  options.list_excluded = tool.verbose;
  options.list_entries = false;
  if (!git_revision.empty()) options.git_revision = git_revision;
  options.threads = threads;
  return {};
}

void warn_of_left_out(const Package& package, bool explained) {
  for (const std::string& warning : package.warnings) log::warn("{}", warning);
  if (!explained)
    for (const Excluded& excluded : package.excluded)
      if (excluded.rules.empty())
        log::warn("{} isn't packed: {}", shown_name(excluded.path), excluded.reason);
  for (const Entry& entry : package.entries)
    if (entry.type == EntryType::name_only)
      log::warn("{} isn't packed; only its name is part of the digest", shown_name(entry.path));
}

void log_stats(const Package& package) {
  if (!log::is_shown(log::Level::debug)) return;
  const PackStats& stats = package.stats;
  log::debug("found {} files in {} folders in {:.3f} s, by {} threads", stats.found_files,
             stats.found_folders, stats.scan_time.count(), stats.threads);
  std::map<std::string, std::size_t> left_out;
  for (const Excluded& excluded : package.excluded)
    if (!excluded.rules.empty()) ++left_out[excluded.rules];
  for (const auto& [rules, count] : left_out)
    log::debug("left out by {}: {} files or folders", shown_name(rules), count);
  if (stats.name_was_known) {
    log::debug("read nothing: the directory is unchanged since it was named (digest cache)");
    return;
  }
  log::debug("read {} files with {} bytes in {:.3f} s; {} unchanged ones are in the digest cache",
             stats.read_files, stats.read_bytes, stats.read_time.count(), stats.known_files);
}

}  // namespace rtenv::cli
