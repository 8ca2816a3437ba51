#include "rtenv/package.hpp"

#include <sys/stat.h>

#include "api/call.hpp"
#include "api/package.hpp"
#include "base/changing.hpp"
#include "base/output_file.hpp"
#include "base/path_kind.hpp"
#include "base/shown_name.hpp"
#include "pkg/archive_list.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/inspect.hpp"
#include "pkg/package.hpp"
#include "pkg/zip_records.hpp"

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

enum class Source : std::uint8_t { directory, archive };

std::vector<Entry> entries_of(std::vector<pkg::Entry> entries, Source source) {
  std::vector<Entry> result;
  result.reserve(entries.size());
  for (pkg::Entry& entry : entries)
    result.push_back({.path = std::move(entry.path),
                      .type = same_value<EntryType>(entry.type),
                      .executable = entry.executable,
                      .size_bytes = entry.size_bytes,
                      .link_target = std::move(entry.link_target),
                      .is_in_archive = source == Source::archive || pkg::is_in_zip(entry)});
  return result;
}

std::vector<Excluded> excluded_of(std::vector<pkg::Excluded> list) {
  std::vector<Excluded> result;
  result.reserve(list.size());
  for (pkg::Excluded& excluded : list)
    result.push_back({.path = std::move(excluded.path),
                      .is_directory = excluded.directory,
                      .reason = std::move(excluded.reason),
                      .rules = std::move(excluded.rules)});
  return result;
}

PackStats stats_of(const pkg::PackageStats& stats, unsigned threads) {
  return {.threads = threads,
          .found_files = stats.found_files,
          .found_folders = stats.found_folders,
          .scan_time = stats.scan_time,
          .name_was_known = stats.name_was_known,
          .known_files = stats.known_files,
          .read_files = stats.read_files,
          .read_bytes = stats.read_bytes,
          .read_time = stats.read_time};
}

Unpacked unpacked_of(const pkg::UnpackSummary& summary) {
  return {.files = summary.files,
          .directories = summary.directories,
          .links = summary.links,
          .total_bytes = summary.total_bytes};
}

}  // namespace

Result<pkg::PackageOptions> package_options(const PackOptions& options, const Call& call) {
  if (options.scheme != Scheme::ray && options.scheme != Scheme::xxh3 &&
      options.scheme != Scheme::sha256)
    return fail(Errc::invalid_argument, "a directory can't be named in this scheme")
        .hint("use Scheme::ray, Scheme::xxh3 or Scheme::sha256");
  if (options.compression > Compression::best || options.ignore_rules > IgnoreRules::git)
    return fail(Errc::invalid_argument, "compression or ignore_rules has an unknown value");
  if (const auto top = pkg::checked_entry_path(options.top_folder, true);
      !top || *top != options.top_folder)
    return fail(Errc::invalid_argument, "top_folder is '{}', which isn't a path in a package",
                shown_name(options.top_folder))
        .hint("use a name, such as that of the directory");
  const auto scheme = same_value<pkg::Scheme>(options.scheme);
  pkg::PackageOptions result;
  result.scan = pkg::scan_options(call.environment(), scheme, options.excludes);
  result.scan.includes = options.includes;
  result.scan.semantics = options.ignore_rules == IgnoreRules::git ? pkg::IgnoreSemantics::git
                                                                   : pkg::IgnoreSemantics::ray;
  if (!options.use_gitignore) result.scan.use_gitignore = false;
  result.scan.record_excluded = options.list_excluded;
  result.zip.top = options.top_folder;
  result.git_revision = options.git_revision;
  if (options.digest_cache) result.digest_cache = call.resolve(*options.digest_cache);
  result.zip.scheme = scheme;
  result.zip.compression = same_value<pkg::Compression>(options.compression);
  result.zip.threads = call.threads();
  result.zip.cancellation = call.cancellation();
  return result;
}

Package package_of(pkg::Tree tree, const PackOptions& options) {
  Package package{.files = tree.file_count(),
                  .content_bytes = tree.total_bytes(),
                  .excluded = excluded_of(std::move(tree.excluded)),
                  .warnings = std::move(tree.warnings)};
  if (!options.list_entries)
    std::erase_if(tree.entries,
                  [](const pkg::Entry& entry) { return entry.type != pkg::EntryType::name_only; });
  package.entries = entries_of(std::move(tree.entries), Source::directory);
  return package;
}

Package package_of(const pkg::PackageName& name, pkg::Tree tree, const PackOptions& options) {
  Package package = package_of(std::move(tree), options);
  package.name = name.file_name();
  package.scheme = same_value<Scheme>(name.scheme());
  return package;
}

namespace {

// Where a package is written, maybe more than once: a directory that changes is read again.
class Target {
 public:
  using Make = std::function<Result<OutputFile>()>;
  explicit Target(Make make) : make_(std::move(make)) {}

  Result<pkg::ByteSink> open() {
    if (file_ && file_->is_stream()) return changed_while("the directory", "packed");
    file_.reset();
    RTENV_TRY(auto file, make_());
    file_.emplace(std::move(file));
    return pkg::ByteSink{.write = [this](auto data) { return file_->write(data); },
                         .file = file_->is_stream() ? -1 : file_->fd().get()};
  }
  OutputFile& file() { return *file_; }

 private:
  Make make_;
  std::optional<OutputFile> file_;
};

std::optional<pkg::FileIdentity> identity(const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  return pkg::FileIdentity{status.st_dev, status.st_ino};
}

std::optional<pkg::FileIdentity> identity_of(const Path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? identity(status) : std::nullopt;
}

std::optional<pkg::FileIdentity> identity_of(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 ? identity(status) : std::nullopt;
}

// `excluded`: an earlier package, which may be in the directory.
Result<Package> pack_with(const Path& directory, const pkg::MakeSink& make_sink,
                          std::optional<pkg::FileIdentity> excluded, const PackOptions& options,
                          Call& call) {
  RTENV_TRY(auto package, package_options(options, call));
  package.zip.on_progress = call.on_progress();
  package.scan.output = excluded;
  RTENV_TRY(auto packed, pkg::pack_directory(call.resolve(directory), package, make_sink));
  Package result = package_of(packed.zip.name, std::move(packed.tree), options);
  result.packed_bytes = packed.zip.size_bytes;
  result.stats = stats_of(packed.stats, call.threads());
  return result;
}

pkg::UnpackOptions unpack_options(const UnpackOptions& options, Call& call) {
  return {.limits = {.max_total_bytes = options.max_total_bytes,
                     .max_entries = options.max_entries,
                     .max_ratio = options.max_ratio,
                     .hint = options.limit_hint.empty()
                                 ? "if you trust the archive, raise max_total_bytes, "
                                   "max_entries or max_ratio"
                                 : options.limit_hint},
          .strip_top = options.strip_top,
          .modes = pkg::Modes::minus_umask,
          .threads = call.threads(),
          .cancellation = call.cancellation(),
          .on_progress = call.on_progress()};
}

}  // namespace
}  // namespace api

using api::Call;
using api::in_call;

std::string_view name(Scheme scheme) noexcept {
  return pkg::name(api::same_value<pkg::Scheme>(scheme));
}

Result<Package> name_directory(const Path& directory, const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Package> {
    RTENV_TRY(auto package, api::package_options(options, call));
    package.zip.on_progress = call.on_progress();
    RTENV_TRY(auto named, pkg::name_directory(call.resolve(directory), package));
    const PackStats stats = api::stats_of(named.stats(), call.threads());
    Package result = api::package_of(named.name(), std::move(named).take_tree(), options);
    result.stats = stats;
    return result;
  });
}

Result<Package> list_directory(const Path& directory, const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Package> {
    RTENV_TRY(const auto package, api::package_options(options, call));
    RTENV_TRY(auto tree, pkg::list_directory(call.resolve(directory), package));
    return api::package_of(std::move(tree), options);
  });
}

Result<Package> pack(const Path& directory, const Path& target, const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Package> {
    if (target.empty()) return fail(Errc::invalid_argument, "the target of the package is empty");
    const Path path = call.resolve(target);
    api::Target output([&] { return OutputFile::create(path, call.cancellation()); });
    RTENV_TRY(auto package,
              api::pack_with(
                  directory, [&] { return output.open(); }, api::identity_of(path), options, call));
    RTENV_TRY(output.file().commit());
    return package;
  });
}

Result<Package> pack_into(const Path& directory, const Path& folder, const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Package> {
    const Path path = call.resolve(folder);
    RTENV_TRY(const PathKind kind, path_kind(path.empty() ? Path(".") : path));
    if (kind != PathKind::folder)
      return fail(Errc::invalid_argument, "{} isn't a folder", path.native());
    api::Target output([&] { return OutputFile::create_unnamed(path / "_ray_pkg_.zip"); });
    RTENV_TRY(auto package, api::pack_with(
                                directory, [&] { return output.open(); }, {}, options, call));
    RTENV_TRY(output.file().commit_as(path / package.name));
    return package;
  });
}

Result<Package> pack_to_descriptor(const Path& directory, int descriptor,
                                   const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Package> {
    RTENV_TRY(api::check_open("descriptor", descriptor, api::Access::write));
    api::Target output([&] { return OutputFile::at_descriptor(descriptor, call.cancellation()); });
    return api::pack_with(
        directory, [&] { return output.open(); }, api::identity_of(descriptor), options, call);
  });
}

Result<Package> pack(const Path& directory, const PackageSink& sink, const PackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Package> {
    if (!sink) return fail(Errc::invalid_argument, "the sink is empty");
    const auto guarded = [&](std::span<const std::byte> data) -> Result<void> {
      try {
        return sink(data);
      } catch (...) {
        return api::error_of_callers_exception("the sink");
      }
    };
    bool was_written = false;
    const auto make_sink = [&]() -> Result<pkg::ByteSink> {
      if (std::exchange(was_written, true)) return changed_while("the directory", "packed");
      return pkg::ByteSink{.write = guarded};
    };
    return api::pack_with(directory, make_sink, {}, options, call);
  });
}

Result<Unpacked> unpack(const Path& archive, const Path& target, const UnpackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Unpacked> {
    RTENV_TRY(const auto summary, pkg::unpack(call.resolve(archive), call.resolve(target),
                                              api::unpack_options(options, call)));
    return api::unpacked_of(summary);
  });
}

Result<ArchiveList> list_archive(const Path& archive, const UnpackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<ArchiveList> {
    RTENV_TRY(auto list,
              pkg::list_archive(call.resolve(archive), api::unpack_options(options, call)));
    return ArchiveList{.entries = api::entries_of(std::move(list.entries), api::Source::archive),
                       .summary = api::unpacked_of(list.summary)};
  });
}

Result<Inspection> inspect(const Path& archive, const UnpackOptions& options) {
  return in_call(options, [&](Call& call) -> Result<Inspection> {
    RTENV_TRY(auto found, pkg::inspect(call.resolve(archive), api::unpack_options(options, call)));
    Inspection inspection{
        .content = {.name = found.computed->file_name(),
                    .scheme = api::same_value<Scheme>(found.computed->scheme()),
                    .packed_bytes = found.package_bytes,
                    .entries = api::entries_of(std::move(found.entries), api::Source::archive)}};
    if (found.name) inspection.matches_name = found.verifies();
    for (const Entry& entry : inspection.content.entries) {
      inspection.content.files += entry.type == EntryType::file ? 1 : 0;
      inspection.content.content_bytes += entry.size_bytes;
    }
    return inspection;
  });
}

}  // namespace rtenv
