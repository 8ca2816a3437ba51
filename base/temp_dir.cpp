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
  return make(parent / fmt::format("{}{}", k_unfinished_prefix, unique_name()), cancellation);
}

Result<TempDir> TempDir::make(Path path, const Cancellation* cancellation) {
  if (::mkdir(path.c_str(), 0700) != 0) return fail_errno("create directory", path.native());
  return TempDir(std::move(path), cancellation);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, Path());
    cancellation_ = other.cancellation_;
  }
  return *this;
}

TempDir::~TempDir() { remove(); }

void TempDir::remove() noexcept {
  if (path_.empty() || !origin_.is_this_process()) return;
  const auto removed = without_exceptions([&]() -> Result<void> {
    if (cancellation_ == nullptr || !cancellation_->requested()) {
      auto now = without_exceptions([&] { return remove_tree(path_); });
      if (now || cancellation_ == nullptr) return now;
    }
    // There is no time, or there are too few descriptors or too little memory at this moment.
    cancellation_->leave(path_);
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
