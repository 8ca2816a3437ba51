#include "envbuild/env_pack.hpp"

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
#include "envbuild/env_protection.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

// Scripts and .pth files are small; what is larger isn't text that names a path.
constexpr std::uint64_t k_max_text_bytes = 1U << 20U;
// Of a first line, as the kernels that are in use still cut it.
constexpr std::size_t k_max_shebang_bytes = 127;

constexpr std::string_view k_env_name = "/@RTENV_ENV@";
constexpr const char* k_config_file = "pyvenv.cfg";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// Lines of pyvenv.cfg that say where the interpreter is, and the names that stand for it.
struct ConfigKey {
  std::string_view key;
  std::string_view name;
};
constexpr std::array<ConfigKey, 5> k_config_keys{{{"home", "@RTENV_PYTHON_HOME@"},
                                                  {"executable", "@RTENV_PYTHON@"},
                                                  {"base-executable", "@RTENV_PYTHON@"},
                                                  {"base-prefix", "@RTENV_PYTHON_PREFIX@"},
                                                  {"base-exec-prefix", "@RTENV_PYTHON_PREFIX@"}}};

std::string named_config(std::string_view text) {
  std::string result;
  for (const std::string_view line : lines_of(text)) {
    const std::string_view key = line.substr(0, line.find_first_of(" ="));
    if (key == "command")
      continue;  // how the standard library's venv was called: a path of this machine
    const auto* const known = std::ranges::find(k_config_keys, key, &ConfigKey::key);
    result +=
        known == k_config_keys.end() ? std::string(line) : fmt::format("{} = {}", key, known->name);
    result += '\n';
  }
  return result;
}

void relocate_config(std::string& text, const runtime_env::Interpreter& interpreter) {
  const Path home = interpreter.base_executable.parent_path();
  replace_all(text, "@RTENV_PYTHON_HOME@", home.native());
  replace_all(text, "@RTENV_PYTHON_PREFIX@", home.parent_path().native());
  replace_all(text, "@RTENV_PYTHON@", interpreter.base_executable.native());
}

// A first line that is too long for a kernel, or whose path has a space, is one of sh that starts
// the same program and that Python reads as a text without meaning: as pip and uv write it, each
// with quotes of its own.
constexpr std::string_view k_sh_begin = "#!/bin/sh\n'''exec' ";
constexpr std::string_view k_sh_end = " \"$0\" \"$@\"\n' '''";

// To the line that it stands for: in a pack, the path is short.
void to_plain_shebang(std::string& text) {
  if (!text.starts_with(k_sh_begin)) return;
  const auto end = text.find(k_sh_end);
  if (end == std::string::npos) return;
  std::string line = text.substr(k_sh_begin.size(), end - k_sh_begin.size());
  if (const char quote = line.empty() ? '\0' : line.front(); quote == '"' || quote == '\'') {
    const auto close = line.find(quote, 1);
    if (close == std::string::npos) return;
    line = line.substr(1, close - 1) + line.substr(close + 1);
  }
  text.replace(0, end + k_sh_end.size(), "#!" + line);
}

// Back, where it must be.
void mend_shebang(std::string& text) {
  constexpr std::string_view k_python = "/bin/python";
  if (!text.starts_with("#!/")) return;
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string line = text.substr(2, end - 2);
  const auto python = line.find(k_python);
  if (python == std::string::npos) return;
  const auto program_end = std::min(line.find(' ', python + k_python.size()), line.size());
  if (end <= k_max_shebang_bytes && line.find(' ') >= program_end) return;
  text.replace(0, end,
               fmt::format("{}\"{}\"{}{}", k_sh_begin, line.substr(0, program_end),
                           line.substr(program_end), k_sh_end));
}

class EnvPackFilter final : public cache::ArchiveFilter {
 public:
  EnvPackFilter(const Path& env, json parts) : parts_(std::move(parts)) {
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
      text = named_config(text);
    } else if (std::ranges::none_of(paths_, [&](const std::string& path) {
                 return text.find(path) != std::string::npos;
               })) {
      return std::optional<std::string>();
    } else if (text.find('\0') != std::string::npos) {
      log::warn("{} holds the path of its environment and is packed as it is", file.native());
      return std::optional<std::string>();
    }
    for (const std::string& path : paths_) replace_all(text, path, k_env_name);
    to_plain_shebang(text);
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
    return std::optional(item.content);  // refused by who packs
  }

  Result<json> properties() override {
    return json{{"interpreter", parts_.at("interpreter")},
                {"relocated", relocated_},
                {"interpreter_links", interpreter_links_}};
  }

 private:
  json parts_;                      // of the key
  std::vector<std::string> paths_;  // under which its files may know it
  std::mutex mutex_;
  std::set<std::string> relocated_;
  std::set<std::string> interpreter_links_;
};

Result<void> write_again(const Path& file, std::string_view text) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return fail_errno("look at", file.native());
  RTENV_TRY(AtomicFile replaced, AtomicFile::create(file, status.st_mode & 0777U));
  RTENV_TRY(replaced.write(text));
  return replaced.commit(Durability::process);
}

// Puts an environment's path and interpreter into a text that has names in their places.
Result<void> relocate_file(const Path& file, std::string text, const Path& env,
                           const runtime_env::Interpreter& interpreter) {
  replace_all(text, k_env_name, env.native());
  if (file.filename() == k_config_file) relocate_config(text, interpreter);
  mend_shebang(text);
  return write_again(file, text);
}

// A name in the manifest leads to within the environment, or it isn't ours.
Result<Path> checked(const Path& folder, const std::string& name) {
  const Path path = Path(name).lexically_normal();
  if (path.empty() || path.is_absolute() || *path.begin() == "..")
    return fail(Errc::corrupt, "the pack's manifest names '{}', which isn't in the environment",
                name);
  return folder / path;
}

std::string shown(const json& interpreter) {
  return fmt::format("{} {} ({}, {})", interpreter.value("implementation", "?"),
                     interpreter.value("version", "?"), interpreter.value("platform", "?"),
                     interpreter.value("libc", "?"));
}

Result<void> settle(const Path& folder, const Path& final_path, const json& properties,
                    const runtime_env::Interpreter& interpreter) {
  if (properties.at("interpreter") != interpreter.key_part())
    return fail(Errc::invalid_argument, "the pack was made for {}, this is {}",
                shown(properties.at("interpreter")), shown(interpreter.key_part()))
        .hint("name another interpreter by --python, or build the environment here");
  for (const std::string name : properties.at("relocated")) {
    RTENV_TRY(const Path file, checked(folder, name));
    RTENV_TRY(std::string text, read_file(file));
    RTENV_TRY(relocate_file(file, std::move(text), final_path, interpreter));
  }
  for (const std::string name : properties.at("interpreter_links")) {
    RTENV_TRY(const Path link, checked(folder, name));
    if (::symlink(interpreter.base_executable.c_str(), link.c_str()) != 0)
      return fail_errno("make link", link.native());
  }
  return protect_env(folder);
}

}  // namespace

Result<void> clone_env(const Path& env, const Path& target,
                       const runtime_env::Interpreter& interpreter) {
  RTENV_TRY(const auto filter, make_env_pack_filter(env));
  RTENV_TRY(clone_tree(env, target));
  RTENV_TRY(const auto items, cache::list_tree(env, "__pycache__"));
  for (const cache::TreeItem& item : items) {
    if (!item.is_file()) continue;
    RTENV_TRY(auto text, filter->replace_content(item, env / item.path));
    if (text) RTENV_TRY(relocate_file(target / item.path, std::move(*text), target, interpreter));
  }
  return {};
}

Result<void> describe_env(const runtime_env::EnvKey& key, const Path& env) {
  RTENV_TRY(AtomicFile file, AtomicFile::create(env / k_env_description));
  const json description{{"key", key.digits}, {"parts", key.parts}};
  RTENV_TRY(file.write(pretty_json_text(description) + "\n"));
  return file.commit(Durability::process);
}

Result<json> env_description(const Path& env) {
  RTENV_TRY(const std::string text, read_file(env / k_env_description));
  const json description = json_from_text(text);
  json parts = description.is_object() ? description.value("parts", json()) : json();
  if (!parts.is_object() || !parts.contains("interpreter"))
    return fail(Errc::corrupt, "{} isn't what rtenv wrote there",
                (env / k_env_description).native());
  return parts;
}

Result<std::unique_ptr<cache::ArchiveFilter>> make_env_pack_filter(const Path& env) {
  RTENV_TRY(json parts, env_description(env));
  return std::make_unique<EnvPackFilter>(env, std::move(parts));
}

Result<void> relocate_env(const Path& folder, const Path& final_path, const json& properties,
                          const runtime_env::Interpreter& interpreter) {
  try {
    return settle(folder, final_path, properties, interpreter);
  } catch (const json::exception& error) {
    return fail(Errc::corrupt, "the pack's manifest is damaged: {}", error.what());
  }
}

}  // namespace rtenv::envbuild
