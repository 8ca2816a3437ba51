#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/changing.hpp"
#include "base/output_file.hpp"
#include "base/shown_name.hpp"
#include "cli/commands.hpp"
#include "cli/entry_list.hpp"
#include "cli/explain.hpp"
#include "cli/selection.hpp"
#include "pkg/zip_records.hpp"

namespace rtenv::cli {
namespace {

struct PackCommand {
  Selection selection;
  std::string output;  // empty: the package's name, in the current folder; "-": standard output
  std::string compression = "auto";
  bool explain_wanted = false;
  bool list_wanted = false;

  [[nodiscard]] Result<int> list(const Tool& tool) const;
  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

// Where the package is written.
class PackageFile {
 public:
  PackageFile(const std::string& path, const Cancellation* cancellation)
      : path_(path),
        is_stdout_(path == "-" || OutputFile::is_standard(path)),
        cancellation_(cancellation) {}
  [[nodiscard]] bool is_stdout() const { return is_stdout_; }

  Result<pkg::ByteSink> open() {
    if (file_ && file_->is_stream()) return changed_while("the directory", "packed");
    file_.reset();
    RTENV_TRY(auto file, make());
    file_.emplace(std::move(file));
    return pkg::ByteSink{.write = [this](auto data) { return file_->write(data); },
                         .file = file_->is_stream() ? -1 : file_->fd().get()};
  }

  /// Returns the path of the finished package; empty for standard output.
  Result<Path> commit(const pkg::PackageName& name) {
    if (!path_.empty()) {
      RTENV_TRY(file_->commit());
      return is_stdout() ? Path() : Path(path_);
    }
    Path target = name.file_name();
    RTENV_TRY(file_->commit_as(target));
    return target;
  }

  /// It may be in the directory.
  [[nodiscard]] std::optional<pkg::FileIdentity> existing() const {
    struct stat status {};
    const bool exists = is_stdout() ? ::fstat(STDOUT_FILENO, &status) == 0
                                    : !path_.empty() && ::stat(path_.c_str(), &status) == 0;
    if (!exists || !S_ISREG(status.st_mode)) return std::nullopt;
    return pkg::FileIdentity{status.st_dev, status.st_ino};
  }

 private:
  [[nodiscard]] Result<OutputFile> make() const {
    if (path_ == "-") return OutputFile::standard(cancellation_);
    // The package's name isn't known before the end.
    return path_.empty() ? OutputFile::create_unnamed("_ray_pkg_.zip")
                         : OutputFile::create(path_, cancellation_);
  }

  std::string path_;
  bool is_stdout_;
  const Cancellation* cancellation_;
  std::optional<OutputFile> file_;
};

Result<int> PackCommand::list(const Tool& tool) const {
  RTENV_TRY(auto options, selection.package_options(tool));
  options.scan.record_excluded = explain_wanted || tool.verbose;
  RTENV_TRY(const pkg::Tree tree, pkg::list_directory(selection.directory, options));
  warn_of_left_out(tree, explain_wanted);
  if (explain_wanted && !tool.output.json) print_explanation(tree);
  const auto as_json = [&] {
    nlohmann::json entries = nlohmann::json::array();
    for (const pkg::Entry& entry : tree.entries)
      if (pkg::is_in_zip(entry)) entries.push_back(entry_json(entry));
    nlohmann::json object{{"entries", std::move(entries)},
                          {"files", tree.file_count()},
                          {"total_bytes", tree.total_bytes()}};
    if (explain_wanted) object.update(explanation_json(tree));
    return object;
  };
  tool.output.print_either(as_json, [&] {
    for (const pkg::Entry& entry : tree.entries)
      if (pkg::is_in_zip(entry)) print_line(shown_name(pkg::zip_path(entry, "")));
  });
  return 0;
}

Result<int> PackCommand::run(const Tool& tool) const {
  RTENV_TRY(selection.check_directory());
  if (list_wanted) return list(tool);
  PackageFile package_file(output, tool.cancellation);
  if (package_file.is_stdout() && tool.output.json)
    return fail(Errc::invalid_argument,
                "-o {} and --json exclude each other: both write to standard output", output);
  if (package_file.is_stdout() && ::isatty(STDOUT_FILENO) == 1)
    return fail(Errc::invalid_argument, "a package can't be written to a terminal")
        .hint("redirect standard output, or give a file to -o");
  RTENV_TRY(auto options, selection.package_options(tool));
  RTENV_TRY(options.zip.compression, pkg::parse_compression(compression));
  options.scan.record_excluded = explain_wanted || tool.verbose;
  options.scan.output = package_file.existing();
  RTENV_TRY(const auto packed,
            pkg::pack_directory(selection.directory, options, [&] { return package_file.open(); }));
  warn_of_left_out(packed.tree, explain_wanted);
  if (explain_wanted && !tool.output.json) print_explanation(packed.tree);
  RTENV_TRY(const Path target, package_file.commit(packed.zip.name));
  log_stats(packed.stats, packed.tree, options.zip.threads);
  log::debug("wrote {} bytes", packed.zip.size_bytes);
  nlohmann::json object{
      {"uri", packed.zip.name.uri()},
      {"scheme", pkg::name(packed.zip.name.scheme())},
      {"path",
       package_file.is_stdout() ? std::string() : std::filesystem::absolute(target).native()},
      {"files", packed.tree.file_count()},
      {"total_bytes", packed.tree.total_bytes()},
      {"package_bytes", packed.zip.size_bytes}};
  if (explain_wanted) object.update(explanation_json(packed.tree));
  tool.output.print(object, [&] {
    if (package_file.is_stdout())
      log::info("{}", packed.zip.name.uri());
    else
      print_line(packed.zip.name.uri());
  });
  return 0;
}

}  // namespace

void register_pack(const Command& root, Tool& tool) {
  auto state = std::make_shared<PackCommand>();
  const Command command =
      add_command(root, tool, "pack", "Pack a directory into _ray_pkg_<hash>.zip and print its URI",
                  "  rtenv pack my_job -o - | aws s3 cp - s3://bucket/my_job.zip\n"
                  "  rtenv pack my_job --list --exclude '*.csv' --include small.csv");
  state->selection.declare(command);
  const Option output_option =
      command
          .add_option("-o,--output", state->output,
                      "The file to write; - for standard output [the package's name, in the "
                      "current folder]")
          .value_name("FILE");
  const Option compress_option = declare_compression(command, state->compression);
  command
      .add_flag("--list", state->list_wanted,
                "Print what would be in the package, one name a line (--json: with sizes), and "
                "write nothing")
      .excludes(output_option)
      .excludes(compress_option);
  command.add_flag(
      "--explain", state->explain_wanted,
      "List on standard error what was left out, by which rule, and the largest files");
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
