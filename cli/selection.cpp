#include "cli/selection.hpp"

#include "base/parallel.hpp"

namespace rtenv::cli {

void Selection::declare(CLI::App& command, const char* positional, const char* description) {
  command.add_option(positional, directory, description)->capture_default_str();
  command
      .add_option("--scheme", scheme,
                  "How the name is computed: xxh3; ray, equal to Ray's own; sha256")
      ->capture_default_str();
  command
      .add_option("--exclude", excludes, "Leave out what matches (a gitignore pattern, repeatable)")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  command.add_flag("--no-gitignore", no_gitignore,
                   "Pack what .gitignore files leave out, too (.rayignore still counts)");
  command
      .add_option("--ignore-rules", ignore_rules,
                  "What ignore files mean: ray, as Ray reads them; git, exactly as git does")
      ->capture_default_str();
  command
      .add_option("--git", git_revision,
                  "Not the files as they are, but this commit of the directory's repository (what "
                  "a clean checkout holds)")
      ->type_name("REV");
  command.add_option("--threads", threads, "How many threads [one a processor]")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
}

Result<pkg::PackageOptions> Selection::package_options(const Tool& tool) const {
  RTENV_TRY(const pkg::Scheme parsed, pkg::parse_tree_scheme(scheme));
  RTENV_TRY(const pkg::IgnoreSemantics semantics, pkg::parse_ignore_semantics(ignore_rules));
  pkg::PackageOptions options;
  options.scan = pkg::scan_options(tool.environment, parsed, excludes);
  options.scan.semantics = semantics;
  if (!git_revision.empty()) options.git_revision = git_revision;
  if (no_gitignore) options.scan.use_gitignore = false;
  options.zip.scheme = parsed;
  options.zip.threads = threads != 0 ? threads : default_threads();
  options.zip.cancellation = tool.cancellation;
  return options;
}

void warn_of_left_out(const pkg::Tree& tree, bool rules_recorded) {
  for (const std::string& warning : tree.warnings) log::warn("{}", warning);
  if (!rules_recorded)
    for (const pkg::Excluded& excluded : tree.excluded)
      log::warn("{} isn't packed: {}", excluded.path, excluded.reason);
  for (const pkg::Entry& entry : tree.entries)
    if (entry.type == pkg::EntryType::name_only)
      log::warn("{} isn't packed; only its name counts", entry.path);
}

}  // namespace rtenv::cli
