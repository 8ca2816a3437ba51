#include "pkg/digest.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/hash.hpp"
#include "base/parallel.hpp"
#include "pkg/content_source.hpp"
#include "pkg/digest_cache.hpp"

namespace rtenv::pkg {
namespace {

template <class Hash>
class ManifestContentHasher : public ContentHasher {
 public:
  void begin(std::string_view) override { hash_.reset(); }
  void add(std::span<const std::byte> data) override { hash_.add(data); }
  ContentDigest finish() override { return ContentDigest(hash_.finish()); }

 private:
  Hash hash_;
};

class RayContentHasher : public ContentHasher {
 public:
  void begin(std::string_view path) override {
    hash_.reset();
    hash_.add(path);
  }
  void add(std::span<const std::byte> data) override { hash_.add(data); }
  ContentDigest finish() override { return ContentDigest(hash_.finish()); }

 private:
  Sha1 hash_;
};

template <class Hash>
class ManifestTreeHasher : public TreeHasher {
 public:
  explicit ManifestTreeHasher(Scheme scheme) : scheme_(scheme) {
    add_bytes(std::string_view("rtenv-tree-1\n"));
  }

  void add(const Entry& entry, const ContentDigest& content) override {
    switch (entry.type) {
      case EntryType::file:
        add_bytes(std::string_view(entry.executable ? "x" : "f"));
        add_text(entry.path);
        add_size(entry.size_bytes);
        add_bytes(content.bytes());
        break;
      case EntryType::directory:
        if (!entry.childless) return;
        add_bytes(std::string_view("d"));
        add_text(entry.path);
        break;
      case EntryType::link:
        add_bytes(std::string_view("l"));
        add_text(entry.path);
        add_text(entry.link_target);
        break;
      case EntryType::name_only:
      case EntryType::folder_name_only: return;
    }
    if (pending_.size() > k_pending_bytes) flush();
  }

  PackageName finish() override {
    flush();
    return {scheme_, to_hex(hash_.finish())};
  }

 private:
  // The manifest is hashed in large pieces: a call per field would cost more than the hashing.
  static constexpr std::size_t k_pending_bytes = 1 << 16;

  void flush() {
    hash_.add(pending_);
    pending_.clear();
  }
  void add_bytes(std::span<const std::byte> bytes) {
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  }
  void add_bytes(std::string_view text) { add_bytes(std::as_bytes(std::span(text))); }
  void add_size(std::uint64_t size) {
    std::array<std::byte, 8> bytes;
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(size & 0xffU);
      size >>= 8U;
    }
    add_bytes(bytes);
  }
  void add_text(std::string_view text) {
    add_size(text.size());
    add_bytes(text);
  }
  Scheme scheme_;
  Hash hash_;
  std::vector<std::byte> pending_;
};

class RayTreeHasher : public TreeHasher {
 public:
  RayTreeHasher() {
    state_.fill(static_cast<std::byte>('0'));
    mix_name(".");
  }
  void add(const Entry& entry, const ContentDigest& content) override {
    if (content.empty())
      mix_name(entry.path);
    else
      mix(content.bytes());
  }
  PackageName finish() override { return {Scheme::ray, to_hex(state_)}; }

 private:
  void mix(std::span<const std::byte> digest) {
    for (std::size_t i = 0; i < state_.size(); ++i) state_[i] ^= digest[i];
  }
  void mix_name(std::string_view path) {
    hash_.reset();
    hash_.add(path);
    mix(hash_.finish());
  }
  Sha1 hash_;
  std::array<std::byte, 8> state_;
};

struct Worker {
  std::unique_ptr<ContentHasher> hasher;
  std::unique_ptr<ContentReader> reader;
};

Result<ContentDigest> hash_file(Worker& worker, Entry& entry, const DigestOptions& options,
                                ProgressMeter& progress) {
  worker.hasher->begin(entry.path);
  auto opened = worker.reader->open_current(entry);
  if (!opened && options.scheme == Scheme::ray &&
      opened.error().code() == Errc::permission_denied) {
    entry.stamp = {};  // the cache must not depend on the user's permissions
    return worker.hasher->finish();
  }
  if (!opened) return Failure(std::move(opened).error());
  RTENV_TRY(worker.reader->read_rest([&](std::span<const std::byte> piece) -> Result<void> {
    worker.hasher->add(piece);
    progress.add(piece.size());
    return check_not_cancelled(options.cancellation, "hashing", entry.path);
  }));
  return worker.hasher->finish();
}

// Fills in the digests that the cache has.
void look_up(const Tree& tree, const DigestOptions& options, std::vector<ContentDigest>& digests) {
  if (options.cache == nullptr) return;
  constexpr std::size_t k_entries_per_task = 4096;
  const std::size_t tasks = (digests.size() + k_entries_per_task - 1) / k_entries_per_task;
  const auto look_up_some = [&](std::size_t task) {
    const std::size_t begin = task * k_entries_per_task;
    for (std::size_t i = begin; i < std::min(begin + k_entries_per_task, digests.size()); ++i)
      if (const FileStamp& stamp = tree.entries[i].stamp; stamp.is_settled())
        if (const auto cached = options.cache->find(stamp)) digests[i] = *cached;
  };
  parallel_for_each(tasks, options.threads, look_up_some);
}

// So that no thread is left with a large file when the others have finished.
void begin_with_large_files(const Tree& tree, std::vector<std::size_t>& entries) {
  const auto large_size = [&](std::size_t entry) {
    const std::uint64_t size = tree.entries[entry].size_bytes;
    return size > ContentReader::k_piece_bytes ? size : 0;  // small ones in the order of folders
  };
  std::ranges::stable_sort(entries, std::ranges::greater(), large_size);
}

// Nullopt if the name depends on more than the stamps: on whether a file could be read.
std::optional<DigestCache::NamedTree> named_tree(const Tree& tree,
                                                 const std::optional<FileStamp>& stamp,
                                                 const PackageName& name) {
  const bool complete = std::ranges::all_of(tree.entries, [](const Entry& entry) {
    return entry.type != EntryType::file || entry.stamp.is_settled();
  });
  if (!stamp || !complete) return std::nullopt;
  return DigestCache::NamedTree{*stamp, name};
}

}  // namespace

std::unique_ptr<ContentHasher> ContentHasher::create(Scheme scheme) {
  if (scheme == Scheme::ray) return std::make_unique<RayContentHasher>();
  if (scheme == Scheme::sha256) return std::make_unique<ManifestContentHasher<Sha256>>();
  return std::make_unique<ManifestContentHasher<Xxh3>>();
}

std::unique_ptr<TreeHasher> TreeHasher::create(Scheme scheme) {
  if (scheme == Scheme::ray) return std::make_unique<RayTreeHasher>();
  if (scheme == Scheme::sha256) return std::make_unique<ManifestTreeHasher<Sha256>>(scheme);
  return std::make_unique<ManifestTreeHasher<Xxh3>>(scheme);
}

Result<PackageName> digest(Tree& tree, const DigestOptions& options) {
  std::vector<ContentDigest> contents(tree.entries.size());
  look_up(tree, options, contents);
  std::vector<std::size_t> uncached;
  for (std::size_t i = 0; i < contents.size(); ++i)
    if (tree.entries[i].type == EntryType::file && contents[i].empty()) uncached.push_back(i);
  begin_with_large_files(tree, uncached);
  ProgressMeter progress(options.on_progress);
  std::uint64_t uncached_bytes = 0;
  for (const std::size_t i : uncached) uncached_bytes += tree.entries[i].size_bytes;
  if (uncached_bytes > 0) progress.expect(uncached_bytes);  // else the sizes aren't known yet
  const StepTimer timer;
  const auto make_worker = [&] {
    return Worker{ContentHasher::create(options.scheme), tree.content->reader()};
  };
  RTENV_TRY(parallel_for(
      uncached.size(), options.threads, make_worker,
      [&](Worker& worker, std::size_t i) -> Result<void> {
        RTENV_TRY(check_not_cancelled(options.cancellation, "hashing", tree.root.native()));
        RTENV_TRY(contents[uncached[i]], retry_if_changed(k_retries_of_file, [&] {
                    return hash_file(worker, tree.entries[uncached[i]], options, progress);
                  }));
        return {};
      }));
  progress.finish();
  PackageName name = combine_digests(tree.entries, contents, options.scheme);
  if (options.stats != nullptr) {
    options.stats->known_files += tree.file_count() - uncached.size();
    options.stats->read_files += uncached.size();
    for (const std::size_t i : uncached) options.stats->read_bytes += tree.entries[i].size_bytes;
    options.stats->read_time += timer.passed();
  }
  const bool has_new = std::ranges::any_of(
      uncached, [&](std::size_t i) { return tree.entries[i].stamp.is_settled(); });
  const auto named = named_tree(tree, options.tree_stamp, name);
  if (options.cache != nullptr && (has_new || named))
    options.cache->save(tree.entries, contents, named);
  return name;
}

PackageName combine_digests(const std::vector<Entry>& entries,
                            const std::vector<ContentDigest>& contents, Scheme scheme) {
  const auto hasher = TreeHasher::create(scheme);
  for (std::size_t i = 0; i < entries.size(); ++i) hasher->add(entries[i], contents[i]);
  return hasher->finish();
}

}  // namespace rtenv::pkg
