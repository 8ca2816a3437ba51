#include "envbuild/installer_inputs.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/hash.hpp"
#include "envbuild/file_entry.hpp"
#include "envbuild/git_credentials.hpp"
#include "envbuild/netrc_credentials.hpp"
#include "envbuild/secret_options.hpp"
#include "runtime_env/installer_settings.hpp"

namespace rtenv::envbuild {
namespace {

using runtime_env::LocalInput;

Result<LeasedPath> store_wheel(const LocalInput& wheel, cache::Cache& cache,
                               const WaitOptions& wait) {
  const std::string name = wheel.path.filename().native();
  const std::string& content = wheel.content.front();
  const std::string sha256 = content.substr(content.rfind(':') + 1);
  bool copied = false;
  RTENV_TRY(auto stored,
            file_entry(name, {sha256}, cache, wait, [&](const Path& target) -> Result<void> {
              copied = true;
              return runtime_env::copy_input(wheel, {}, target, wait.cancellation);
            }));
  if (copied) return stored;
  RTENV_TRY(const std::string found, sha256_hex_of_file(stored.path, wait.cancellation));
  if (found == sha256) return stored;
  return fail(Errc::corrupt, "the cache's copy {} of {} was changed", stored.path.native(),
              wheel.path.native())
      .hint("run `rtenv cache verify`, which removes changed entries, and retry");
}

Result<Path> copy_to_scratch(const LocalInput& input, const std::vector<Path>& copies,
                             const Path& folder, const Cancellation* cancellation) {
  RTENV_TRY(make_directories(folder));
  Path target = folder / input.path.filename();
  RTENV_TRY(runtime_env::copy_input(input, copies, target, cancellation));
  return target;
}

// Where a project's requirements usually are, in plain text.
constexpr std::array<const char*, 3> k_project_files{"pyproject.toml", "setup.cfg",
                                                     "requirements.txt"};

void add_if_exists(const Path& file, std::vector<Path>& files) {
  std::error_code error;
  if (std::filesystem::is_regular_file(file, error)) files.push_back(file);
}

Result<void> hide_from_pips_children(const std::vector<Path>& lists,
                                     const std::vector<Path>& projects, const Path& scratch,
                                     Environment& environment) {
  NetrcCredentials netrc(environment);
  for (const auto* files : {&lists, &projects})
    for (const Path& file : *files) {
      RTENV_TRY(const std::string text, read_file(file));
      netrc.note_hosts(text);
    }
  for (const Path& file : projects) {
    const bool is_list = file.extension() == ".txt";
    RTENV_TRY(is_list ? netrc.take_from(file) : netrc.take_from_project(file));
  }
  netrc.note_hosts(environment);
  for (const Path& list : lists) RTENV_TRY(netrc.take_from(list));
  RTENV_TRY(netrc.take_from(environment));
  return netrc.provide(scratch, environment);
}

// Of uv's configuration, which is read where it is.
Result<void> refuse_git_credentials(const Environment& environment) {
  auto files = runtime_env::configuration_files(environment, runtime_env::InstallerKind::uv);
  if (const auto named = environment.find_filled("UV_CONFIG_FILE")) files.emplace_back(*named);
  for (const Path& file : files) {
    const std::string text = read_file(file).value_or(std::string());
    RTENV_TRY(const std::string taken, GitCredentials().take(text));
    if (taken.size() != text.size())
      return fail(Errc::invalid_argument,
                  "{} has a login for git, which uv would show in a command line, which every user "
                  "of this machine can read",
                  file.native())
          .hint("give it to git's credential helper, or put the requirement into the runtime_env");
  }
  return {};
}

// The deepest folder that has all projects. Empty: there are none.
Path common_folder(const runtime_env::LocalInputs& inputs) {
  Path common;
  for (const LocalInput& input : inputs.all()) {
    if (input.kind != LocalInput::Kind::project) continue;
    const Path parent = input.path.parent_path();
    if (common.empty()) common = parent;
    while (!parent.lexically_relative(common).empty() &&
           *parent.lexically_relative(common).begin() == "..")
      common = common.parent_path();
  }
  return common;
}

// Copies of projects lie to each other as the originals do, so that one can require another by a
// relative path; one inside of another is apart.
Path folder_for_copy(const LocalInput& input, std::size_t index, const Path& common,
                     const Path& scratch) {
  const Path place = input.path.parent_path().lexically_relative(common);
  // Others have a meaning in lists of requirements.
  const bool is_plain = std::ranges::all_of(place.native(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._-+ ").find(c) != std::string_view::npos;
  });
  if (input.kind == LocalInput::Kind::project && is_plain) {
    const Path folder = (scratch / "projects" / place).lexically_normal();
    std::error_code error;
    if (!std::filesystem::exists(folder / input.path.filename(), error)) return folder;
  }
  return scratch / "inputs" / std::to_string(index);
}

// A variable can list several paths, separated by spaces, commas or colons, which the path of the
// cache may contain: these are relative to the current folder.
Environment with_relative_copies(const Environment& environment, const std::vector<Path>& copies,
                                 const Path& scratch) {
  std::vector<Path> relative;
  for (const Path& copy : copies) relative.push_back(copy.lexically_relative(scratch));
  Environment result;
  for (const auto& [name, value] : environment.values())
    result.set(name, runtime_env::with_copies(value, relative));
  return result;
}

}  // namespace

Result<InstallerInputs> prepare_inputs(runtime_env::InstallerKind installer,
                                       const runtime_env::ResolvedPhases& phases,
                                       const runtime_env::LocalInputs& inputs,
                                       const Environment& environment, const Path& scratch,
                                       cache::Cache& cache, const WaitOptions& wait) {
  InstallerInputs result;
  const Path common = common_folder(inputs);
  GitCredentials git;
  std::vector<Path> lists;
  std::vector<Path> projects;
  for (const LocalInput& input : inputs.all()) {
    if (input.kind == LocalInput::Kind::wheel) {
      RTENV_TRY(LeasedPath stored, store_wheel(input, cache, wait));
      result.copies.push_back(std::move(stored.path));
      result.leases.push_back(std::move(*stored.lease));
    } else {
      const Path folder = folder_for_copy(input, result.copies.size(), common, scratch);
      RTENV_TRY(result.copies.emplace_back(),
                copy_to_scratch(input, result.copies, folder, wait.cancellation));
      if (input.kind == LocalInput::Kind::list) lists.push_back(result.copies.back());
      if (input.kind == LocalInput::Kind::project)
        for (const char* file : k_project_files)
          add_if_exists(result.copies.back() / file, projects);
    }
  }
  result.environment = with_relative_copies(environment, result.copies, scratch);
  for (std::size_t phase = 0; phase < phases.size(); ++phase) {
    const Path folder = scratch / fmt::format("phase-{}", phase);
    RTENV_TRY(make_directories(folder));
    RTENV_TRY(const auto arguments,
              runtime_env::write_requirements(phases[phase], result.copies, folder));
    RTENV_TRY(result.arguments.emplace_back(),
              pass_secrets_by_variable(arguments, installer, result.environment));
    RTENV_TRY(const auto written, folder_entries(folder));
    for (const FolderEntry& list : written) lists.push_back(list.path);
  }
  const bool is_pip = installer == runtime_env::InstallerKind::pip;
  RTENV_TRY(is_pip ? hide_from_pips_children(lists, projects, scratch, result.environment)
                   : refuse_git_credentials(result.environment));
  for (const auto* files : {&lists, &projects})
    for (const Path& file : *files) RTENV_TRY(git.take_from(file));
  RTENV_TRY(git.provide(scratch, result.environment));
  return result;
}

}  // namespace rtenv::envbuild
