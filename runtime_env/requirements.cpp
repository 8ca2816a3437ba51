#include "runtime_env/requirements.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/parallel.hpp"
#include "pkg/package.hpp"
#include "runtime_env/redact.hpp"
#include "runtime_env/requirement_line.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;
using Kind = RequirementLine::Kind;

constexpr int k_max_nesting = 20;

bool is_url(std::string_view text) {
  return text.find("://") != std::string_view::npos && !text.starts_with("file:");
}

// Percent-encoded where a requirements file would take a character for its own.
std::string file_url(const Path& path) { return "file://" + percent_encode(path.native(), "/+"); }

class Resolver {
 public:
  Resolver(const Variables& variables, const FetchObject& fetch)
      : variables_(variables), fetch_(fetch) {}

  Result<ResolvedRequirements> run(const Packages& packages) {
    for (const std::string& line : packages.requirements)
      RTENV_TRY(add_line(line, base_folder(), false, 0));
    for (const std::string& option : packages.install_options)
      RTENV_TRY(add_install_option(option));
    // An environment doesn't depend on the order of names; on that of options (which index comes
    // first), it may.
    std::ranges::sort(names_);
    result_.key_parts = {
        {"requirements", names_}, {"options", options_}, {"constraints", constraints_}};
    return std::move(result_);
  }

 private:
  // What relative paths are relative to: the job's files, where there are any.
  [[nodiscard]] Path base_folder() const {
    return variables_.working_dir() ? *variables_.working_dir() : std::filesystem::current_path();
  }

  // A variable that stays in something that is a path by its look would be a confusing "not found"
  // of the installer.
  [[nodiscard]] Result<std::string> expand_path(const std::string& text) const {
    std::string expanded = expand(text, variables_);
    const auto left = first_unexpanded(expanded);
    if (left && expanded.find('/') != std::string::npos && !is_url(expanded)) {
      const bool no_directory = left->find(k_working_dir_variable) != std::string::npos;
      return fail(Errc::invalid_argument, "'{}' has a variable without a value: {}", expanded,
                  *left)
          .hint("{}",
                no_directory ? "give a working_dir" : "set it in env_vars or in the environment");
    }
    return expanded;
  }

  Result<void> add_line(const std::string& written, const Path& folder, bool is_constraint,
                        int depth) {
    RTENV_TRY(const std::string expanded, expand_path(written));
    const RequirementLine line = parse_requirement_line(expanded);
    switch (line.kind) {
      case Kind::empty: return {};
      case Kind::include: return add_file(line.text, folder, is_constraint, depth);
      case Kind::constraint: return add_file(line.text, folder, true, depth);
      case Kind::find_links: return add_find_links(line.text, folder);
      case Kind::editable:
        return fail(Errc::invalid_argument,
                    "an editable install ('-e {}') would point into a folder that isn't the "
                    "environment's",
                    line.text)
            .hint("name the folder without -e, or build a wheel");
      case Kind::option:
        result_.lines.push_back(line.text);
        options_.push_back(without_credentials(line.text));
        return {};
      case Kind::local: return add_local(line, folder);
      case Kind::remote: return add_remote(line, folder);
      case Kind::requirement:
        (is_constraint ? result_.constraints : result_.lines).push_back(line.text);
        (is_constraint ? constraints_ : names_).push_back(without_credentials(line.text));
        return {};
    }
    return {};
  }

  // First as the installer would see it, from the job's files; then beside the file that names it.
  [[nodiscard]] Path locate(const std::string& text, const Path& folder) const {
    const Path path = text.starts_with("file:///") ? Path(text.substr(7)) : Path(text);
    if (path.is_absolute()) return path.lexically_normal();
    const Path from_base = (base_folder() / path).lexically_normal();
    std::error_code error;
    return std::filesystem::exists(from_base, error) ? from_base
                                                     : (folder / path).lexically_normal();
  }

  Result<void> add_file(const std::string& text, const Path& folder, bool is_constraint,
                        int depth) {
    if (depth == k_max_nesting)
      return fail(Errc::invalid_argument, "requirement files include each other: {}", text);
    if (parse_requirement_line(text).kind == Kind::remote) {
      RTENV_TRY(const Path fetched, fetch_(text));
      return add_file(fetched.native(), folder, is_constraint, depth);
    }
    if (is_url(text)) {
      // Its content can't be known before it is fetched: the installer does both.
      result_.lines.push_back(fmt::format("{} {}", is_constraint ? "-c" : "-r", text));
      options_.push_back(without_credentials(result_.lines.back()));
      return {};
    }
    const Path path = locate(text, folder);
    auto content = read_file(path);
    if (!content) return Failure(std::move(content).error().within("requirements file"));
    for (const std::string& line : logical_lines(*content))
      RTENV_TRY(add_line(line, path.parent_path(), is_constraint, depth + 1));
    return {};
  }

  Result<void> add_find_links(const std::string& text, const Path& folder) {
    if (is_url(text)) {
      result_.lines.push_back("--find-links " + text);
      options_.push_back(without_credentials(result_.lines.back()));
      return {};
    }
    const Path path = locate(text, folder);
    std::error_code error;
    if (!std::filesystem::exists(path, error))
      return fail(Errc::not_found, "the --find-links folder {} isn't there", path.native());
    RTENV_TRY(json content, content_of(path));
    options_.push_back({{"find-links", std::move(content)}});
    result_.lines.push_back("--find-links " + file_url(path));
    return {};
  }

  // What a path given to an option means for the key: the content of the file, or of the files in
  // the folder.
  static Result<json> content_of(const Path& path) {
    std::error_code error;
    std::vector<Path> files;
    if (std::filesystem::is_directory(path, error)) {
      for (const auto& entry : std::filesystem::directory_iterator(path, error))
        if (entry.is_regular_file(error)) files.push_back(entry.path());
    } else {
      files.push_back(path);
    }
    std::ranges::sort(files);
    json digests = json::array();
    for (const Path& file : files) {
      RTENV_TRY(const auto digest, sha256_hex_of_file(file));
      digests.push_back(fmt::format("{} sha256:{}", file.filename().native(), digest));
    }
    return digests;
  }

  // What it holds decides, as of a local file; not where it was.
  Result<void> add_remote(RequirementLine line, const Path& folder) {
    RTENV_TRY(const Path fetched, fetch_(line.text));
    line.text = fetched.native();
    return add_local(line, folder);
  }

  Result<void> add_local(const RequirementLine& line, const Path& folder) {
    const Path path = locate(line.text, folder);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      const bool wheel = path.extension() == ".whl";
      return fail(Errc::not_found, "{} {} isn't there", wheel ? "wheel" : "package", path.native())
          .hint("is it in the working_dir, and not excluded?");
    }
    const std::string file_name = path.filename().native();
    if (S_ISDIR(status.st_mode)) {
      // Its name doesn't count: a copy elsewhere is the same source.
      RTENV_TRY(const auto named,
                pkg::name_directory(path, {.scan = {.use_gitignore = false},
                                           .zip = {.threads = default_threads()}}));
      names_.push_back(fmt::format("source {}{}{}", named.name.digits(), line.extras, line.suffix));
    } else {
      RTENV_TRY(const auto digest, sha256_hex_of_file(path));
      names_.push_back(
          fmt::format("{} sha256:{}{}{}", file_name, digest, line.extras, line.suffix));
    }
    if (const auto project = wheel_project_name(file_name); project && !S_ISDIR(status.st_mode)) {
      result_.lines.push_back(
          fmt::format("{}{} @ {}{}", *project, line.extras, file_url(path), line.suffix));
      return {};
    }
    result_.sources.push_back(
        {.path = path, .line = result_.lines.size(), .extras = line.extras, .suffix = line.suffix});
    result_.lines.emplace_back();
    return {};
  }

  // Options of the command line, "--find-links", "/a/dist" or "--find-links=/a/dist": a path says
  // where, not what, and the working directory's is another one for each content; so what it leads
  // to counts instead.
  Result<void> add_install_option(const std::string& written) {
    RTENV_TRY(const std::string option, expand_path(written));
    result_.install_options.push_back(option);
    const auto equals = option.starts_with("--") ? option.find('=') : std::string::npos;
    const std::string name =
        equals == std::string::npos ? std::string() : option.substr(0, equals + 1);
    const Path value = option.substr(name.size());
    std::error_code error;
    if (value.is_absolute() && std::filesystem::exists(value, error)) {
      RTENV_TRY(json content, content_of(value));
      options_.push_back({{"option", name}, {"content", std::move(content)}});
    } else {
      options_.push_back(without_credentials(option));
    }
    return {};
  }

  const Variables& variables_;
  const FetchObject& fetch_;
  ResolvedRequirements result_;
  std::vector<std::string> names_;
  std::vector<std::string> constraints_;
  json options_ = json::array();
};

Result<void> write_lines(const Path& file, const std::vector<std::string>& lines) {
  RTENV_TRY(AtomicFile out, AtomicFile::create(file));
  RTENV_TRY(out.write(fmt::format("{}\n", fmt::join(lines, "\n"))));
  return out.commit();
}

}  // namespace

Result<ResolvedPhases> resolve_requirements(const Packages& packages, const Variables& variables,
                                            const FetchObject& fetch) {
  ResolvedPhases phases;
  RTENV_TRY(phases.emplace_back(), Resolver(variables, fetch).run(packages));
  for (const auto& list : packages.later_phases) {
    Packages later = packages;
    later.requirements = list;
    RTENV_TRY(phases.emplace_back(), Resolver(variables, fetch).run(later));
  }
  return phases;
}

Result<std::vector<std::string>> write_requirements(const ResolvedRequirements& resolved,
                                                    const Path& folder) {
  std::vector<std::string> lines = resolved.lines;
  for (std::size_t i = 0; i < resolved.sources.size(); ++i) {
    const LocalSource& source = resolved.sources[i];
    const Path copy_folder = folder / fmt::format("source-{}", i);
    RTENV_TRY(make_directories(copy_folder));
    const Path copy = copy_folder / source.path.filename();
    RTENV_TRY(clone_tree(source.path, copy));
    lines[source.line] = copy.native() + source.extras + source.suffix;
  }
  RTENV_TRY(write_lines(folder / "requirements.txt", lines));
  std::vector<std::string> arguments{"-r", (folder / "requirements.txt").native()};
  if (resolved.constraints.empty()) return arguments;
  RTENV_TRY(write_lines(folder / "constraints.txt", resolved.constraints));
  arguments.insert(arguments.end(), {"-c", (folder / "constraints.txt").native()});
  return arguments;
}

}  // namespace rtenv::runtime_env
