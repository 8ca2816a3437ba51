#include "pkg/digest.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/parallel.hpp"
#include "pkg/file_reader.hpp"

namespace rtenv::pkg {
namespace {

template <class Hash>
std::vector<std::byte> finish_to_vector(Hash& hash) {
  const auto bytes = hash.finish();
  return {bytes.begin(), bytes.end()};
}

template <class Hash>
class ManifestContentHasher : public ContentHasher {
 public:
  void begin(std::string_view) override { hash_.reset(); }
  void add(std::span<const std::byte> data) override { hash_.add(data); }
  std::vector<std::byte> finish() override { return finish_to_vector(hash_); }

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
  std::vector<std::byte> finish() override { return finish_to_vector(hash_); }

 private:
  Sha1 hash_;
};

template <class Hash>
class ManifestTreeHasher : public TreeHasher {
 public:
  explicit ManifestTreeHasher(Scheme scheme) : scheme_(scheme) { hash_.add("rtenv-tree-1\n"); }

  void add(const Entry& entry, std::span<const std::byte> content) override {
    switch (entry.type) {
      case EntryType::file:
        hash_.add(entry.executable ? "x" : "f");
        add_text(entry.path);
        add_size(entry.size_bytes);
        hash_.add(content);
        break;
      case EntryType::directory:
        if (!entry.childless) return;
        hash_.add("d");
        add_text(entry.path);
        break;
      case EntryType::link:
        hash_.add("l");
        add_text(entry.path);
        add_text(entry.link_target);
        break;
      case EntryType::name_only: break;
    }
  }

  PackageName finish() override { return {scheme_, to_hex(hash_.finish())}; }

 private:
  void add_size(std::uint64_t size) {
    std::array<std::byte, 8> bytes;
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(size & 0xffU);
      size >>= 8U;
    }
    hash_.add(bytes);
  }
  void add_text(std::string_view text) {
    add_size(text.size());
    hash_.add(text);
  }
  Scheme scheme_;
  Hash hash_;
};

class RayTreeHasher : public TreeHasher {
 public:
  RayTreeHasher() {
    state_.fill(static_cast<std::byte>('0'));
    mix_name(".");
  }
  void add(const Entry& entry, std::span<const std::byte> content) override {
    if (content.empty())
      mix_name(entry.path);
    else
      mix(content);
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
  FileReader reader;
};

Result<std::vector<std::byte>> hash_file(Worker& worker, const Tree& tree, const Entry& entry, Scheme scheme) {
  worker.hasher->begin(entry.path);
  auto read = worker.reader.read(tree.root, entry, [&](std::span<const std::byte> data) -> Result<void> {
    worker.hasher->add(data);
    return {};
  });
  if (!read && !(scheme == Scheme::ray && read.error().code() == Errc::permission_denied))
    return Failure(std::move(read).error());
  return worker.hasher->finish();
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

Result<PackageName> digest(const Tree& tree, const DigestOptions& options) {
  std::vector<std::vector<std::byte>> contents(tree.entries.size());
  const auto make_worker = [&] { return Worker{ContentHasher::create(options.scheme), FileReader()}; };
  RTENV_TRY(parallel_for(contents.size(), options.threads, make_worker, [&](Worker& worker, std::size_t i) -> Result<void> {
    if (tree.entries[i].type != EntryType::file) return {};
    if (options.cancellation != nullptr && options.cancellation->requested())
      return fail(Errc::cancelled, "interrupted while hashing {}", tree.root.native());
    RTENV_TRY(contents[i], hash_file(worker, tree, tree.entries[i], options.scheme));
    return {};
  }));
  const auto hasher = TreeHasher::create(options.scheme);
  for (std::size_t i = 0; i < contents.size(); ++i) hasher->add(tree.entries[i], contents[i]);
  return hasher->finish();
}

}  // namespace rtenv::pkg
