#include "pkg/package.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "pkg/content_source.hpp"
#include "pkg/digest_cache.hpp"
#include "pkg/git_commit.hpp"
#include "pkg/scan.hpp"
#include "pkg/target_folder.hpp"

namespace rtenv::pkg {
namespace {

ScanOptions effective_scan(const PackageOptions& options) {
  ScanOptions scan = options.scan;
  scan.links = options.zip.scheme == Scheme::ray ? Links::follow : Links::keep;
  scan.threads = options.zip.threads;
  scan.cancellation = options.zip.cancellation;
  return scan;
}

void warn_if_empty(bool is_empty, const Path& root) {
  if (is_empty)
    log::warn("the package of {} is empty: there are no files, or all are excluded", root.native());
}

bool changed_meanwhile(const Error& error) {
  return error.code() == Errc::unavailable || error.code() == Errc::not_found;
}

// Retries once if a file changed meanwhile; if that fails, the user decides.
template <class Attempt>
auto with_retry(Attempt attempt) -> decltype(attempt()) {
  auto result = attempt();
  if (!result && changed_meanwhile(result.error())) return attempt();
  return result;
}

Result<Tree> scan_source(const Path& root, const PackageOptions& options,
                         const ScanOptions& scan_options) {
  RTENV_TRY(Tree tree, options.git_revision ? scan_commit(root, *options.git_revision, scan_options)
                                            : scan(root, scan_options));
  warn_if_empty(tree.entries.empty(), tree.root);
  return tree;
}

Result<NamedDirectory> name_commit(const Path& root, const PackageOptions& options) {
  RTENV_TRY(Tree tree, scan_source(root, options, effective_scan(options)));
  RTENV_TRY(PackageName name, digest(tree, {.scheme = options.zip.scheme,
                                            .threads = options.zip.threads,
                                            .cancellation = options.zip.cancellation}));
  return NamedDirectory(std::move(name), std::move(tree), options.zip.threads);
}

Result<NamedDirectory> name_files(const Path& root, const PackageOptions& options) {
  std::optional<FileStamper> stamper;
  std::optional<DigestCache> cache;
  if (options.digest_cache) stamper = FileStamper::begin(root, options.settle_time);
  if (stamper) cache.emplace(*options.digest_cache, stamper->root(), options.zip.scheme);
  ScanOptions scan_options = effective_scan(options);
  scan_options.stamper = stamper ? &*stamper : nullptr;
  // Without stamps, the digest measures each file when it opens it.
  scan_options.measure = stamper.has_value();
  RTENV_TRY(Scan scan, Scan::run(root, scan_options));
  warn_if_empty(scan.is_empty(), scan.root());
  const auto stamp = cache ? scan.stamp() : std::nullopt;
  if (stamp)
    if (auto name = cache->find_name(*stamp))
      return NamedDirectory(std::move(*name), std::move(scan), options.zip.threads);
  if (cache) cache->load();
  Tree tree = scan.to_tree(options.zip.threads);
  RTENV_TRY(PackageName name, digest(tree, {.scheme = options.zip.scheme,
                                            .threads = options.zip.threads,
                                            .cache = cache ? &*cache : nullptr,
                                            .tree_stamp = stamp,
                                            .cancellation = options.zip.cancellation}));
  return NamedDirectory(std::move(name), std::move(tree), options.zip.threads);
}

}  // namespace

const Tree& NamedDirectory::tree() {
  if (const auto* scan = std::get_if<Scan>(&content_)) content_ = scan->to_tree(threads_);
  return std::get<Tree>(content_);
}

Result<NamedDirectory> name_directory(const Path& root, PackageOptions options) {
  return with_retry([&] {
    return options.git_revision ? name_commit(root, options) : name_files(root, options);
  });
}

Result<PackedDirectory> pack_directory(const Path& root, PackageOptions options,
                                       const MakeSink& make_sink) {
  return with_retry([&]() -> Result<PackedDirectory> {
    RTENV_TRY(Tree tree, scan_source(root, options, effective_scan(options)));
    RTENV_TRY(const ByteSink sink, make_sink());
    RTENV_TRY(WrittenZip zip, write_zip(tree, options.zip, sink));
    return PackedDirectory{std::move(tree), std::move(zip)};
  });
}

Result<void> copy_tree(NamedDirectory& named, const Path& target, const DigestOptions& options) {
  const Tree& tree = named.tree();
  const auto& entries = tree.entries;
  RTENV_TRY(make_directories(target));
  std::vector<ContentDigest> contents(entries.size());
  struct Worker {
    Result<TargetFolder> folder;
    std::unique_ptr<ContentReader> reader;
    std::unique_ptr<ContentHasher> hasher;
  };
  const auto make_worker = [&] {
    return Worker{TargetFolder::open(target), tree.content->reader(),
                  ContentHasher::create(options.scheme)};
  };
  RTENV_TRY(parallel_for(
      entries.size(), options.threads, make_worker,
      [&](Worker& worker, std::size_t i) -> Result<void> {
        if (!worker.folder) return Failure(worker.folder.error());
        if (options.cancellation != nullptr && options.cancellation->requested())
          return fail(Errc::cancelled, "interrupted while copying {}", tree.root.native());
        const Entry& entry = entries[i];
        switch (entry.type) {
          case EntryType::directory: return worker.folder->make_directory(entry.path);
          case EntryType::link: return worker.folder->make_link(entry.path, entry.link_target);
          case EntryType::name_only: return {};
          case EntryType::file: break;
        }
        RTENV_TRY(const Fd file,
                  worker.folder->create_file(entry.path, entry.executable ? 0755 : 0644));
        worker.hasher->begin(entry.path);
        RTENV_TRY(worker.reader->read_all(entry, [&](std::span<const std::byte> piece) {
          worker.hasher->add(piece);
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
