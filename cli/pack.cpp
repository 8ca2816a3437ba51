#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "cli/explain.hpp"
#include "cli/selection.hpp"

namespace rtenv::cli {
namespace {

struct PackCommand {
  Selection selection;
  std::string output;  // empty: under its name in the current folder; "-": standard output
  std::string compression = "auto";
  bool explain_wanted = false;

  Result<int> run(const Tool& tool) const;
};

// Where the package is written before its name is known: beside the target, or straight to standard
// output.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path) {}
  [[nodiscard]] bool to_stdout() const { return path_ == "-"; }

  Result<pkg::ByteSink> open() {
    if (to_stdout()) {
      if (started_)
        return fail(Errc::unavailable, "the directory changed while it was packed")
            .hint("run it again when it is still");
      started_ = true;
      stdout_ = Fd(::dup(STDOUT_FILENO));
      return pkg::ByteSink{.write = [this](std::span<const std::byte> data) {
        return write_full(stdout_, data, "standard output");
      }};
    }
    file_.reset();
    RTENV_TRY(auto file, AtomicFile::create(path_.empty() ? Path("_ray_pkg_.zip") : Path(path_)));
    file_.emplace(std::move(file));
    return pkg::ByteSink{.write =
                             [this](std::span<const std::byte> data) {
                               return write_full(file_->fd(), data, file_->target().native());
                             },
                         .file = file_->fd().get()};
  }

  /// The path of the finished package; empty on standard output.
  Result<Path> commit(const pkg::PackageName& name) {
    if (to_stdout()) return Path();
    Path target = path_.empty() ? Path(name.file_name()) : Path(path_);
    // Like zip and git archive: whole or not there, but not waiting for the disk. Packing again
    // makes the same bytes.
    RTENV_TRY(file_->commit_as(target, Durability::process));
    return target;
  }

 private:
  std::string path_;
  bool started_ = false;
  Fd stdout_;
  std::optional<AtomicFile> file_;
};

Result<int> PackCommand::run(const Tool& tool) const {
  if (output == "-" && tool.json)
    return fail(Errc::invalid_argument, "-o - and --json both want standard output");
  if (output == "-" && ::isatty(STDOUT_FILENO) == 1)
    return fail(Errc::invalid_argument, "a package isn't for a terminal")
        .hint("redirect standard output, or give a file to -o");
  RTENV_TRY(auto options, selection.package_options(tool));
  RTENV_TRY(options.zip.compression, pkg::parse_compression(compression));
  options.scan.record_excluded = explain_wanted;
  Output out(output);
  RTENV_TRY(const auto packed,
            pkg::pack_directory(selection.directory, options, [&] { return out.open(); }));
  warn_of_left_out(packed.tree, explain_wanted);
  if (explain_wanted && !tool.json) explain(packed.tree);
  RTENV_TRY(const Path target, out.commit(packed.zip.name));
  if (tool.json) {
    nlohmann::json object{{"uri", packed.zip.name.uri()},
                          {"scheme", pkg::name(packed.zip.name.scheme())},
                          {"path", std::filesystem::absolute(target).native()},
                          {"files", packed.tree.file_count()},
                          {"total_bytes", packed.tree.total_bytes()},
                          {"package_bytes", packed.zip.size_bytes}};
    if (explain_wanted) object.update(explanation(packed.tree));
    Tool::print_json(object);
  } else if (out.to_stdout()) {
    log::info("{}", packed.zip.name.uri());
  } else {
    Tool::print_line(packed.zip.name.uri());
  }
  return 0;
}

}  // namespace

void register_pack(CLI::App& app, Tool& tool) {
  auto state = std::make_shared<PackCommand>();
  CLI::App* command =
      add_command(app, tool, "pack", "Pack a directory into _ray_pkg_<hash>.zip and print its URI",
                  "  rtenv pack my_job -o - | aws s3 cp - s3://bucket/my_job.zip");
  state->selection.declare(*command);
  command
      ->add_option("-o,--output", state->output,
                   "The file to write; - for standard output [its name, in the current folder]")
      ->type_name("FILE");
  command->add_option("--compress", state->compression, "auto, store, fast or best")
      ->capture_default_str();
  command->add_flag(
      "--explain", state->explain_wanted,
      "Say on standard error what was left out and by which rule, and what is largest");
  command->callback([state, &tool] { tool.command = [state, &tool] { return state->run(tool); }; });
}

}  // namespace rtenv::cli
