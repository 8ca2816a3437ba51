#include "runtime_env/interpreter.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/program.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

constexpr auto k_query_timeout = std::chrono::seconds(30);

constexpr const char* k_query = R"py(
import json, platform, sys, sysconfig
print(json.dumps({
    "executable": sys.executable,
    "base_executable": getattr(sys, "_base_executable", None) or sys.executable,
    "site_packages": sysconfig.get_path("purelib"),
    "implementation": sys.implementation.name,
    "version": platform.python_version(),
    "abi": sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag,
    "platform": sysconfig.get_platform(),
    "libc": " ".join(platform.libc_ver()).strip(),
}))
)py";

std::string first_line(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  return std::string(text.substr(0, text.find_first_of(" \t\r\n")));
}

// In pyenv's order: PYENV_VERSION, .python-version in the current folder or one above it, the
// global version.
std::optional<std::string> pyenv_version(const Path& pyenv_root, const Environment& environment) {
  if (const auto version = environment.find_filled("PYENV_VERSION"))
    return std::string(version->substr(0, version->find(':')));
  std::error_code error;
  for (Path folder = std::filesystem::current_path(error);; folder = folder.parent_path()) {
    if (const auto text = read_file(folder / ".python-version")) return first_line(*text);
    if (folder == folder.parent_path()) break;
  }
  if (const auto text = read_file(pyenv_root / "version")) return first_line(*text);
  return std::nullopt;
}

// A shim is a shell script that takes 100 ms to find the interpreter, every time. The same answer
// is in plain files.
Path resolve_pyenv_shim(const Path& program, const Environment& environment) {
  const Path shims = program.parent_path();
  if (shims.filename() != "shims") return program;
  const Path pyenv_root = shims.parent_path();
  const auto version = pyenv_version(pyenv_root, environment);
  if (!version || *version == "system") return program;
  const Path real = pyenv_root / "versions" / *version / "bin" / program.filename();
  std::error_code error;
  return std::filesystem::exists(real, error) ? real : program;
}

// Changes whenever the file does.
Result<json> file_identity(const Path& program) {
  struct stat status {};
  if (::stat(program.c_str(), &status) != 0) return fail_errno("read", program.native());
  return json::array({status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                      status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec});
}

std::optional<Interpreter> from_json(const json& value) {
  const auto text = [&](const char* key) { return value.at(key).get<std::string>(); };
  try {
    return Interpreter{.executable = text("executable"),
                       .base_executable = text("base_executable"),
                       .site_packages = text("site_packages"),
                       .implementation = text("implementation"),
                       .version = text("version"),
                       .abi = text("abi"),
                       .platform = text("platform"),
                       .libc = text("libc")};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

Result<json> query(const Path& program, Environment environment, const Cancellation* cancellation) {
  environment.unset("PYTHONHOME");
  environment.unset("PYTHONPATH");
  const SpawnOptions spawn{.argv = {program.native(), "-I", "-c", k_query},
                           .environment = std::move(environment),
                           .working_dir = {},
                           .keep_fds = {}};
  RTENV_TRY(const Captured answer,
            run_captured(spawn, {.deadline = std::chrono::steady_clock::now() + k_query_timeout,
                                 .cancellation = cancellation}));
  const auto brace = answer.output.find('{');
  if (answer.state.succeeded() && brace != std::string::npos) {
    json value = json_from_text(answer.output.substr(brace));
    if (from_json(value)) return value;
  }
  return fail(Errc::invalid_argument, "{} isn't a working Python: {}", program.native(),
              answer.timed_out ? "it didn't answer in time" : answer.state.describe());
}

std::string program_name(const std::optional<std::string>& requested,
                         const Environment& environment) {
  if (requested) {
    const bool version =
        !requested->empty() && requested->find_first_not_of("0123456789.") == std::string::npos;
    return version ? "python" + *requested : *requested;
  }
  return std::string(environment.find_filled("RTENV_PYTHON").value_or("python3"));
}

}  // namespace

std::optional<std::string> located_python(std::optional<std::string> requested, const Path& base) {
  if (!requested || requested->find('/') == std::string::npos) return requested;
  return (base / *requested).native();
}

void locate_python(Environment& environment, const Path& base) {
  const auto named = environment.find_filled("RTENV_PYTHON");
  if (named) environment.set("RTENV_PYTHON", *located_python(std::string(*named), base));
}

std::vector<Path> Interpreter::needed_paths() const {
  std::error_code error;
  const Path program = std::filesystem::canonical(base_executable, error);
  // "/usr" of "/usr/bin/python3". Not as a whole: it may be ~/.local, which has other things, too.
  const Path prefix = program.parent_path().parent_path();
  std::vector<Path> paths{base_executable, program, site_packages};
  for (const char* folder : {"lib", "lib32", "lib64", "include", "ssl", "etc"})
    paths.push_back(prefix / folder);
  if (program.parent_path().filename() == "bin") paths.push_back(program.parent_path());
  const Path virtual_env = executable.parent_path().parent_path();
  if (std::filesystem::exists(virtual_env / "pyvenv.cfg", error)) paths.push_back(virtual_env);
  return paths;
}

json Interpreter::key_part() const {
  return {{"implementation", implementation},
          {"version", version},
          {"abi", abi},
          {"platform", platform},
          {"libc", libc}};
}

Result<Interpreter> find_interpreter(const std::optional<std::string>& requested,
                                     const Environment& environment, const Path& query_cache,
                                     const Cancellation* cancellation) {
  const std::string name = program_name(requested, environment);
  auto found = find_program(name, environment);
  if (!found)
    return Failure(std::move(found)
                       .error()
                       .within("no Python found")
                       .with_hint("install one (Debian: apt-get install python3), or name one: "
                                  "RTENV_PYTHON=PATH"));
  const Path program = resolve_pyenv_shim(std::filesystem::absolute(*found), environment);
  RTENV_TRY(const json identity, file_identity(program));

  const Path cached = query_cache / (sha256_hex(program.native()).substr(0, 32) + ".json");
  if (const auto text = read_file(cached)) {
    const json value = json_from_text(*text);
    if (value.is_object() && value.value("identity", json()) == identity)
      if (auto interpreter = from_json(value.value("answer", json())))
        return std::move(*interpreter);
  }

  RTENV_TRY(const json answer, query(program, environment, cancellation));
  auto interpreter = from_json(answer);
  // The answer of a program that runs another one (a shim) isn't cached: it may run a different one
  // the next time.
  std::error_code error;
  if (std::filesystem::equivalent(interpreter->executable, program, error)) {
    const auto store = [&]() -> Result<void> {
      RTENV_TRY(make_directory(query_cache));
      RTENV_TRY(AtomicFile file, AtomicFile::create(cached));
      RTENV_TRY(file.write(json_text({{"identity", identity}, {"answer", answer}})));
      return file.commit();
    };
    if (const auto stored = store(); !stored) log::debug("{}", stored.error().message());
  }
  return std::move(*interpreter);
}

}  // namespace rtenv::runtime_env
