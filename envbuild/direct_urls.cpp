#include "envbuild/direct_urls.hpp"

#include <span>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/lines.hpp"
#include "base/redact.hpp"

namespace rtenv::envbuild {
namespace {

constexpr const char* k_file_name = "direct_url.json";

Result<void> replace_file(const Path& file, std::string_view text) {
  RTENV_TRY(AtomicFile out, AtomicFile::create(file, 0644));
  RTENV_TRY(out.write(text));
  return out.commit(Durability::process);
}

Result<void> correct_record(const Path& record, std::string_view changed,
                            std::string_view content) {
  auto text = read_file(record);
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
  const auto text = read_file(info / k_file_name);
  if (!text) return {};
  const std::string without = without_credentials(*text);
  if (without == *text) return {};
  RTENV_TRY(replace_file(info / k_file_name, without));
  return correct_record(info / "RECORD",
                        fmt::format("{}/{}", info.filename().native(), k_file_name), without);
}

}  // namespace

Result<void> remove_secrets_from_direct_urls(const Path& target, InstallForm form) {
  std::error_code error;
  std::vector<Path> folders;
  if (form == InstallForm::folder) folders.push_back(target);
  if (form == InstallForm::virtual_env)
    for (const auto& python : std::filesystem::directory_iterator(target / "lib", error))
      folders.push_back(python.path() / "site-packages");
  for (const Path& folder : folders)
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
      if (entry.path().extension() == ".dist-info") RTENV_TRY(clean(entry.path()));
  return {};
}

}  // namespace rtenv::envbuild
