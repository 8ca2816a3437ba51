#include "envbuild/env_archive.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/lines.hpp"
#include "base/log.hpp"
#include "envbuild/env_description.hpp"
#include "envbuild/env_protection.hpp"
#include "envbuild/shebang.hpp"
#include "runtime_env/env_key.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

// Larger files aren't searched for paths: scripts and .pth files are small.
constexpr std::uint64_t k_max_text_bytes = 1U << 20U;

constexpr std::string_view k_env_placeholder = "/@RTENV_ENV@";
constexpr std::string_view k_python_placeholder = "@RTENV_PYTHON@";
constexpr std::string_view k_python_home_placeholder = "@RTENV_PYTHON_HOME@";
constexpr std::string_view k_python_prefix_placeholder = "@RTENV_PYTHON_PREFIX@";
constexpr const char* k_config_file = "pyvenv.cfg";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// Keys of pyvenv.cfg whose values are paths of the interpreter.
struct ConfigKey {
  std::string_view key;
  std::string_view placeholder;
};
constexpr std::array<ConfigKey, 5> k_config_keys{
    {{"home", k_python_home_placeholder},
     {"executable", k_python_placeholder},
     {"base-executable", k_python_placeholder},
     {"base-prefix", k_python_prefix_placeholder},
     {"base-exec-prefix", k_python_prefix_placeholder}}};

std::string config_with_placeholders(std::string_view text) {
  std::string result;
  for (const std::string_view line : lines_of(text)) {
    const std::string_view key = line.substr(0, line.find_first_of(" ="));
    // The command line that created the environment: it has paths of this machine.
    if (key == "command") continue;
    const auto* const known = std::ranges::find(k_config_keys, key, &ConfigKey::key);
    result += known == k_config_keys.end() ? std::string(line)
                                           : fmt::format("{} = {}", key, known->placeholder);
    result += '\n';
  }
  return result;
}

void relocate_config(std::string& text, const runtime_env::Interpreter& interpreter) {
  const Path home = interpreter.base_executable.parent_path();
  replace_all(text, k_python_home_placeholder, home.native());
  replace_all(text, k_python_prefix_placeholder, home.parent_path().native());
  replace_all(text, k_python_placeholder, interpreter.base_executable.native());
}

class EnvFilter final : public cache::ArchiveFilter {
 public:
  EnvFilter(const Path& env, json interpreter) : interpreter_(std::move(interpreter)) {
    std::error_code error;
    paths_.push_back(env.native());
    const Path canonical = std::filesystem::canonical(env, error);
    if (!error && canonical != env) paths_.push_back(canonical.native());
  }

  Result<std::optional<std::string>> replace_content(const cache::TreeItem& item,
                                                     const Path& file) override {
    if (item.size_bytes > k_max_text_bytes) return std::optional<std::string>();
    RTENV_TRY(std::string text, read_file(file));
    if (item.path == k_config_file) {
      text = config_with_placeholders(text);
    } else if (std::ranges::none_of(paths_, [&](const std::string& path) {
                 return text.find(path) != std::string::npos;
               })) {
      return std::optional<std::string>();
    } else if (text.find('\0') != std::string::npos) {
      log::warn("{} contains the path of its environment and is archived unchanged", file.native());
      return std::optional<std::string>();
    }
    for (const std::string& path : paths_) replace_all(text, path, k_env_placeholder);
    use_plain_shebang(text);
    const std::lock_guard lock(mutex_);
    relocated_.insert(item.path);
    return std::optional(std::move(text));
  }

  Result<std::optional<std::string>> replace_link(const cache::TreeItem& item) override {
    const Path target(item.content);
    if (!target.is_absolute()) return std::optional(item.content);
    for (const std::string& path : paths_)
      if (item.content.starts_with(path + "/"))
        return std::optional(
            target.lexically_relative((Path(path) / item.path).parent_path()).native());
    const Path own(item.path);
    if (own.parent_path() == "bin" && own.filename().native().starts_with("python")) {
      interpreter_links_.insert(item.path);
      return std::optional<std::string>();
    }
    return std::optional(item.content);  // an absolute target: the writer refuses it
  }

  Result<json> properties() override {
    return json{{"interpreter", interpreter_},
                {"relocated", relocated_},
                {"interpreter_links", interpreter_links_}};
  }

 private:
  json interpreter_;                // as in the key's parts
  std::vector<std::string> paths_;  // the environment's: as given, and without symbolic links
  std::mutex mutex_;
  std::set<std::string> relocated_;
  std::set<std::string> interpreter_links_;
};

// Keeps the file's mode.
Result<void> overwrite(const Path& file, std::string_view text) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return fail_errno("inspect", file.native());
  RTENV_TRY(AtomicFile replaced, AtomicFile::create(file, status.st_mode & 0777U));
  RTENV_TRY(replaced.write(text));
  return replaced.commit(Durability::process);
}

// Writes a text whose placeholders are replaced by the paths of the environment and interpreter.
Result<void> relocate_file(const Path& file, std::string text, const Path& env,
                           const runtime_env::Interpreter& interpreter) {
  replace_all(text, k_env_placeholder, env.native());
  if (file.filename() == k_config_file) relocate_config(text, interpreter);
  use_shell_shebang_if_needed(text);
  return overwrite(file, text);
}

// Refuses a path from the manifest that leads out of the environment.
Result<Path> path_inside(const Path& folder, const std::string& name) {
  const Path path = Path(name).lexically_normal();
  if (path.empty() || path.is_absolute() || *path.begin() == "..")
    return fail(Errc::corrupt, "the archive's manifest names '{}', which isn't in the environment",
                name);
  return folder / path;
}

std::string description(const json& interpreter) {
  return fmt::format("{} {} ({}, {})", interpreter.value("implementation", "?"),
                     interpreter.value("version", "?"), interpreter.value("platform", "?"),
                     interpreter.value("libc", "?"));
}

// An archive may come from anybody who may write to the bucket. Its key must be that of what it
// says it was built from, or it would replace another environment.
Result<void> check_key(const Path& folder, const Path& final_path, const json& properties) {
  RTENV_TRY(const json parts, read_env_description(folder));
  const std::string digits = runtime_env::env_key_digits(json_text(parts));
  // A key may have a suffix for the interpreter.
  if (!final_path.filename().native().starts_with(digits))
    return fail(Errc::corrupt, "the archive's key is {}, but that of its description is {}",
                final_path.filename().native(), digits)
        .hint("write the archive again from the environment");
  if (parts.at("interpreter") != properties.at("interpreter"))
    return fail(Errc::corrupt,
                "the archive's manifest and description name different interpreters");
  return {};
}

Result<void> relocate(const Path& folder, const Path& final_path, const json& properties,
                      const runtime_env::Interpreter& interpreter) {
  if (properties.at("interpreter") != interpreter.key_part())
    return fail(Errc::invalid_argument, "the archive was built for {}, this is {}",
                description(properties.at("interpreter")), description(interpreter.key_part()))
        .hint("choose a matching interpreter, or build the environment here");
  RTENV_TRY(check_key(folder, final_path, properties));
  for (const std::string name : properties.at("relocated")) {
    RTENV_TRY(const Path file, path_inside(folder, name));
    RTENV_TRY(std::string text, read_file(file));
    RTENV_TRY(relocate_file(file, std::move(text), final_path, interpreter));
  }
  for (const std::string name : properties.at("interpreter_links")) {
    RTENV_TRY(const Path link, path_inside(folder, name));
    if (::symlink(interpreter.base_executable.c_str(), link.c_str()) != 0)
      return fail_errno("create link", link.native());
  }
  return protect_env(folder);
}

}  // namespace

Result<void> clone_env(const Path& env, const Path& target,
                       const runtime_env::Interpreter& interpreter) {
  RTENV_TRY(const auto filter, make_env_filter(env));
  RTENV_TRY(clone_tree(env, target));
  RTENV_TRY(const auto items, cache::list_tree(env, "__pycache__"));
  for (const cache::TreeItem& item : items) {
    if (!item.is_file()) continue;
    RTENV_TRY(auto text, filter->replace_content(item, env / item.path));
    if (text) RTENV_TRY(relocate_file(target / item.path, std::move(*text), target, interpreter));
  }
  return {};
}

Result<std::unique_ptr<cache::ArchiveFilter>> make_env_filter(const Path& env) {
  RTENV_TRY(const json key_parts, read_env_description(env));
  return std::make_unique<EnvFilter>(env, key_parts.at("interpreter"));
}

std::map<cache::Kind, cache::MakeArchiveFilter> archive_filters() {
  return {{cache::Kind::env, make_env_filter}};
}

cache::Relocate relocate_env_to(const runtime_env::Interpreter& interpreter) {
  return [&interpreter](const Path& folder, const Path& final_path,
                        const json& properties) -> Result<void> {
    try {
      return relocate(folder, final_path, properties, interpreter);
    } catch (const json::exception& error) {
      return fail(Errc::corrupt, "the archive's manifest is damaged: {}", error.what());
    }
  };
}

}  // namespace rtenv::envbuild
