#include "remote/file_store.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/output_file.hpp"
#include "base/steady_file.hpp"

namespace rtenv::remote {
namespace {

class FileUpload final : public Upload {
 public:
  explicit FileUpload(OutputFile file) : file_(std::move(file)) {}
  Result<void> write(std::span<const std::byte> data) override { return file_.write(data); }
  Result<void> finish() override { return file_.commit(Durability::power_loss); }

 private:
  OutputFile file_;
};

// A file that has just changed may change again with the same times: it has no version yet.
ObjectInfo info_of(const SteadyFile& file) {
  return {.size_bytes = file.size_bytes(),
          .version = file.is_settled() ? file.version() : std::string(),
          .modified_s = file.modified_s()};
}

// A folder's name ends with '/', as in the names of the files below it: sorted by this, they are in
// the order of their whole names.
std::string sort_name(const FolderEntry& entry) {
  return entry.path.native() + (entry.is_directory() ? "/" : "");
}

class FileStore final : public ObjectStore {
 public:
  explicit FileStore(const Cancellation* cancellation) : cancellation_(cancellation) {}

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
    RTENV_TRY(OutputFile file, OutputFile::create(object.path, cancellation_));
    return std::make_unique<FileUpload>(std::move(file));
  }

  Result<void> list(const Uri& prefix, const OnListed& on_listed) override {
    return list_folder(Path(prefix.path).parent_path(), prefix, on_listed);
  }

  Result<void> remove(const Uri& object) override {
    if (::unlink(object.path.c_str()) != 0 && errno != ENOENT)
      return fail_errno("remove", object.path);
    return {};
  }

 private:
  // Keeps the names of one folder at a time, and of those above it.
  Result<void> list_folder(const Path& folder, const Uri& prefix, const OnListed& on_listed) {
    std::vector<std::string> names;
    const auto entries = folder_entries(folder);
    if (!entries && entries.error().code() == Errc::not_found)
      return {};  // or removed in the meantime
    if (!entries) return Failure(entries.error());
    for (const FolderEntry& entry : *entries)
      if (std::string name = sort_name(entry); name.starts_with(prefix.path))
        names.push_back(std::move(name));
    std::ranges::sort(names);
    for (const std::string& name : names) {
      RTENV_TRY(check_not_cancelled(cancellation_, "listing", prefix.shown()));
      RTENV_TRY(name.ends_with('/')
                    ? list_folder(name.substr(0, name.size() - 1), prefix, on_listed)
                    : list_file(name, prefix, on_listed));
    }
    return {};
  }

  Result<void> list_file(const std::string& name, const Uri& prefix, const OnListed& on_listed) {
    struct stat status {};
    if (::stat(name.c_str(), &status) != 0) {
      // Removed in the meantime, or a link that leads to no file.
      if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR) return {};
      return fail_errno("list", name);
    }
    if (!S_ISREG(status.st_mode)) return {};
    Uri uri = prefix;
    uri.path = name;
    return on_listed({std::move(uri), static_cast<std::uint64_t>(status.st_size),
                      std::int64_t{status.st_mtim.tv_sec}});
  }

  const Cancellation* cancellation_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_file_store(const Cancellation* cancellation) {
  return std::make_unique<FileStore>(cancellation);
}

}  // namespace rtenv::remote
