#include "base/database_files.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace rtenv {

Result<std::unique_ptr<DatabaseFiles>> DatabaseFiles::at(const Path& path) {
  const Path folder = path.has_parent_path() ? path.parent_path() : Path(".");
  Fd fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open", folder.native());
  return std::unique_ptr<DatabaseFiles>(new DatabaseFiles(path, std::move(fd)));
}

DatabaseFiles::DatabaseFiles(Path path, Fd folder)
    : path_(std::move(path)), folder_(std::move(folder)) {
  const Path in_folder = fmt::format("/proc/self/fd/{}", folder_.get());
  // Without /proc, the path has to do.
  path_in_folder_ = ::access(in_folder.c_str(), F_OK) == 0 ? in_folder / name() : path_;
  OpenDatabases::of_process().begin_use();
}

// The list of a fork has none of its parent's.
DatabaseFiles::~DatabaseFiles() {
  if (!origin_.is_this_process()) return;
  if (open_) OpenDatabases::of_process().remove(*open_);
  OpenDatabases::of_process().end_use();
}

Result<void> DatabaseFiles::note_open(sqlite3* handle) {
  const auto folder = file_id(folder_.get(), "");
  const auto file = file_id(folder_.get(), name().c_str());
  // Compares the file that SQLite has open with that of its name.
  int moved = 1;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (!folder || !file || moved != 0) return fail_exchanged();
  open_ = OpenDatabases::of_process().add({.folder = *folder,
                                           .file = *file,
                                           .folder_number = folder_.get(),
                                           .file_name = name(),
                                           .index_name = name() + "-shm"});
  return open_ ? Result<void>() : fail_exchanged();
}

void DatabaseFiles::note_index() { OpenDatabases::of_process().note_index(*open_); }

Result<void> DatabaseFiles::check_present() const {
  if (file_id(AT_FDCWD, path_.c_str()) != (*open_)->file) return fail_exchanged();
  return {};
}

Failure DatabaseFiles::fail_exchanged() const {
  return fail(Errc::unavailable, "{} was removed or replaced while it was in use", path_.native())
      .hint("open it again, or restart the program that uses it");
}

}  // namespace rtenv
