#include "base/path_kind.hpp"
#include "pkg/package_name.hpp"
#include "remote/uri.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::runtime_env {
namespace {

enum class Field : std::uint8_t { working_dir, py_module };

Result<void> check_location(const std::string& text, Field field) {
  if (!remote::looks_like_uri(text)) {
    RTENV_TRY(path_kind(text));
    return {};
  }
  RTENV_TRY(const auto uri, remote::Uri::parse(text));
  const bool is_wheel = field == Field::py_module && uri.path.ends_with(".whl");
  const bool is_archive = is_wheel || pkg::is_remote_archive(uri.path);
  if (uri.scheme == remote::Scheme::local) {
    if (is_archive)
      return fail(Errc::invalid_argument, "{} names an archive; local:// is for directories",
                  uri.shown())
          .hint("use file:// for an archive");
    return {};
  }
  if (is_archive) return {};
  return fail(Errc::invalid_argument, "{} isn't an archive: unknown extension", uri.shown())
      .hint("use a URI that ends with .zip, .tar.gz, .tgz, .tar.xz, .tar.bz2, .tar.zst or .jar{}",
            field == Field::py_module ? ", or with .whl" : "");
}

}  // namespace

Result<void> check_locations(const RuntimeEnv& runtime_env) {
  if (runtime_env.working_dir) {
    auto checked = check_location(*runtime_env.working_dir, Field::working_dir);
    if (!checked) return Failure(std::move(checked).error().within("working_dir"));
  }
  for (std::size_t i = 0; i < runtime_env.py_modules.size(); ++i) {
    auto checked = check_location(runtime_env.py_modules[i], Field::py_module);
    if (!checked)
      return Failure(std::move(checked).error().within(fmt::format("py_modules[{}]", i)));
  }
  return {};
}

}  // namespace rtenv::runtime_env
