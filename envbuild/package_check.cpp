#include "envbuild/package_check.hpp"

#include "base/file.hpp"
#include "pkg/inspect.hpp"
#include "pkg/package_name.hpp"
#include "pkg/unpack_budget.hpp"
#include "pkg/zip_reader.hpp"

namespace rtenv::envbuild {
namespace {

Failure other_name(const std::string& name, const std::string& computed) {
  return fail(Errc::corrupt, "the content of {} doesn't match its name: it is {}", name, computed)
      .hint("upload it again");
}

bool is_tar(std::string_view name) {
  return name.find(".tar") != name.npos || name.ends_with(".tgz");
}

Result<void> check_size(const Path& file, const pkg::UnpackLimits& limits) {
  RTENV_TRY(const pkg::ZipReader zip, pkg::ZipReader::open(file, limits));
  std::error_code error;
  pkg::UnpackBudget budget(limits, std::filesystem::file_size(file, error), nullptr);
  for (const pkg::ZipEntry& entry : zip.entries()) {
    RTENV_TRY(budget.add_entry());
    RTENV_TRY(budget.add_bytes(entry.size_bytes));
  }
  return {};
}

}  // namespace

Result<NameCheck> check_package(const Path& file, const std::string& name, const std::string& sha1,
                                const pkg::UnpackLimits& limits, const Cancellation* cancellation) {
  const auto expected = pkg::PackageName::parse(name);
  const bool names_bytes = expected && expected->scheme() == pkg::Scheme::archive;
  if (names_bytes && expected->digits() != sha1)
    return other_name(name, fmt::format("_ray_pkg_{}, by its SHA-1", sha1));
  if (is_tar(name)) {
    // As a job will do it: nothing else reads a whole tar.
    const Path trial = file.native() + ".unpacked";
    const auto unpacked =
        pkg::unpack(file, trial, {.limits = limits, .cancellation = cancellation});
    RTENV_TRY(remove_tree(trial));
    if (!unpacked) return Failure(unpacked.error());
    return names_bytes ? NameCheck::matches : NameCheck::unknown;
  }
  RTENV_TRY(check_size(file, limits));
  const bool names_tree = expected && !names_bytes;
  RTENV_TRY(const pkg::PackageName computed,
            pkg::name_of_package(file, names_tree ? expected->scheme() : pkg::Scheme::xxh3,
                                 {.limits = limits, .cancellation = cancellation}));
  if (names_bytes) return NameCheck::matches;
  if (!names_tree) return NameCheck::unknown;
  if (computed.digits() == expected->digits()) return NameCheck::matches;
  if (expected->scheme() == pkg::Scheme::ray) return NameCheck::unknown;
  return other_name(name, computed.file_name());
}

}  // namespace rtenv::envbuild
