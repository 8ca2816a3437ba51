#include "pkg/unpack_target.hpp"

#include <sys/stat.h>

#include <vector>

#include "pkg/entry_check.hpp"
#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_piece_bytes = 1 << 18;

class FolderTarget : public UnpackTarget {
 public:
  explicit FolderTarget(TargetFolder folder) : folder_(std::move(folder)) {}

  Result<void> make_directory(const std::string& path, mode_t permissions) override {
    return folder_.make_directory(path, permissions);
  }

  Result<void> make_link(const std::string& path, const std::string& target) override {
    return folder_.make_link(path, target);
  }

  Result<void> begin_file(const std::string& path, mode_t permissions) override {
    RTENV_TRY(file_, folder_.create_file(path, permissions));
    path_ = path;
    return {};
  }

  Result<void> write(std::span<const std::byte> data) override {
    return write_full(file_, data, path_);
  }

  Result<void> finish_file() override {
    file_.reset();
    return {};
  }

  Result<void> copy_file(const std::string& path, const std::string& original,
                         UnpackBudget& budget) override {
    const auto opened = folder_.open_created_file(original);
    if (!opened && (opened.error().code() == Errc::not_found ||
                    opened.error().code() == Errc::invalid_argument))
      return refuse_hard_link(path);
    if (!opened) return Failure(opened.error());
    const Fd& source = *opened;
    struct stat status {};
    if (::fstat(source.get(), &status) != 0) return fail_errno("read", original);
    if (!S_ISREG(status.st_mode)) return refuse_hard_link(path);
    RTENV_TRY(begin_file(path, status.st_mode & 0777U));
    std::vector<std::byte> buffer(k_piece_bytes);
    for (std::size_t count = buffer.size(); count == buffer.size();) {
      RTENV_TRY(count, read_full(source, buffer, original));
      RTENV_TRY(budget.add_bytes(count));
      RTENV_TRY(write(std::span(buffer).first(count)));
    }
    return finish_file();
  }

 private:
  TargetFolder folder_;
  Fd file_;
  std::string path_;
};

}  // namespace

MakeTarget unpack_into(const Path& folder, Modes modes) {
  return [=]() -> Result<std::unique_ptr<UnpackTarget>> {
    RTENV_TRY(TargetFolder target, TargetFolder::open(folder, modes));
    return std::make_unique<FolderTarget>(std::move(target));
  };
}

}  // namespace rtenv::pkg
