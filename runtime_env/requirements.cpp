#include "runtime_env/requirements.hpp"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "base/absolute_path.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/path_kind.hpp"
#include "base/redact.hpp"
#include "remote/download.hpp"
#include "remote/uri.hpp"
#include "runtime_env/installer_option.hpp"
#include "runtime_env/project_name.hpp"
#include "runtime_env/requirement_line.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;
using Kind = RequirementLine::Kind;

constexpr int k_max_nesting = 20;

// What the lines of a file are.
enum class Role : std::uint8_t { requirements, constraints };

bool is_url(std::string_view text) {
  return text.find("://") != std::string_view::npos && !text.starts_with("file:");
}

Result<void> check_pin(const std::string& sha256, const std::string& expected, const Path& path) {
  if (expected.empty() || sha256 == expected) return {};
  remote::Uri uri;
  uri.path = path.native();
  uri.sha256 = expected;
  return remote::fail_pin(uri, sha256);
}

class Resolver {
 public:
  explicit Resolver(const ResolveContext& context)
      : context_(context),
        variables_(context.variables),
        fetch_(context.fetch),
        inputs_(context.inputs) {}

  Result<ResolvedRequirements> run(const PackageList& packages) {
    // Also of a list, an item that ends with a backslash continues in the next.
    const std::string text = fmt::format("{}", fmt::join(packages.requirements, "\n"));
    for (const std::string& line : logical_lines(text))
      RTENV_TRY(add_line(line, base_folder(), Role::requirements, 0));
    RTENV_TRY(add_install_options(packages.install_options));
    return finish();
  }

  Result<ResolvedList> run_list(const std::string& file) {
    RTENV_TRY(add_file(file, base_folder(), Role::constraints, 0));
    RTENV_TRY(ResolvedRequirements found, finish());
    found.lines.insert(found.lines.end(), found.constraints.begin(), found.constraints.end());
    return ResolvedList{
        .input = inputs_.add_list(fmt::format("{}\n", fmt::join(found.lines, "\n"))),
        .key_part = std::move(found.key_parts)};
  }

 private:
  // The order of names and constraints doesn't change the environment, but the order of options
  // may: the first index is preferred.
  Result<ResolvedRequirements> finish() {
    std::ranges::sort(names_);
    std::ranges::sort(constraints_);
    result_.key_parts =
        json_text({{"requirements", names_}, {"options", options_}, {"constraints", constraints_}});
    return std::move(result_);
  }

  // The folder that relative paths are relative to.
  [[nodiscard]] Path base_folder() const {
    if (variables_.working_dir()) return *variables_.working_dir();
    std::error_code ignored;
    return context_.base.empty() ? std::filesystem::current_path(ignored) : context_.base;
  }

  // Refuses a path with an undefined variable, for which the installer would report a confusing
  // "not found".
  [[nodiscard]] Result<std::string> expand_path(const std::string& text) const {
    std::string expanded = with_plain_file_urls(expand(text, variables_));
    // It would be taken for the mark of a local input.
    if (expanded.find('\0') != std::string::npos)
      return fail(Errc::invalid_argument, "'{}' has a NUL byte", expanded.c_str());
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

  Result<void> add_line(const std::string& written, const Path& folder, Role role, int depth) {
    RTENV_TRY(const std::string expanded, expand_path(written));
    const RequirementLine line = parse_requirement_line(expanded);
    switch (line.kind) {
      case Kind::empty: return {};
      case Kind::include: return add_file(line.text, folder, role, depth);
      case Kind::constraint: return add_file(line.text, folder, Role::constraints, depth);
      case Kind::find_links: return add_find_links(line.text, folder);
      case Kind::editable:
        return fail(Errc::invalid_argument,
                    "an editable install ('-e {}') isn't supported: it would link to a folder "
                    "outside "
                    "the environment",
                    line.text)
            .hint("remove the -e, or build a wheel");
      case Kind::option: {
        const InstallerOption option = read_option(std::span(&line.text, 1));
        result_.lines.push_back(line.text);
        return count_option(option);
      }
      case Kind::local: return add_local(line, folder, role);
      case Kind::remote: return add_remote(line, folder, role);
      case Kind::requirement: break;
    }
    RTENV_TRY(check_requirement(line));
    (role == Role::constraints ? result_.constraints : result_.lines).push_back(line.text);
    (role == Role::constraints ? constraints_ : names_).push_back(without_credentials(line.text));
    return {};
  }

  // A relative path is relative to the base folder, or to the file that names it if the former
  // doesn't exist.
  [[nodiscard]] Result<Path> locate(const std::string& text, const Path& folder) const {
    Path path = text;
    if (!path.is_absolute()) {
      path = base_folder() / text;
      std::error_code error;
      if (!std::filesystem::exists(path, error)) path = folder / text;
    }
    path = absolute_path(path);
    if (!fetched_.contains(path)) RTENV_TRY(context_.check_path(path));
    return path;
  }

  Result<Path> fetch(const std::string& uri) {
    RTENV_TRY(Path path, fetch_(uri));
    fetched_.insert(path);
    return path;
  }

  Result<void> add_file(const std::string& written, const Path& folder, Role role, int depth) {
    if (depth == k_max_nesting)
      return fail(Errc::invalid_argument, "requirements files include each other: {}", written);
    const RequirementLine file = parse_requirement_line(written);
    if (file.kind == Kind::remote) {
      RTENV_TRY(const Path fetched, fetch(file.text));
      return add_file(fetched.native(), folder, role, depth);
    }
    if (is_url(written)) {
      // The installer fetches it; its content isn't part of the key.
      result_.lines.push_back(
          fmt::format("{} {}", role == Role::constraints ? "-c" : "-r", written));
      options_.push_back(without_credentials(result_.lines.back()));
      return {};
    }
    RTENV_TRY(const Path path, locate(written.starts_with("file:") ? file.text : written, folder));
    auto content = fetched_.contains(path) ? read_file(path) : context_.read_visible_file(path);
    if (!content) return Failure(std::move(content).error().within("requirements file"));
    RTENV_TRY(check_pin(sha256_hex(*content), file.sha256, path));
    for (const std::string& line : logical_lines(*content))
      RTENV_TRY(add_line(line, path.parent_path(), role, depth + 1));
    return {};
  }

  Result<void> add_find_links(const std::string& text, const Path& folder) {
    if (is_url(text)) {
      result_.lines.push_back("--find-links " + text);
      options_.push_back(without_credentials(result_.lines.back()));
      return {};
    }
    const RequirementLine parsed = parse_requirement_line(text);
    RTENV_TRY(const Path path, locate(text.starts_with("file:") ? parsed.text : text, folder));
    RTENV_TRY(const PathKind kind,
              path_kind(path, fmt::format("the --find-links folder {}", path.native())));
    if (kind != PathKind::folder) {
      // A page: its links are relative to its place.
      RTENV_TRY(const std::string content, content_line(path));
      options_.push_back({{"find-links", content}});
      result_.lines.push_back("--find-links " + file_url(path));
      return {};
    }
    RTENV_TRY(const auto input, inputs_.add(LocalInput::Kind::package_folder, path));
    options_.push_back({{"find-links", inputs_[input].content}});
    result_.lines.push_back("--find-links " + url_mark(input));
    return {};
  }

  // Its content counts, as that of a local file does, not its URI.
  Result<void> add_remote(RequirementLine line, const Path& folder, Role role) {
    RTENV_TRY(const Path fetched, fetch(line.text));
    line.text = fetched.native();
    return add_local(line, folder, role);
  }

  Result<LocalInputs::Index> add_input(const RequirementLine& line, const Path& path) {
    const bool wheel = path.extension() == ".whl";
    const auto kind =
        path_kind(path, fmt::format("{} {}", wheel ? "wheel" : "package", path.native()));
    if (!kind)
      return Failure(
          Error(kind.error()).with_hint("check that it is in the working_dir and not excluded"));
    if (*kind != PathKind::folder) {
      RTENV_TRY(const auto input,
                inputs_.add(wheel ? LocalInput::Kind::wheel : LocalInput::Kind::file, path));
      const std::string& content = inputs_[input].content.front();
      RTENV_TRY(check_pin(content.substr(content.rfind(':') + 1), line.sha256, path));
      return input;
    }
    if (line.sha256.empty()) return inputs_.add(LocalInput::Kind::project, path);
    return fail(Errc::invalid_argument, "{} is a folder: it has no SHA-256", path.native())
        .hint("remove #sha256=");
  }

  Result<void> add_local(const RequirementLine& line, const Path& folder, Role role) {
    RTENV_TRY(const Path path, locate(line.text, folder));
    RTENV_TRY(const auto input, add_input(line, path));
    const std::string file_name = path.filename().native();
    const auto in_wheel = wheel_project_name(file_name);
    const std::string name = in_wheel && line.name.empty() ? std::string(*in_wheel) : line.name;
    if (in_wheel && normalized_name(*in_wheel) != normalized_name(name))
      return fail(Errc::invalid_argument, "the wheel {} isn't one of '{}'", path.native(), name);
    if (role == Role::constraints && name.empty())
      return fail(Errc::invalid_argument, "{} can't be a constraint without a name", path.native())
          .hint("write NAME @ {}", file_url(path));
    const std::string after = line.extras + line.fragment + line.suffix;
    // Without the name of a project: whoever gives a wrong one gets an error from the installer.
    std::string part = inputs_[input].content.front() + after;
    if (role == Role::constraints) part = fmt::format("{} @ {}", normalized_name(name), part);
    (role == Role::constraints ? constraints_ : names_).push_back(std::move(part));
    auto& lines = role == Role::constraints ? result_.constraints : result_.lines;
    if (!name.empty())
      lines.push_back(fmt::format("{}{} @ {}{}{}", name, line.extras, url_mark(input),
                                  line.fragment, line.suffix));
    else if (line.fragment.empty())
      lines.push_back(path_mark(input) + after);
    else
      lines.push_back(url_mark(input) + line.fragment + line.extras + line.suffix);
    return {};
  }

  Result<void> add_install_options(const std::vector<std::string>& written) {
    std::vector<std::string> words;
    for (const std::string& word : written) {
      RTENV_TRY(words.emplace_back(), expand_path(word));
    }
    std::span<const std::string> rest = words;
    while (!rest.empty()) {
      const InstallerOption option = read_option(rest);
      RTENV_TRY(add_install_option(option, rest.first(option.words)));
      rest = rest.subspan(option.words);
    }
    return {};
  }

  Result<void> add_install_option(const InstallerOption& option,
                                  std::span<const std::string> words) {
    if (option.use == OptionUse::line && option.value)
      return add_line(fmt::format("{} {}", option.name, *option.value), base_folder(),
                      Role::requirements, 0);
    if (option.use == OptionUse::list && option.value && !is_url(*option.value)) {
      RTENV_TRY(const ResolvedList list, resolve_list(*option.value, context_));
      options_.push_back({{"option", option.name}, {"list", json_from_text(list.key_part)}});
      result_.install_options.push_back(option.flag);
      result_.install_options.push_back(path_mark(list.input));
      return {};
    }
    result_.install_options.insert(result_.install_options.end(), words.begin(), words.end());
    return count_option(option);
  }

  // The part of the key for an option that is passed on as written. The working directory's path
  // changes with every change of its content, so the content at a path counts instead of it.
  Result<void> count_option(const InstallerOption& option) {
    if (option.use == OptionUse::how_it_runs) return {};
    const std::string text =
        option.value ? fmt::format("{} {}", option.name, *option.value) : option.name;
    // Only in the working directory is an index counted: elsewhere it may be a mirror of
    // everything.
    const auto path = option.use == OptionUse::as_written
                          ? std::nullopt
                          : existing_path(option.value ? *option.value : option.name);
    if (!path || (option.use == OptionUse::index && !variables_.in_working_dir(*path))) {
      options_.push_back(without_credentials(text));
      return {};
    }
    RTENV_TRY(context_.check_path(*path));
    RTENV_TRY(const std::string content, content_line(*path));
    options_.push_back({{"option", option.value ? option.name : ""}, {"content", content}});
    return {};
  }

  const ResolveContext& context_;
  const Variables& variables_;
  const FetchObject& fetch_;
  LocalInputs& inputs_;
  std::set<Path> fetched_;
  ResolvedRequirements result_;
  std::vector<std::string> names_;
  std::vector<std::string> constraints_;
  json options_ = json::array();
};

Result<Path> write_lines(const Path& file, const std::vector<std::string>& lines,
                         const std::vector<Path>& copies) {
  RTENV_TRY(AtomicFile out, AtomicFile::create(file));
  RTENV_TRY(out.write(with_copies(fmt::format("{}\n", fmt::join(lines, "\n")), copies)));
  RTENV_TRY(out.commit(Durability::process));
  return file;
}

}  // namespace

Result<void> ResolveContext::check_path(const Path& path) const {
  if (!path_check) return {};
  std::error_code error;
  const Path real = std::filesystem::weakly_canonical(path, error);
  // The job sees its own copy, though it is in the cache; a directory that is used in place may
  // contain what is hidden.
  if (!error && variables.in_working_dir(real) && !path_check(*variables.working_dir())) return {};
  return path_check(path);
}

Result<std::string> ResolveContext::read_visible_file(const Path& path) const {
  RTENV_TRY(const Fd file, open_regular_file(path, O_RDONLY));
  if (path_check) {
    std::error_code error;
    const Path opened =
        std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", file.get()), error);
    RTENV_TRY(check_path(error ? path : opened));
  }
  return read_to_end(file, path.native());
}

Result<ResolvedPhases> resolve_requirements(const PackageList& packages,
                                            const ResolveContext& context) {
  ResolvedPhases phases;
  RTENV_TRY(phases.emplace_back(), Resolver(context).run(packages));
  for (const auto& list : packages.later_phases) {
    PackageList later = packages;
    later.requirements = list;
    RTENV_TRY(phases.emplace_back(), Resolver(context).run(later));
  }
  return phases;
}

Result<ResolvedList> resolve_list(const std::string& file, const ResolveContext& context) {
  return Resolver(context).run_list(file);
}

std::optional<Path> existing_path(std::string_view value) {
  // uv's indexes may have a name.
  if (const auto named = value.find("=file:"); named != std::string_view::npos)
    value.remove_prefix(named + 1);
  const Path path = value.starts_with("file:") ? Path(parse_requirement_line(value).text) : value;
  std::error_code error;
  if (!path.is_absolute()) return std::nullopt;
  if (std::filesystem::exists(path, error)) return absolute_path(path);
  // "/a/pyproject.toml:GROUP"
  const Path before_colon(value.substr(0, value.rfind(':')));
  if (!std::filesystem::is_regular_file(before_colon, error)) return std::nullopt;
  return absolute_path(before_colon);
}

Result<std::vector<std::string>> write_requirements(const ResolvedRequirements& resolved,
                                                    const std::vector<Path>& copies,
                                                    const Path& folder) {
  RTENV_TRY(const Path list, write_lines(folder / "requirements.txt", resolved.lines, copies));
  std::vector<std::string> arguments{"-r", list.native()};
  if (!resolved.constraints.empty()) {
    RTENV_TRY(const Path constraints,
              write_lines(folder / "constraints.txt", resolved.constraints, copies));
    arguments.insert(arguments.end(), {"-c", constraints.native()});
  }
  for (const std::string& word : resolved.install_options)
    arguments.push_back(with_copies(word, copies));
  return arguments;
}

}  // namespace rtenv::runtime_env
