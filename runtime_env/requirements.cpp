#include "runtime_env/requirements.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/parallel.hpp"
#include "base/redact.hpp"
#include "pkg/package.hpp"
#include "runtime_env/content_key.hpp"
#include "runtime_env/requirement_line.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;
using Kind = RequirementLine::Kind;

constexpr int k_max_nesting = 20;

bool is_url(std::string_view text) {
  return text.find("://") != std::string_view::npos && !text.starts_with("file:");
}

// Percent-encodes characters that have a meaning in a requirements file.
std::string file_url(const Path& path) { return "file://" + percent_encode(path.native(), "/+"); }

class Resolver {
 public:
  Resolver(const Variables& variables, const FetchObject& fetch)
      : variables_(variables), fetch_(fetch) {}

  Result<ResolvedRequirements> run(const PackageList& packages) {
    for (const std::string& line : packages.requirements)
      RTENV_TRY(add_line(line, base_folder(), false, 0));
    for (const std::string& option : packages.install_options)
      RTENV_TRY(add_install_option(option));
    // The order of names doesn't change the environment, but the order of options may: the first
    // index is preferred.
    std::ranges::sort(names_);
    result_.key_parts =
        json_text({{"requirements", names_}, {"options", options_}, {"constraints", constraints_}});
    return std::move(result_);
  }

 private:
  // The folder that relative paths are relative to.
  [[nodiscard]] Path base_folder() const {
    return variables_.working_dir() ? *variables_.working_dir() : std::filesystem::current_path();
  }

  // Refuses a path with an undefined variable, for which the installer would report a confusing
  // "not found".
  [[nodiscard]] Result<std::string> expand_path(const std::string& text) const {
    std::string expanded = expand(text, variables_);
    const auto undefined = first_unexpanded(expanded);
    if (undefined && expanded.find('/') != std::string::npos && !is_url(expanded)) {
      const bool is_working_dir = undefined->find(k_working_dir_variable) != std::string::npos;
      return fail(Errc::invalid_argument, "'{}' refers to an undefined variable: {}", expanded,
                  *undefined)
          .hint("{}", is_working_dir ? "set working_dir in the runtime_env"
                                     : "set it in env_vars or in the environment");
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
                    "an editable install ('-e {}') isn't supported: it would link to a folder "
                    "outside "
                    "the environment",
                    line.text)
            .hint("remove the -e, or build a wheel");
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

  // A relative path is relative to the base folder, or to the file that names it if the former
  // doesn't exist.
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
      return fail(Errc::invalid_argument, "requirements files include each other: {}", text);
    if (parse_requirement_line(text).kind == Kind::remote) {
      RTENV_TRY(const Path fetched, fetch_(text));
      return add_file(fetched.native(), folder, is_constraint, depth);
    }
    if (is_url(text)) {
      // The installer fetches it; its content isn't part of the key.
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
      return fail(Errc::not_found, "the --find-links folder {} doesn't exist", path.native());
    RTENV_TRY(json content, content_part(path));
    options_.push_back({{"find-links", std::move(content)}});
    result_.lines.push_back("--find-links " + file_url(path));
    return {};
  }

  // Its content counts, as that of a local file does, not its URI.
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
      return fail(Errc::not_found, "{} {} doesn't exist", wheel ? "wheel" : "package",
                  path.native())
          .hint("check that it is in the working_dir and not excluded");
    }
    const std::string file_name = path.filename().native();
    if (S_ISDIR(status.st_mode)) {
      // Without the folder's name: a copy in another folder is the same project.
      RTENV_TRY(const auto named,
                pkg::name_directory(path, {.scan = {.use_gitignore = false},
                                           .zip = {.threads = default_threads()}}));
      names_.push_back(
          fmt::format("source {}{}{}", named.name().digits(), line.extras, line.suffix));
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
    result_.local_projects.push_back(
        {.path = path, .line = result_.lines.size(), .extras = line.extras, .suffix = line.suffix});
    result_.lines.emplace_back();
    return {};
  }

  // An option for the installer's command line: "--find-links", "/a/dist" or
  // "--find-links=/a/dist". If it is or has a path, the content there counts, not the path: the
  // working directory's path changes with every change of its content.
  Result<void> add_install_option(const std::string& written) {
    RTENV_TRY(const std::string option, expand_path(written));
    result_.install_options.push_back(option);
    const auto equals = option.starts_with("--") ? option.find('=') : std::string::npos;
    const std::string name =
        equals == std::string::npos ? std::string() : option.substr(0, equals + 1);
    const Path value = option.substr(name.size());
    std::error_code error;
    if (value.is_absolute() && std::filesystem::exists(value, error)) {
      RTENV_TRY(json content, content_part(value));
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

Result<ResolvedPhases> resolve_requirements(const PackageList& packages, const Variables& variables,
                                            const FetchObject& fetch) {
  ResolvedPhases phases;
  RTENV_TRY(phases.emplace_back(), Resolver(variables, fetch).run(packages));
  for (const auto& list : packages.later_phases) {
    PackageList later = packages;
    later.requirements = list;
    RTENV_TRY(phases.emplace_back(), Resolver(variables, fetch).run(later));
  }
  return phases;
}

Result<std::vector<std::string>> write_requirements(const ResolvedRequirements& resolved,
                                                    const Path& folder) {
  std::vector<std::string> lines = resolved.lines;
  for (std::size_t i = 0; i < resolved.local_projects.size(); ++i) {
    const LocalProject& project = resolved.local_projects[i];
    const Path copy_folder = folder / fmt::format("source-{}", i);
    RTENV_TRY(make_directories(copy_folder));
    const Path copy = copy_folder / project.path.filename();
    RTENV_TRY(clone_tree(project.path, copy));
    lines[project.line] = copy.native() + project.extras + project.suffix;
  }
  RTENV_TRY(write_lines(folder / "requirements.txt", lines));
  std::vector<std::string> arguments{"-r", (folder / "requirements.txt").native()};
  if (resolved.constraints.empty()) return arguments;
  RTENV_TRY(write_lines(folder / "constraints.txt", resolved.constraints));
  arguments.insert(arguments.end(), {"-c", (folder / "constraints.txt").native()});
  return arguments;
}

}  // namespace rtenv::runtime_env
