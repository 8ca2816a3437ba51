#include "envbuild/env_description.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/json_text.hpp"
#include "runtime_env/env_key.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

constexpr const char* k_file_name = "rtenv-env.json";

}  // namespace

Result<void> write_env_description(const runtime_env::EnvKey& key, const Path& env) {
  RTENV_TRY(AtomicFile file, AtomicFile::create(env / k_file_name));
  const json description{{"key", key.digits}, {"parts", json_from_text(key.parts)}};
  RTENV_TRY(file.write(pretty_json_text(description) + "\n"));
  return file.commit(Durability::process);
}

Result<json> read_env_description(const Path& env) {
  RTENV_TRY(const std::string text, read_file(env / k_file_name));
  const json description = json_from_text(text);
  json parts = description.is_object() ? description.value("parts", json()) : json();
  if (!parts.is_object() || !parts.contains("interpreter"))
    return fail(Errc::corrupt, "{} isn't the description of an environment",
                (env / k_file_name).native());
  return parts;
}

}  // namespace rtenv::envbuild
