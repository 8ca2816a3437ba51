#include <string>
#include <vector>

#include "base/parallel.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/unpack_formats.hpp"
#include "pkg/zip_format.hpp"
#include "pkg/zip_reader.hpp"

namespace rtenv::pkg {
namespace {

struct Worker {
  Result<std::unique_ptr<UnpackTarget>> target;
  Inflater inflater;
};

Result<void> unpack_entry(const ZipReader& zip, const ZipEntry& entry, const std::string& path,
                          Worker& worker, UnpackBudget& budget) {
  if (!worker.target) return Failure(worker.target.error());
  UnpackTarget& target = **worker.target;
  if (entry.is_directory()) {
    budget.count_directory();
    return target.make_directory(path, folder_permissions(entry.mode));
  }
  if (entry.is_link()) {
    RTENV_TRY(const std::string link_target, zip.read_link(entry, worker.inflater));
    RTENV_TRY(check_link(path, link_target));
    budget.count_link();
    return target.make_link(path, link_target);
  }
  RTENV_TRY(const mode_t permissions, checked_permissions(path, entry.mode));
  RTENV_TRY(target.begin_file(path, permissions));
  RTENV_TRY(zip.read(entry, worker.inflater, [&](std::span<const std::byte> data) -> Result<void> {
    RTENV_TRY(budget.add_bytes(data.size()));
    return target.write(data);
  }));
  RTENV_TRY(target.finish_file());
  budget.count_file();
  return {};
}

Result<void> check_type(const ZipEntry& entry) {
  const std::uint32_t type = entry.mode & zip::k_type_mask;
  const bool known = type == 0 || type == zip::k_type_file || type == zip::k_type_directory ||
                     type == zip::k_type_link;
  if (!known) return refuse_entry(entry.name, "it is a device, a pipe or a socket");
  return {};
}

}  // namespace

Result<void> unpack_zip(const ArchiveFile& file, const MakeTarget& make_target,
                        const UnpackOptions& options, UnpackBudget& budget) {
  RTENV_TRY(ArchiveFile own, file.duplicate());
  RTENV_TRY(const ZipReader zip,
            ZipReader::open(std::move(own), options.limits, options.cancellation));
  // Names and types are checked before anything is written.
  std::vector<std::string> paths;
  paths.reserve(zip.entries().size());
  ArchiveNumber stated_bytes;
  for (const ZipEntry& entry : zip.entries()) {
    RTENV_TRY(budget.add_entry());
    RTENV_TRY(check_type(entry));
    RTENV_TRY(auto path, checked_entry_path(entry.name, entry.from_unix));
    if (path.empty() && !entry.is_directory()) return refuse_entry(entry.name, "it has no name");
    paths.push_back(std::move(path));
    if (!entry.is_link()) stated_bytes = stated_bytes + entry.size_bytes;
  }
  budget.progress().expect(stated_bytes.value());
  const auto make_worker = [&] { return Worker{make_target(), Inflater()}; };
  return parallel_for(
      paths.size(), options.threads, make_worker,
      [&](Worker& worker, std::size_t i) -> Result<void> {
        if (paths[i].empty()) return {};  // "./": the folder itself
        RTENV_TRY(check_not_cancelled(options.cancellation, "reading", file.path.native()));
        return unpack_entry(zip, zip.entries()[i], paths[i], worker, budget);
      });
}

}  // namespace rtenv::pkg
