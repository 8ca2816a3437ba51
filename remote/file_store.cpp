#include "remote/file_store.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/steady_file.hpp"

namespace rtenv::remote {
namespace {

class FileUpload final : public Upload {
 public:
  explicit FileUpload(AtomicFile file) : file_(std::move(file)) {}
  Result<void> write(std::span<const std::byte> data) override {
    return write_full(file_.fd(), data, file_.target().native());
  }
  Result<void> finish() override { return file_.commit(); }

 private:
  AtomicFile file_;
};

// A file that has just changed may change again with the same times: it has no version yet.
ObjectInfo info_of(const SteadyFile& file) {
  return {.size_bytes = file.size_bytes(),
          .version = file.is_settled() ? file.version() : std::string(),
          .modified_s = file.modified_s()};
}

class FileStore final : public ObjectStore {
 public:
  Result<ObjectInfo> stat(const Uri& object) override {
    RTENV_TRY(const auto file, SteadyFile::open(object.path));
    return info_of(file);
  }

  // From one descriptor, and as of one moment.
  Result<void> read(const Uri& object, const ObjectInfo& expected, const std::optional<ByteRange>&,
                    const ContentSink& sink) override {
    RTENV_TRY(const auto file, SteadyFile::open(object.path));
    const bool replaced = !expected.version.empty() && file.version() != expected.version;
    if (replaced || file.size_bytes() != expected.size_bytes)
      return fail(Errc::changed, "{} changed before it was read", object.path)
          .hint("retry when no process is changing it");
    return file.read(sink.write);
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object, std::optional<std::uint64_t>) override {
    RTENV_TRY(make_directories(Path(object.path).parent_path()));
    RTENV_TRY(AtomicFile file, AtomicFile::create(object.path));
    return std::make_unique<FileUpload>(std::move(file));
  }

  Result<void> list(const Uri& prefix, const OnListed& on_listed) override {
    const Path folder = Path(prefix.path).parent_path();
    std::vector<ListedObject> objects;
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator each(folder, error), end;
         !error && each != end; each.increment(error)) {
      if (!each->is_regular_file(error) || !each->path().native().starts_with(prefix.path))
        continue;
      Uri uri = prefix;
      uri.path = each->path().native();
      const auto info = stat(uri);
      if (!info) continue;  // removed in the meantime
      objects.push_back({std::move(uri), *info->size_bytes, info->modified_s});
    }
    if (error && error != std::errc::no_such_file_or_directory)
      return fail(system_error(error.value(), "list", folder.native()));
    std::ranges::sort(objects, {}, [](const ListedObject& object) { return object.uri.path; });
    for (ListedObject& object : objects) RTENV_TRY(on_listed(std::move(object)));
    return {};
  }

  Result<void> remove(const Uri& object) override {
    if (::unlink(object.path.c_str()) != 0 && errno != ENOENT)
      return fail_errno("remove", object.path);
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_file_store() { return std::make_unique<FileStore>(); }

}  // namespace rtenv::remote
