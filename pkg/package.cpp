#include "pkg/package.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "pkg/digest_cache.hpp"
#include "pkg/entry_mode.hpp"
#include "pkg/git_commit.hpp"
#include "pkg/scan.hpp"
#include "pkg/target_folder.hpp"

namespace rtenv::pkg {
namespace {

ScanOptions effective_scan(const PackageOptions& options) {
  ScanOptions scan = options.scan;
  scan.links = options.zip.scheme == Scheme::ray ? Links::follow : Links::keep;
  scan.threads = options.zip.threads;
  scan.settle_time = options.settle_time;
  scan.cancellation = options.zip.cancellation;
  const bool as_ray = options.zip.scheme == Scheme::ray && scan.semantics == IgnoreSemantics::ray;
  if (options.git_revision && !as_ray) {
    // What is committed is tracked: only what the user says leaves it out.
    scan.use_gitignore = false;
    scan.default_excludes.clear();
  }
  return scan;
}

void warn_if_empty(bool is_empty, const Path& root) {
  if (is_empty)
    log::warn("the package of {} is empty: there are no files, or all are excluded", root.native());
}

// Each file was read in one of its states.
Result<void> check_names(Scan& scan, const ScanOptions& options) {
  if (scan.names_are_unchanged(options)) return {};
  return changed_while(scan.root().native(), "read");
}

void count_tree(const Tree& tree, const StepTimer& timer, PackageStats& stats) {
  stats.scan_time = timer.passed();
  stats.found_folders = static_cast<std::size_t>(
      std::ranges::count(tree.entries, EntryType::directory, &Entry::type));
  stats.found_files = tree.entries.size() - stats.found_folders;
}

void count_scan(const Scan& scan, const StepTimer& timer, PackageStats& stats) {
  stats.scan_time = timer.passed();
  std::tie(stats.found_files, stats.found_folders) = scan.counts();
}

Result<NamedDirectory> name_commit(const Path& root, const PackageOptions& options) {
  PackageStats stats;
  const StepTimer timer;
  RTENV_TRY(Tree tree, scan_commit(root, *options.git_revision, effective_scan(options)));
  count_tree(tree, timer, stats);
  warn_if_empty(tree.entries.empty(), tree.root);
  RTENV_TRY(PackageName name, digest(tree, {.scheme = options.zip.scheme,
                                            .threads = options.zip.threads,
                                            .cancellation = options.zip.cancellation,
                                            .on_progress = options.zip.on_progress,
                                            .stats = &stats}));
  return NamedDirectory(std::move(name), std::move(tree), options.zip.threads, stats);
}

Result<NamedDirectory> name_files(const Path& root, const PackageOptions& options) {
  ScanOptions scan_options = effective_scan(options);
  scan_options.reads_status = options.digest_cache.has_value();  // else `digest` does
  PackageStats stats;
  const StepTimer timer;
  RTENV_TRY(Scan scan, Scan::run(root, scan_options));
  count_scan(scan, timer, stats);
  warn_if_empty(scan.is_empty(), scan.root());
  std::optional<DigestCache> cache;
  if (options.digest_cache && scan.stamper().is_trusted())
    cache.emplace(*options.digest_cache, scan.stamper().root(), options.zip.scheme);
  const auto stamp = cache ? scan.stamp() : std::nullopt;
  if (stamp)
    if (auto name = cache->find_name(*stamp)) {
      RTENV_TRY(check_names(scan, scan_options));
      stats.name_was_known = true;
      return NamedDirectory(std::move(*name), std::move(scan), options.zip.threads, stats);
    }
  if (cache) cache->load();
  Tree tree = scan.to_tree(options.zip.threads);
  RTENV_TRY(PackageName name, digest(tree, {.scheme = options.zip.scheme,
                                            .threads = options.zip.threads,
                                            .cache = cache ? &*cache : nullptr,
                                            .tree_stamp = stamp,
                                            .cancellation = options.zip.cancellation,
                                            .on_progress = options.zip.on_progress,
                                            .stats = &stats}));
  RTENV_TRY(check_names(scan, scan_options));
  return NamedDirectory(std::move(name), std::move(tree), options.zip.threads, stats);
}

Result<PackedDirectory> pack(Tree tree, PackageStats stats, const PackageOptions& options,
                             const MakeSink& make_sink) {
  warn_if_empty(tree.entries.empty(), tree.root);
  RTENV_TRY(const ByteSink sink, make_sink());
  const StepTimer timer;
  RTENV_TRY(WrittenZip zip, write_zip(tree, options.zip, sink));
  stats.read_time = timer.passed();
  stats.read_files = tree.file_count();
  stats.read_bytes = tree.total_bytes();
  return PackedDirectory{std::move(tree), std::move(zip), stats};
}

}  // namespace

const Tree& NamedDirectory::tree() {
  if (const auto* scan = std::get_if<Scan>(&content_)) content_ = scan->to_tree(threads_);
  return std::get<Tree>(content_);
}

Tree NamedDirectory::take_tree() && {
  (void)tree();
  return std::get<Tree>(std::move(content_));
}

Result<NamedDirectory> name_directory(const Path& root, PackageOptions options) {
  if (options.git_revision) return name_commit(root, options);
  return retry_if_changed(k_retries_of_directory, [&] { return name_files(root, options); });
}

Result<Tree> list_directory(const Path& root, const PackageOptions& options) {
  const ScanOptions scan_options = effective_scan(options);
  if (options.git_revision) return scan_commit(root, *options.git_revision, scan_options);
  return retry_if_changed(k_retries_of_directory, [&] { return scan(root, scan_options); });
}

Result<PackedDirectory> pack_directory(const Path& root, PackageOptions options,
                                       const MakeSink& make_sink) {
  const ScanOptions scan_options = effective_scan(options);
  if (options.git_revision) {
    PackageStats stats;
    const StepTimer timer;
    RTENV_TRY(Tree tree, scan_commit(root, *options.git_revision, scan_options));
    count_tree(tree, timer, stats);
    return pack(std::move(tree), stats, options, make_sink);
  }
  return retry_if_changed(k_retries_of_directory, [&]() -> Result<PackedDirectory> {
    PackageStats stats;
    const StepTimer timer;
    RTENV_TRY(Scan scan, Scan::run(root, scan_options));
    count_scan(scan, timer, stats);
    RTENV_TRY(auto packed, pack(scan.to_tree(scan_options.threads), stats, options, make_sink));
    RTENV_TRY(check_names(scan, scan_options));
    return packed;
  });
}

Result<void> copy_tree(NamedDirectory& named, const Path& target, const DigestOptions& options) {
  const Tree& tree = named.tree();
  const auto& entries = tree.entries;
  RTENV_TRY(make_directories(target.parent_path()));
  RTENV_TRY(TargetFolder::create(target, Modes::exact));
  std::vector<ContentDigest> contents(entries.size());
  struct Worker {
    Result<TargetFolder> folder;
    std::unique_ptr<ContentReader> reader;
    std::unique_ptr<ContentHasher> hasher;
  };
  const auto make_worker = [&] {
    return Worker{TargetFolder::open(target, Modes::exact), tree.content->reader(),
                  ContentHasher::create(options.scheme)};
  };
  RTENV_TRY(parallel_for(
      entries.size(), options.threads, make_worker,
      [&](Worker& worker, std::size_t i) -> Result<void> {
        if (!worker.folder) return Failure(worker.folder.error());
        RTENV_TRY(check_not_cancelled(options.cancellation, "copying", tree.root.native()));
        const Entry& entry = entries[i];
        switch (entry.type) {
          case EntryType::directory:
            return worker.folder->make_directory(entry.path, folder_mode(entry.owner_only));
          case EntryType::link: return worker.folder->make_link(entry.path, entry.link_target);
          case EntryType::name_only:
          case EntryType::folder_name_only: return {};
          case EntryType::file: break;
        }
        RTENV_TRY(const Fd file, worker.folder->create_file(
                                     entry.path, file_mode(entry.executable, entry.owner_only)));
        worker.hasher->begin(entry.path);
        RTENV_TRY(
            worker.reader->read_all(entry, [&](std::span<const std::byte> piece) -> Result<void> {
              worker.hasher->add(piece);
              RTENV_TRY(check_not_cancelled(options.cancellation, "copying", entry.path));
              return write_full(file, piece, entry.path);
            }));
        contents[i] = worker.hasher->finish();
        return {};
      }));
  if (combine_digests(entries, contents, options.scheme) != named.name())
    return changed_while(tree.root.native(), "copied");
  return {};
}

}  // namespace rtenv::pkg
