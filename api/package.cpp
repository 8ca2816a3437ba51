#include "rtenv/package.hpp"

#include <sys/stat.h>

#include "api/call.hpp"
#include "api/package.hpp"
#include "base/changing.hpp"
#include "base/output_file.hpp"
#include "pkg/inspect.hpp"
#include "pkg/package.hpp"

namespace rtenv {
namespace api {
namespace {

template <class To, class From>
constexpr To same_value(From from) {
  return static_cast<To>(static_cast<std::uint8_t>(from));
}
static_assert(same_value<pkg::Scheme>(Scheme::sha256) == pkg::Scheme::sha256);
static_assert(same_value<pkg::Compression>(Compression::best) == pkg::Compression::best);
static_assert(same_value<pkg::EntryType>(EntryType::folder_name_only) ==
              pkg::EntryType::folder_name_only);

Entry entry_of(const pkg::Entry& entry) {
  return {.path = entry.path,
          .type = same_value<EntryType>(entry.type),
          .executable = entry.executable,
          .size_bytes = entry.size_bytes,
          .link_target = entry.link_target};
}

std::vector<Entry> entries_of(const std::vector<pkg::Entry>& entries) {
  std::vector<Entry> result;
  result.reserve(entries.size());
  for (const pkg::Entry& entry : entries) result.push_back(entry_of(entry));
  return result;
}

}  // namespace

Result<pkg::PackageOptions> package_options(const PackOptions& options, const Call& call) {
  if (options.scheme != Scheme::ray && options.scheme != Scheme::xxh3 &&
      options.scheme != Scheme::sha256)
    return fail(Errc::invalid_argument, "a directory can't be named in this scheme")
        .hint("use Scheme::ray, Scheme::xxh3 or Scheme::sha256");
  if (options.compression > Compression::best || options.ignore_rules > IgnoreRules::git)
    return fail(Errc::invalid_argument, "compression or ignore_rules has an unknown value");
  const auto scheme = same_value<pkg::Scheme>(options.scheme);
  pkg::PackageOptions result;
  result.scan = pkg::scan_options(call.environment(), scheme, options.excludes);
  result.scan.includes = options.includes;
  result.scan.semantics = options.ignore_rules == IgnoreRules::git ? pkg::IgnoreSemantics::git
                                                                   : pkg::IgnoreSemantics::ray;
  if (!options.use_gitignore) result.scan.use_gitignore = false;
  result.scan.record_excluded = options.list_excluded;
  result.git_revision = options.git_revision;
  if (options.digest_cache) result.digest_cache = call.resolve(*options.digest_cache);
  result.zip.scheme = scheme;
  result.zip.compression = same_value<pkg::Compression>(options.compression);
  result.zip.threads = call.threads();
  result.zip.cancellation = call.cancellation();
  return result;
}

Package package_of(const pkg::PackageName& name, const pkg::Tree& tree) {
  Package package{.name = name.file_name(),
                  .scheme = same_value<Scheme>(name.scheme()),
                  .content_bytes = tree.total_bytes(),
                  .entries = entries_of(tree.entries),
                  .warnings = tree.warnings};
  package.excluded.reserve(tree.excluded.size());
  for (const pkg::Excluded& excluded : tree.excluded)
    package.excluded.push_back(
        {.path = excluded.path, .is_directory = excluded.directory, .reason = excluded.reason});
  return package;
}

namespace {

Package packed_package(const pkg::PackedDirectory& packed) {
  Package package = package_of(packed.zip.name, packed.tree);
  package.packed_bytes = packed.zip.size_bytes;
  return package;
}

std::optional<pkg::FileIdentity> existing_file(const Path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return pkg::FileIdentity{status.st_dev, status.st_ino};
}

Result<Package> pack_to_file(const Path& directory, const Path& target, const PackOptions& options,
                             Call& call) {
  RTENV_TRY(auto package, package_options(options, call));
  package.zip.on_progress = call.on_progress();
  package.scan.output = existing_file(target);
  std::optional<OutputFile> file;
  RTENV_TRY(const auto packed,
            pkg::pack_directory(directory, package, [&]() -> Result<pkg::ByteSink> {
              if (file && file->is_stream()) return changed_while("the directory", "packed");
              file.reset();
              RTENV_TRY(auto created, OutputFile::create(target, call.cancellation()));
              file.emplace(std::move(created));
              return pkg::ByteSink{.write = [&](auto data) { return file->write(data); },
                                   .file = file->is_stream() ? -1 : file->fd().get()};
            }));
  RTENV_TRY(file->commit());
  return packed_package(packed);
}

Result<Package> pack_to_sink(const Path& directory, const PackageSink& sink,
                             const PackOptions& options, Call& call) {
  if (!sink) return fail(Errc::invalid_argument, "the sink is empty");
  RTENV_TRY(auto package, package_options(options, call));
  package.zip.on_progress = call.on_progress();
  const auto guarded = [&](std::span<const std::byte> data) -> Result<void> {
    try {
      return sink(data);
    } catch (...) {
      return error_of_callers_exception("the sink");
    }
  };
  bool was_written = false;
  RTENV_TRY(const auto packed,
            pkg::pack_directory(directory, package, [&]() -> Result<pkg::ByteSink> {
              if (std::exchange(was_written, true)) return changed_while("the directory", "packed");
              return pkg::ByteSink{.write = guarded};
            }));
  return packed_package(packed);
}

pkg::UnpackOptions unpack_options(const UnpackOptions& options, const Call& call) {
  return {.limits = {.max_total_bytes = options.max_total_bytes,
                     .max_entries = options.max_entries,
                     .hint = "if you trust the archive, raise max_total_bytes or max_entries"},
          .strip_top = options.strip_top,
          .modes = pkg::Modes::minus_umask,
          .threads = call.threads(),
          .cancellation = call.cancellation()};
}

}  // namespace
}  // namespace api

using api::Call;
using api::in_call;

Result<Package> name_directory(const Path& directory, const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Package> {
    RTENV_TRY(const auto package, api::package_options(options, call));
    RTENV_TRY(auto named, pkg::name_directory(call.resolve(directory), package));
    return api::package_of(named.name(), named.tree());
  });
}

Result<Package> pack(const Path& directory, const Path& target, const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Package> {
    if (target.empty()) return fail(Errc::invalid_argument, "the target of the package is empty");
    return api::pack_to_file(call.resolve(directory), call.resolve(target), options, call);
  });
}

Result<Package> pack(const Path& directory, const PackageSink& sink, const PackOptions& options) {
  return in_call(options, [&](Call& call) {
    return api::pack_to_sink(call.resolve(directory), sink, options, call);
  });
}

Result<Unpacked> unpack(const Path& archive, const Path& target, const UnpackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Unpacked> {
    RTENV_TRY(const auto summary, pkg::unpack(call.resolve(archive), call.resolve(target),
                                              api::unpack_options(options, call)));
    return Unpacked{.files = summary.files,
                    .directories = summary.directories,
                    .links = summary.links,
                    .total_bytes = summary.total_bytes};
  });
}

Result<Inspection> inspect(const Path& archive, const UnpackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Inspection> {
    RTENV_TRY(const auto found,
              pkg::inspect(call.resolve(archive), api::unpack_options(options, call)));
    Inspection inspection{.content = {.name = found.computed->file_name(),
                                      .scheme = api::same_value<Scheme>(found.computed->scheme()),
                                      .packed_bytes = found.package_bytes,
                                      .entries = api::entries_of(found.entries)},
                          .matches_name = found.verifies()};
    for (const Entry& entry : inspection.content.entries)
      inspection.content.content_bytes += entry.size_bytes;
    return inspection;
  });
}

}  // namespace rtenv
