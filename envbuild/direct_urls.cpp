#include "envbuild/direct_urls.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/lines.hpp"
#include "base/redact.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

constexpr const char* k_file_name = "direct_url.json";
constexpr std::uint64_t k_max_bytes = 1U << 20U;
constexpr std::uint64_t k_max_record_bytes = 64U << 20U;

Result<void> replace_file(const Path& file, std::string_view text) {
  RTENV_TRY(AtomicFile out, AtomicFile::create(file, 0644));
  RTENV_TRY(out.write(text));
  return out.commit(Durability::process);
}

Result<void> correct_record(const Path& record, std::string_view changed,
                            std::string_view content) {
  auto text = read_file(record, k_max_record_bytes);
  if (!text) return {};  // the check of installed files says so
  std::string corrected;
  for (const std::string_view line : lines_of(*text)) {
    if (line.starts_with(fmt::format("{},", changed)))
      corrected +=
          fmt::format("{},sha256={},{}\n", changed,
                      base64_url(Sha256::of(std::as_bytes(std::span(content)))), content.size());
    else
      corrected += fmt::format("{}\n", line);
  }
  return replace_file(record, corrected);
}

Result<void> clean(const Path& info) {
  const auto text = read_file(info / k_file_name, k_max_bytes);
  if (!text) return {};
  const std::string without = without_credentials(*text);
  if (without == *text) return {};
  RTENV_TRY(replace_file(info / k_file_name, without));
  return correct_record(info / "RECORD",
                        fmt::format("{}/{}", info.filename().native(), k_file_name), without);
}

std::vector<Path> distributions_in(const Path& target, InstallForm form) {
  std::vector<Path> folders;
  if (form == InstallForm::folder) folders.push_back(target);
  if (form == InstallForm::virtual_env)
    for (const FolderEntry& python : readable_entries(target / "lib"))
      folders.push_back(python.path / "site-packages");
  std::vector<Path> found;
  for (const Path& folder : folders)
    for (const FolderEntry& entry : readable_entries(folder))
      if (entry.path.extension() == ".dist-info") found.push_back(entry.path);
  return found;
}

struct LocalSource {
  Path path;
  bool editable = false;
};

// Nullopt: it came from elsewhere. A local repository is one that can change like a remote one.
std::optional<LocalSource> local_source(const Path& info) {
  constexpr std::string_view k_scheme = "file://";
  const auto text = read_file(info / k_file_name, k_max_bytes);
  if (!text) return std::nullopt;
  const json noted = json_from_text(*text);
  if (!noted.is_object() || noted.contains("vcs_info")) return std::nullopt;
  const auto url = noted.find("url");
  if (url == noted.end() || !url->is_string()) return std::nullopt;
  const auto& value = url->get_ref<const std::string&>();
  if (!value.starts_with(k_scheme)) return std::nullopt;
  const Path path = percent_decode(std::string_view(value).substr(k_scheme.size()));
  const auto folder = noted.find("dir_info");
  const bool editable =
      folder != noted.end() && folder->is_object() && folder->value("editable", json()) == true;
  return LocalSource{.path = path.lexically_normal(), .editable = editable};
}

bool is_in(const Path& path, const Path& folder) {
  return path == folder || path.native().starts_with(folder.native() + "/");
}

}  // namespace

Result<void> remove_secrets_from_direct_urls(const Path& target, InstallForm form) {
  for (const Path& info : distributions_in(target, form)) RTENV_TRY(clean(info));
  return {};
}

Result<void> check_local_sources(const Path& target, InstallForm form,
                                 const std::vector<Path>& copies) {
  for (const Path& info : distributions_in(target, form)) {
    const auto source = local_source(info);
    if (!source) continue;
    if (source->editable)
      return fail(Errc::invalid_argument,
                  "{} was installed as editable: a link to a folder outside of the environment",
                  info.stem().native())
          .hint("remove `editable = true` from the project that requires it");
    if (std::ranges::any_of(copies, [&](const Path& copy) { return is_in(source->path, copy); }))
      continue;
    return fail(Errc::invalid_argument,
                "{} was required by another package and taken from {}, which isn't part of the "
                "environment's key",
                info.stem().native(), source->path.native())
        .hint(
            "list its folder in the packages, and name it without a path, or by one that is "
            "relative to the project, where it is required");
  }
  return {};
}

}  // namespace rtenv::envbuild
