#include "base/output_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace rtenv {
namespace {

constexpr int k_max_links = 40;  // as in Linux

}  // namespace

Result<OutputFile> OutputFile::create(const Path& path) {
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    RTENV_TRY(Fd stream, open_file(path, O_WRONLY));
    return OutputFile(std::move(stream));
  }
  // What a link leads to need not exist.
  Path target = path;
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(target, error); ++links) {
    if (links == k_max_links) return fail(system_error(ELOOP, "write", path.native()));
    target = target.parent_path() / std::filesystem::read_symlink(target, error);
  }
  RTENV_TRY(AtomicFile file, AtomicFile::create(std::move(target)));
  return OutputFile(std::move(file));
}

Result<OutputFile> OutputFile::standard() {
  Fd stream(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!stream) return fail_errno("write", "standard output");
  return OutputFile(std::move(stream));
}

const Fd& OutputFile::fd() const noexcept {
  if (const auto* file = std::get_if<AtomicFile>(&output_)) return file->fd();
  return *std::get_if<Fd>(&output_);
}

Result<void> OutputFile::commit() {
  auto* const file = std::get_if<AtomicFile>(&output_);
  return file != nullptr ? file->commit(Durability::process) : Result<void>();
}

Result<void> OutputFile::commit_as(const Path& target) {
  return std::get<AtomicFile>(output_).commit_as(target, Durability::process);
}

}  // namespace rtenv
