#include "remote/file_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/file.hpp"

namespace rtenv::remote {
namespace {

constexpr std::time_t k_settle_time_s = 2;
constexpr std::size_t k_buffer_bytes = 256U << 10U;

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

class FileStore final : public ObjectStore {
 public:
  Result<ObjectInfo> stat(const Uri& object) override {
    struct stat status {};
    if (::stat(object.path.c_str(), &status) != 0) return fail_errno("read", object.path);
    if (!S_ISREG(status.st_mode))
      return fail(Errc::invalid_argument, "{} isn't a file", object.path);
    ObjectInfo info{.size_bytes = static_cast<std::uint64_t>(status.st_size),
                    .version = {},
                    .ranges = true,
                    .modified_s = status.st_mtim.tv_sec};
    // A file that has just changed may change again within the clock's resolution, with the same
    // times: it has no version yet.
    if (std::time(nullptr) - status.st_ctim.tv_sec > k_settle_time_s)
      info.version =
          fmt::format("{}-{}-{}.{}-{}.{}", status.st_dev, status.st_ino, status.st_mtim.tv_sec,
                      status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    return info;
  }

  Result<void> read(const Uri& object, const ObjectInfo& expected,
                    const std::optional<ByteRange>& range, const BodySink& sink) override {
    RTENV_TRY(const Fd file, open_regular_file(object.path, O_RDONLY));
    const auto [offset, size_bytes] = range.value_or(ByteRange{0, expected.size_bytes.value_or(0)});
    std::vector<std::byte> buffer(k_buffer_bytes);
    for (std::uint64_t done = 0; done < size_bytes;) {
      const auto wanted =
          std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), size_bytes - done));
      RTENV_TRY(const std::size_t count,
                read_full_at(file, wanted, static_cast<off_t>(offset + done), object.path));
      if (count == 0) return fail(Errc::corrupt, "{} changed while it was read", object.path);
      RTENV_TRY(sink(wanted.first(count)));
      done += count;
    }
    return {};
  }

  Result<std::unique_ptr<Upload>> upload(const Uri& object, std::optional<std::uint64_t>) override {
    RTENV_TRY(make_directories(Path(object.path).parent_path()));
    RTENV_TRY(AtomicFile file, AtomicFile::create(object.path));
    return std::make_unique<FileUpload>(std::move(file));
  }

  Result<std::vector<ListedObject>> list(const Uri& prefix) override {
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
    return objects;
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
