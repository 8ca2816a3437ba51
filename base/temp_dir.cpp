#include "base/temp_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/cancellation.hpp"
#include "base/exceptions.hpp"
#include "base/log.hpp"
#include "base/unique_name.hpp"

namespace rtenv {

Result<TempDir> TempDir::create(const Path& parent, const Cancellation* cancellation) {
  const char* configured = std::getenv("TMPDIR");
  const Path default_parent = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  return make((parent.empty() ? default_parent : parent) / ("rtenv-" + unique_name()),
              cancellation);
}

Result<TempDir> TempDir::create_unfinished(const Path& parent, const Cancellation* cancellation) {
  RTENV_TRY(TempDir folder,
            make(parent / fmt::format("{}{}", k_unfinished_prefix, unique_name()), cancellation));
  RTENV_TRY(folder.place_, open_file(folder.path_, O_PATH | O_DIRECTORY));
  return folder;
}

Result<TempDir> TempDir::make(Path path, const Cancellation* cancellation) {
  if (::mkdir(path.c_str(), 0700) != 0) return fail_errno("create directory", path.native());
  return TempDir(std::move(path), cancellation);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, Path());
    place_ = std::move(other.place_);
    cancellation_ = other.cancellation_;
    origin_ = other.origin_;
  }
  return *this;
}

TempDir::~TempDir() { remove(); }

Path TempDir::path_now() const {
  std::error_code error;
  const Path now =
      std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", place_.get()), error);
  return now.filename() == path_.filename() ? now : path_;  // else it is deleted, or not known
}

void TempDir::remove() noexcept {
  if (path_.empty() || !origin_.is_this_process()) return;
  const auto removed = without_exceptions([&]() -> Result<void> {
    const Path path = place_ ? path_now() : path_;
    if (cancellation_ == nullptr || !cancellation_->requested()) {
      auto now = without_exceptions([&] { return remove_tree(path); });
      if (now || cancellation_ == nullptr) return now;
    }
    // There is no time, or there are too few descriptors or too little memory at this moment.
    cancellation_->leave(path);
    return {};
  });
  if (!removed) log::warn("{}", removed.error().message());
  path_.clear();
}

Result<Fd> open_temp_file() {
  RTENV_TRY(const TempDir folder, TempDir::create());
  return open_file(folder.path() / "file", O_RDWR | O_CREAT | O_EXCL, 0600);
}

}  // namespace rtenv
