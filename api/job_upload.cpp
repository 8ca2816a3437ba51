#include "api/job_upload.hpp"

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/path_kind.hpp"
#include "pkg/package_name.hpp"
#include "remote/uri.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::api {

using nlohmann::json;

namespace {

// Replaces the path of a requirements file, which the server couldn't read, by the file's packages.
void inline_requirements(json& runtime_env, const runtime_env::RuntimeEnv& parsed) {
  for (const char* field : {"uv", "pip"}) {
    if (!runtime_env.contains(field)) continue;
    json& value = runtime_env[field];
    json& list = value.is_object() && value.contains("packages") ? value["packages"] : value;
    if (list.is_string())
      list = parsed.packages ? json(parsed.packages->requirements) : json::array();
  }
}

enum class Field : std::uint8_t { working_dir, py_module };

Result<void> check_kind(const std::string& source, PathKind kind, Field field) {
  if (kind == PathKind::folder || pkg::is_remote_archive(source)) return {};
  if (field == Field::working_dir)
    return fail(Errc::invalid_argument, "{} is neither a directory nor an archive", source)
        .hint("expected a directory, .zip, .tar.gz, .tgz or .tar.xz");
  if (Path(source).extension() == ".whl") return {};
  return fail(Errc::invalid_argument, "{} is neither a directory, nor a wheel, nor an archive",
              source);
}

// As Ray's client packs them, so that the names are the same; a module keeps its top folder.
Result<std::string> uploaded(const std::string& source, Field field, PushOptions options) {
  if (remote::looks_like_uri(source)) return source;
  RTENV_TRY(const PathKind kind, path_kind(source));
  RTENV_TRY(check_kind(source, kind, field));
  if (kind == PathKind::folder && field == Field::py_module)
    options.top_folder = std::filesystem::weakly_canonical(source).filename().native();
  RTENV_TRY(const Pushed pushed, push(source, "gcs://", options));
  log::info("{}",
            pushed.uploaded
                ? fmt::format("Uploaded package {} ({} bytes).", pushed.uri, pushed.size_bytes)
                : fmt::format("Package {} already exists, skipping upload.", pushed.uri));
  return pushed.uri;
}

}  // namespace

Result<json> checked_runtime_env(json runtime_env, const Path& base) {
  RTENV_TRY(auto parsed, runtime_env::parse_runtime_env(runtime_env, base));
  RTENV_TRY(runtime_env::check_locations(parsed));
  inline_requirements(runtime_env, parsed);
  if (parsed.working_dir) runtime_env["working_dir"] = std::move(*parsed.working_dir);
  if (!parsed.py_modules.empty()) runtime_env["py_modules"] = std::move(parsed.py_modules);
  return runtime_env;
}

Result<json> upload_runtime_env(json runtime_env, PushOptions options) {
  options.base.clear();  // paths were located when the runtime_env was checked
  options.scheme = Scheme::ray;
  options.excludes = runtime_env.value("excludes", std::vector<std::string>());
  if (runtime_env.contains("working_dir")) {
    json& value = runtime_env["working_dir"];
    RTENV_TRY(value, uploaded(value.get<std::string>(), Field::working_dir, options));
  }
  if (runtime_env.contains("py_modules"))
    for (json& module : runtime_env["py_modules"]) {
      RTENV_TRY(module, uploaded(module.get<std::string>(), Field::py_module, options));
    }
  return runtime_env;
}

}  // namespace rtenv::api
