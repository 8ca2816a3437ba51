#include "runtime_env/installer_settings.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/lines.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "runtime_env/installer_option.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

// '*' stands for any text.
struct Rule {
  std::string_view pattern;
  VariableUse use;
};
constexpr auto k_node = VariableUse::node;
constexpr auto k_credential = VariableUse::credential;
constexpr auto k_machine = VariableUse::machine;
constexpr auto k_setting = VariableUse::setting;
constexpr auto k_hidden = VariableUse::hidden;

// The first that matches decides.
constexpr std::array k_rules{
    // They would choose another environment than rtenv's, or another folder.
    Rule{"UV_PYTHON", k_hidden},
    Rule{"UV_PROJECT*", k_hidden},
    Rule{"UV_SYSTEM_PYTHON", k_hidden},
    Rule{"UV_TARGET", k_hidden},
    Rule{"UV_PREFIX", k_hidden},
    Rule{"UV_WORKING_DIR*", k_hidden},
    Rule{"UV_ENV_FILE", k_hidden},
    Rule{"UV_BREAK_SYSTEM_PACKAGES", k_hidden},
    Rule{"UV_VENV_*", k_hidden},
    Rule{"UV_TOOL_*", k_hidden},
    Rule{"UV_PUBLISH_*", k_hidden},
    Rule{"UV_LINK_MODE", k_hidden},
    Rule{"UV_COMPILE_BYTECODE", k_hidden},
    Rule{"PIP_TARGET", k_hidden},
    Rule{"PIP_PREFIX", k_hidden},
    Rule{"PIP_ROOT", k_hidden},
    Rule{"PIP_USER", k_hidden},
    Rule{"PIP_REQUIRE_VIRTUALENV", k_hidden},
    Rule{"PIP_PYTHON", k_hidden},
    Rule{"PIP_REQUIREMENT", k_hidden},
    Rule{"PIP_EDITABLE", k_hidden},
    Rule{"PIP_REPORT", k_hidden},
    Rule{"PIP_DRY_RUN", k_hidden},
    Rule{"PIP_BREAK_SYSTEM_PACKAGES", k_hidden},
    // How uv and pip run, and which caches they trust.
    Rule{"UV_CACHE_DIR", k_node},
    Rule{"UV_NO_CACHE", k_machine},
    Rule{"UV_OFFLINE", k_machine},
    Rule{"UV_HTTP_*", k_machine},
    Rule{"UV_REQUEST_TIMEOUT", k_machine},
    Rule{"UV_LOCK_TIMEOUT", k_machine},
    Rule{"UV_CONCURRENT_*", k_machine},
    Rule{"UV_STACK_SIZE", k_machine},
    Rule{"UV_KEYRING_PROVIDER", k_machine},
    Rule{"UV_INDEX_*_USERNAME", k_credential},
    Rule{"UV_INDEX_*_PASSWORD", k_credential},
    Rule{"UV_NATIVE_TLS", k_machine},
    Rule{"UV_SYSTEM_CERTS", k_machine},
    Rule{"UV_INSECURE_HOST", k_machine},
    Rule{"UV_NO_PROGRESS", k_machine},
    Rule{"UV_PREVIEW*", k_machine},
    Rule{"UV_LOG_CONTEXT", k_node},
    Rule{"UV_CREDENTIALS_DIR", k_node},
    Rule{"UV_NO_WRAP", k_machine},
    Rule{"UV_INSTALL_DIR", k_node},
    Rule{"UV_GITHUB_TOKEN", k_credential},
    Rule{"UV_UPLOAD_*", k_node},
    Rule{"PIP_CACHE_DIR", k_node},
    Rule{"PIP_NO_CACHE_DIR", k_machine},
    Rule{"PIP_CERT", k_machine},
    Rule{"PIP_CLIENT_CERT", k_machine},
    Rule{"PIP_PROXY", k_machine},
    Rule{"PIP_TIMEOUT", k_machine},
    Rule{"PIP_DEFAULT_TIMEOUT", k_machine},
    Rule{"PIP_RETRIES", k_machine},
    Rule{"PIP_QUIET", k_machine},
    Rule{"PIP_VERBOSE", k_machine},
    Rule{"PIP_NO_COLOR", k_machine},
    Rule{"PIP_PROGRESS_BAR", k_machine},
    Rule{"PIP_DISABLE_PIP_VERSION_CHECK", k_machine},
    Rule{"PIP_NO_INPUT", k_machine},
    Rule{"PIP_KEYRING_PROVIDER", k_machine},
    Rule{"PIP_LOG", k_node},
    Rule{"PIP_DEBUG", k_node},
    Rule{"PIP_ROOT_USER_ACTION", k_machine},
    Rule{"PIP_TRUSTED_HOST", k_machine},
    Rule{"PIP_NO_PYTHON_VERSION_WARNING", k_machine},
    Rule{"PIP_USE_FEATURE", k_machine},
    // What uv and pip install.
    Rule{"UV_*", k_setting},
    Rule{"PIP_*", k_setting},
    // Builds from source.
    Rule{"CC", k_setting},
    Rule{"CXX", k_setting},
    Rule{"CPP", k_setting},
    Rule{"FC", k_setting},
    Rule{"F77", k_setting},
    Rule{"F90", k_setting},
    Rule{"AR", k_setting},
    Rule{"AS", k_setting},
    Rule{"LD", k_setting},
    Rule{"NM", k_setting},
    Rule{"RANLIB", k_setting},
    Rule{"LDSHARED", k_setting},
    Rule{"LDCXXSHARED", k_setting},
    Rule{"CFLAGS", k_setting},
    Rule{"CXXFLAGS", k_setting},
    Rule{"CPPFLAGS", k_setting},
    Rule{"FFLAGS", k_setting},
    Rule{"FCFLAGS", k_setting},
    Rule{"LDFLAGS", k_setting},
    Rule{"ARFLAGS", k_setting},
    Rule{"ARCHFLAGS", k_setting},
    Rule{"LIBS", k_setting},
    Rule{"CPATH", k_setting},
    Rule{"C_INCLUDE_PATH", k_setting},
    Rule{"CPLUS_INCLUDE_PATH", k_setting},
    Rule{"LIBRARY_PATH", k_setting},
    Rule{"PKG_CONFIG*", k_setting},
    Rule{"CMAKE_*", k_setting},
    Rule{"SKBUILD*", k_setting},
    Rule{"MESON*", k_setting},
    Rule{"SETUPTOOLS_*", k_setting},
    Rule{"DISTUTILS_*", k_setting},
    Rule{"PBR_*", k_setting},
    Rule{"HATCH_*", k_setting},
    Rule{"PDM_*", k_setting},
    Rule{"POETRY_*", k_setting},
    Rule{"CYTHON*", k_setting},
    Rule{"MYPYC_*", k_setting},
    Rule{"NPY_*", k_setting},
    Rule{"NUMPY_*", k_setting},
    Rule{"OPENBLAS", k_setting},
    Rule{"OPENBLAS_HOME", k_setting},
    Rule{"OPENBLAS_ROOT", k_setting},
    Rule{"BLAS*", k_setting},
    Rule{"LAPACK*", k_setting},
    Rule{"MKLROOT", k_setting},
    Rule{"MKL_ROOT", k_setting},
    Rule{"HDF5_*", k_setting},
    Rule{"GDAL_*", k_setting},
    Rule{"GEOS_*", k_setting},
    Rule{"PROJ_*", k_setting},
    Rule{"GRPC_PYTHON_*", k_setting},
    Rule{"RUSTFLAGS", k_setting},
    Rule{"MATURIN_*", k_setting},
    Rule{"PYO3_*", k_setting},
    Rule{"CUDACXX", k_setting},
    Rule{"CUDAFLAGS", k_setting},
    Rule{"CUDAARCHS", k_setting},
    Rule{"CUDAHOSTCXX", k_setting},
    Rule{"CUDA_HOME", k_setting},
    Rule{"CUDA_PATH", k_setting},
    Rule{"CUDA_ROOT", k_setting},
    Rule{"CUDA_ARCH*", k_setting},
    Rule{"CUDA_TOOLKIT_*", k_setting},
    Rule{"CUDNN_*", k_setting},
    Rule{"NCCL_HOME", k_setting},
    Rule{"NCCL_ROOT*", k_setting},
    Rule{"NCCL_INCLUDE_DIR", k_setting},
    Rule{"NCCL_LIB*", k_setting},
    Rule{"NVCC*", k_setting},
    Rule{"FORCE_CUDA", k_setting},
    Rule{"TORCH_CUDA_ARCH_LIST", k_setting},
    Rule{"TORCH_DONT_*", k_setting},
    Rule{"PYTORCH_BUILD_*", k_setting},
    Rule{"PYTORCH_ROCM_ARCH", k_setting},
    Rule{"ROCM_HOME", k_setting},
    Rule{"ROCM_PATH", k_setting},
    Rule{"HIP_HOME", k_setting},
    Rule{"HIP_PATH", k_setting},
    Rule{"HIPFLAGS", k_setting},
    Rule{"FLASH_ATTENTION_*", k_setting},
    Rule{"FLASH_ATTN_*", k_setting},
    Rule{"XFORMERS_*", k_setting},
    Rule{"DS_BUILD_*", k_setting},
    Rule{"VLLM_TARGET_DEVICE", k_setting},
    Rule{"VLLM_USE_PRECOMPILED*", k_setting},
    Rule{"VLLM_PRECOMPILED_*", k_setting},
    Rule{"VLLM_VERSION_OVERRIDE", k_setting},
    Rule{"HOROVOD_*", k_setting},
    Rule{"TF_NEED_*", k_setting},
    Rule{"TF_CUDA_*", k_setting},
    Rule{"TF_SYSTEM_LIBS", k_setting},
    Rule{"USE_*", k_setting},
    Rule{"WITH_*", k_setting},
    Rule{"SOURCE_DATE_EPOCH", k_setting},
    // The machine.
    Rule{"RTENV_*", k_node},
    Rule{"PATH", k_machine},
    Rule{"HOME", k_machine},
    Rule{"USER", k_node},
    Rule{"LOGNAME", k_node},
    Rule{"SHELL", k_node},
    Rule{"TERM", k_node},
    Rule{"TZ", k_node},
    Rule{"LANG", k_node},
    Rule{"LANGUAGE", k_node},
    Rule{"LC_*", k_node},
    Rule{"TMPDIR", k_node},
    Rule{"TMP", k_node},
    Rule{"TEMP", k_node},
    Rule{"XDG_*", k_machine},
    Rule{"LD_LIBRARY_PATH", k_machine},
    Rule{"MAKEFLAGS", k_machine},
    Rule{"MAX_JOBS", k_machine},
    Rule{"CARGO_BUILD_*", k_setting},
    Rule{"CARGO_ENCODED_RUSTFLAGS", k_setting},
    Rule{"CARGO_PROFILE_*", k_setting},
    Rule{"CARGO_TARGET_*", k_setting},
    Rule{"CARGO_*", k_machine},
    Rule{"RUSTUP_*", k_machine},
    Rule{"CCACHE_*", k_machine},
    Rule{"SCCACHE_*", k_machine},
    Rule{"*_PROXY", k_machine},
    Rule{"*_proxy", k_machine},
    Rule{"SSL_CERT_*", k_machine},
    Rule{"REQUESTS_CA_BUNDLE", k_machine},
    Rule{"CURL_CA_BUNDLE", k_machine},
    Rule{"NETRC", k_credential},
    Rule{"SSH_AUTH_SOCK", k_credential},
    Rule{"SSH_*", k_machine},
    Rule{"GIT_*", k_machine},
    Rule{"AWS_ENDPOINT_*", k_machine},
    Rule{"AWS_*", k_credential},
    Rule{"GOOGLE_*", k_credential},
    Rule{"AZURE_*", k_credential},
    Rule{"PYTHON_KEYRING_*", k_credential},
    Rule{"DBUS_SESSION_BUS_ADDRESS", k_credential},
};

constexpr std::array<std::string_view, 7> k_secret_words{
    "TOKEN", "PASSWORD", "PASSWD", "SECRET", "CREDENTIAL", "API_KEY", "HTTP_BASIC"};

bool matches(std::string_view pattern, std::string_view name) noexcept {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return name == pattern;
  const std::string_view end = pattern.substr(star + 1);
  return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) &&
         name.ends_with(end);
}

bool concerns(InstallerKind installer, std::string_view name) {
  if (name.starts_with("UV_")) return installer == InstallerKind::uv;
  if (name.starts_with("PIP_")) return installer == InstallerKind::pip;
  return true;
}

// A variable's value for the installer, and its part of the key.
struct Setting {
  std::string value;
  json part;
};

// An item of a value that lists files, folders or URLs.
Result<Setting> read_item(OptionUse use, const std::string& item, const ResolveContext& context) {
  const auto path = existing_path(item);
  if (path) RTENV_TRY(context.check_path(*path));
  if (use == OptionUse::list && (path || item.find("://") == std::string::npos)) {
    RTENV_TRY(const ResolvedList list, resolve_list(item, context));
    return Setting{path_mark(list.input), json_from_text(list.key_part)};
  }
  if (use == OptionUse::index && path && context.variables.in_working_dir(*path)) {
    RTENV_TRY(json content, content_line(*path));
    return Setting{item, std::move(content)};
  }
  std::error_code error;
  if (use == OptionUse::line && path && std::filesystem::is_directory(*path, error)) {
    RTENV_TRY(const auto input, context.inputs.add(LocalInput::Kind::package_folder, *path));
    return Setting{path_mark(input), context.inputs[input].content};
  }
  if (use == OptionUse::other && path && std::filesystem::is_regular_file(*path, error)) {
    RTENV_TRY(json content, content_line(*path));
    return Setting{item, std::move(content)};
  }
  return Setting{item, without_credentials(item)};
}

OptionUse use_of_items(std::string_view name) {
  // "-c" may be a line of a list; a variable names a list.
  return name.ends_with("_CONSTRAINT") ? OptionUse::list : option_use_of_variable(name);
}

// Items are separated by spaces or commas; where they are only paths, also by colons.
Result<Setting> read_setting(std::string_view name, std::string_view value,
                             const ResolveContext& context) {
  const OptionUse use = use_of_items(name);
  // A path may have blanks.
  if (existing_path(value)) return read_item(use, std::string(value), context);
  const std::string_view separators = use == OptionUse::other ? " ,:" : " ,";
  Setting setting{.value = {}, .part = json::array()};
  bool counts_by_content = false;
  while (!value.empty()) {
    const auto end = std::min(value.find_first_of(separators), value.size());
    if (end == 0) {
      setting.value += value.front();
      value.remove_prefix(1);
      continue;
    }
    const std::string item(value.substr(0, end));
    value.remove_prefix(end);
    RTENV_TRY(Setting found, read_item(use, item, context));
    counts_by_content = counts_by_content || found.part != json(without_credentials(item));
    setting.value += found.value;
    setting.part.push_back(std::move(found.part));
  }
  if (!counts_by_content) setting.part = without_credentials(setting.value);
  return setting;
}

// Of a pip.conf, without sections, comments, and options that only say how pip runs here.
std::string counted_lines(std::string_view text) {
  std::string counted;
  for (const std::string_view line : lines_of(text)) {
    const std::string name = "--" + std::string(trim(line.substr(0, line.find_first_of("=:"))));
    const bool is_setting =
        !trim(line).empty() &&
        std::string_view("[#;").find(trim(line).front()) == std::string_view::npos;
    const bool continues = is_setting && (line.front() == ' ' || line.front() == '\t');
    const OptionUse use = read_option(std::span(&name, 1)).use;
    const bool is_counted = use != OptionUse::how_it_runs && use != OptionUse::servers;
    if (continues || (is_setting && is_counted)) (counted += line) += '\n';
  }
  return counted;
}

// They are copies for one environment.
bool names_local_inputs(std::string_view name, std::string_view value) {
  const OptionUse use = use_of_items(name);
  return value.find("://") == std::string_view::npos &&
         (use == OptionUse::list || use == OptionUse::line);
}

}  // namespace

VariableUse variable_use(std::string_view name) {
  // pip reads PIP_target as PIP_TARGET.
  const std::string known = name.starts_with("PIP_") ? upper_ascii(name) : std::string(name);
  const auto* const rule =
      std::ranges::find_if(k_rules, [&](const Rule& row) { return matches(row.pattern, known); });
  if (rule == k_rules.end()) return VariableUse::hidden;
  // What is secret never counts: a key's parts can be read by others.
  const bool is_secret = std::ranges::any_of(k_secret_words, [&](std::string_view word) {
    return name.find(word) != std::string_view::npos;
  });
  if (rule->use != VariableUse::setting || !is_secret) return rule->use;
  return name.starts_with("UV_") || name.starts_with("PIP_") ? VariableUse::credential
                                                             : VariableUse::hidden;
}

Result<InstallerSettings> installer_settings(const ResolveContext& context, InstallerKind installer,
                                             const std::vector<std::string>& names) {
  const Variables& variables = context.variables;
  InstallerSettings settings;
  const auto use_of = [&](std::string_view name) {
    const bool named = std::ranges::find(names, name) != names.end();
    return named ? VariableUse::setting : variable_use(name);
  };
  const auto take = [&](const auto& values) {
    for (const auto& [name, value] : values)
      if (concerns(installer, name) && use_of(name) != VariableUse::hidden)
        settings.environment.set(name, value);
  };
  take(variables.node().values());
  take(variables.env_vars());
  json parts = json::object();
  const auto take_own = [&](const std::string& name) {
    settings.environment.unset(name);
    if (const auto own = variables.node().find(name))
      settings.environment.set(name, std::string(*own));
  };
  for (const auto& [name, value] : variables.env_vars()) {
    // rtenv reads some of the files that variables name, and installers the others.
    const bool is_given = settings.environment.find(name) == value &&
                          use_of(name) != VariableUse::node && variables.node().find(name) != value;
    if (const auto path = existing_path(value); path && is_given)
      if (auto seen = context.check_path(*path); !seen) {
        if (name != "HOME" && !name.starts_with("XDG_"))
          return Failure(std::move(seen).error().within(name));
        take_own(name);
      }
    if (use_of(name) == VariableUse::machine && variables.node().find(name) != value)
      parts[name] = "sha256:" + sha256_hex(without_credentials(value));
    // Which programs rtenv runs, and which caches it trusts, isn't a job's choice.
    if (use_of(name) != VariableUse::node) continue;
    take_own(name);
  }
  const Environment seen = settings.environment;
  const ResolveContext of_node{variables, context.fetch, context.inputs};
  for (const auto& [name, value] : seen.values()) {
    if (use_of(name) != VariableUse::setting) continue;
    if (value.empty()) {
      settings.environment.unset(name);  // a build could tell that it is set
      continue;
    }
    const bool is_of_job = variables.env_vars().contains(name);
    auto setting = read_setting(name, value, is_of_job ? context : of_node);
    if (!setting) return Failure(std::move(setting).error().within(name));
    parts[name] = std::move(setting->part);
    settings.environment.set(name, std::move(setting->value));
  }
  for (const Path& file : configuration_files(settings.environment, installer)) {
    const auto text = read_file(file);
    if (!text && text.error().code() == Errc::not_found) continue;
    if (!text) return Failure(text.error());
    const std::string counted = installer == InstallerKind::uv ? *text : counted_lines(*text);
    if (counted.empty()) continue;
    parts["files"].push_back("sha256:" + sha256_hex(without_credentials(counted)));
  }
  settings.key_part = json_text(parts);
  return settings;
}

std::vector<Path> configuration_files(const Environment& environment, InstallerKind installer) {
  const bool uv = installer == InstallerKind::uv;
  // What turns them off.
  if (uv ? environment.find_filled("UV_NO_CONFIG").has_value()
         : environment.find_filled("PIP_CONFIG_FILE") == "/dev/null")
    return {};
  const Path below = uv ? "uv/uv.toml" : "pip/pip.conf";
  std::vector<Path> files{uv ? "/etc/uv/uv.toml" : "/etc/pip.conf"};
  const auto home = environment.find_filled("HOME");
  if (const auto config = environment.find_filled("XDG_CONFIG_HOME"))
    files.push_back(Path(*config) / below);
  else if (home)
    files.push_back(Path(*home) / ".config" / below);
  if (home && !uv) files.push_back(Path(*home) / ".pip/pip.conf");
  std::string_view rest = environment.find_filled("XDG_CONFIG_DIRS").value_or("/etc/xdg");
  while (!rest.empty()) {
    const auto end = rest.find(':');
    files.push_back(Path(rest.substr(0, end)) / below);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return files;
}

Environment with_machine_variables(const Environment& settings, const Environment& machine) {
  Environment result;
  for (const auto& [name, value] : settings.values())
    if (variable_use(name) == VariableUse::setting && !names_local_inputs(name, value))
      result.set(name, value);
  for (const auto& [name, value] : machine.values())
    if (const auto use = variable_use(name);
        use == VariableUse::node || use == VariableUse::credential || use == VariableUse::machine)
      result.set(name, value);
  return result;
}

}  // namespace rtenv::runtime_env
