#include "cli/selection.hpp"

#include <map>
#include <sstream>

#include "base/path_kind.hpp"
#include "base/processors.hpp"
#include "base/shown_name.hpp"
#include "base/stream_input.hpp"
#include "pkg/ignore.hpp"

namespace rtenv::cli {
namespace {

constexpr const char* k_default_scheme = "xxh3";

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

Option declare_compression(const Command& command, std::string& compression) {
  return command
      .add_option("--compress", compression,
                  "How files are compressed; auto: fast, or not at all if that doesn't help")
      .one_of({"auto", "store", "fast", "best"})
      .show_default();
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

Result<pkg::PackageOptions> Selection::package_options(const Tool& tool) const {
  RTENV_TRY(const pkg::Scheme parsed, pkg::parse_tree_scheme(scheme.value_or(k_default_scheme)));
  RTENV_TRY(const pkg::IgnoreSemantics semantics, pkg::parse_ignore_semantics(ignore_rules));
  pkg::PackageOptions options;
  RTENV_TRY(auto patterns, patterns_in(exclude_files, tool.cancellation));
  patterns.insert(patterns.end(), excludes.begin(), excludes.end());
  options.scan = pkg::scan_options(tool.environment, parsed, patterns);
  options.scan.includes = includes;
  options.scan.semantics = semantics;
  options.scan.record_excluded = tool.verbose;
  if (!git_revision.empty()) options.git_revision = git_revision;
  if (no_gitignore) options.scan.use_gitignore = false;
  options.zip.scheme = parsed;
  options.zip.threads = threads != 0 ? threads : default_threads();
  options.zip.cancellation = tool.cancellation;
  return options;
}

void warn_of_left_out(const pkg::Tree& tree, bool explained) {
  for (const std::string& warning : tree.warnings) log::warn("{}", warning);
  if (!explained)
    for (const pkg::Excluded& excluded : tree.excluded)
      if (excluded.rules.empty())
        log::warn("{} isn't packed: {}", shown_name(excluded.path), excluded.reason);
  for (const pkg::Entry& entry : tree.entries)
    if (entry.type == pkg::EntryType::name_only)
      log::warn("{} isn't packed; only its name is part of the digest", shown_name(entry.path));
}

void log_stats(const pkg::PackageStats& stats, const pkg::Tree& tree, unsigned threads) {
  if (!log::is_shown(log::Level::debug)) return;
  log::debug("found {} files in {} folders in {:.3f} s, by {} threads", stats.found_files,
             stats.found_folders, stats.scan_time.count(), threads);
  std::map<std::string, std::size_t> left_out;
  for (const pkg::Excluded& excluded : tree.excluded)
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
