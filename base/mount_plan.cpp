#include "base/mount_plan.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/pipe.hpp"

namespace rtenv {
namespace {

// As in <linux/mount.h>, which can't be included together with <sys/mount.h>.
struct MountAttributes {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  std::uint64_t propagation = 0;
  std::uint64_t user_namespace = 0;
};
constexpr std::uint64_t k_attribute_read_only = 1;

// The mount option's parser takes ':' and ',' as separators.
std::string escaped(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (c == '\\' || c == ':' || c == ',') result += '\\';
    result += c;
  }
  return result;
}

// `volatile`: without it, the kernel syncs the whole file system when the overlay is unmounted.
// `redirect_dir`: rename(2) of a folder of the lower tree. In a user namespace the kernel keeps its
// marks in user.* attributes instead and doesn't allow such renames.
std::string overlay_options(const Path& lower, bool own_user_namespace) {
  return fmt::format("lowerdir={},upperdir=upper,workdir=work,volatile,{}", escaped(lower.native()),
                     own_user_namespace ? "userxattr" : "redirect_dir=on,metacopy=off");
}

bool write_file(const char* path, const std::string& text) noexcept {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return written;
}

bool bind_to_itself(const std::string& path) noexcept {
  return ::mount(path.c_str(), path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
}

bool change_mount(const std::string& path, unsigned flags,
                  const MountAttributes& attributes) noexcept {
  return ::syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), flags, &attributes,
                   sizeof attributes) == 0;
}

// With what is mounted below it.
bool make_mounts_read_only(const std::string& path) noexcept {
  return change_mount(path, AT_RECURSIVE, {.set = k_attribute_read_only});
}

bool make_mount_writable(const std::string& path) noexcept {
  return change_mount(path, 0, {.clear = k_attribute_read_only});
}

// The mount option `volatile` leaves a mark in the work folder that refuses further mounts.
Result<void> renew_work_folder(const Path& overlay) {
  RTENV_TRY(remove_tree(overlay / "work"));
  return make_directories(overlay / "work");
}

struct Attempt {
  int error_number;
  const char* failed;  // null: it succeeded
};

}  // namespace

MountPlan::MountPlan(const Inputs& inputs)
    : own_user_namespace_(inputs.own_user_namespace),
      uid_map_(fmt::format("{0} {0} 1", ::geteuid())),
      gid_map_(fmt::format("{0} {0} 1", ::getegid())),
      read_only_(inputs.read_only.native()) {
  for (const Path& path : inputs.writable) writable_.push_back(path.native());
  if (!inputs.overlay) return;
  overlay_folder_ = inputs.overlay->folder.native();
  overlay_target_ = inputs.overlay->target().native();
  overlay_options_ = overlay_options(inputs.overlay->lower, own_user_namespace_);
}

bool MountPlan::map_ids() const noexcept {
  return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", uid_map_) &&
         write_file("/proc/self/gid_map", gid_map_);
}

const char* MountPlan::enter() const noexcept {
  if (::unshare(CLONE_NEWNS | (own_user_namespace_ ? CLONE_NEWUSER : 0)) != 0)
    return own_user_namespace_ ? "create a user namespace for" : "create a mount namespace for";
  if (own_user_namespace_ && !map_ids()) return "map the user's id for";
  // Mounts of the host still reach the job, but the job's don't reach the host.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return "separate mounts for";
  if (!overlay_folder_.empty() &&
      (::chdir(overlay_folder_.c_str()) != 0 ||
       ::mount("rtenv", overlay_target_.c_str(), "overlay", 0, overlay_options_.c_str()) != 0))
    return "mount an overlay as";
  for (const std::string& path : writable_)
    if (!bind_to_itself(path)) return "keep a folder writable for";
  if (!bind_to_itself(read_only_) || !make_mounts_read_only(read_only_))
    return "mount the cache read-only for";
  if (!overlay_target_.empty() && !make_mount_writable(overlay_target_))
    return "make an overlay writable as";
  for (const std::string& path : writable_)
    if (!make_mount_writable(path)) return "keep a folder writable for";
  return nullptr;
}

Result<void> MountPlan::renew() const {
  return overlay_folder_.empty() ? Result<void>() : renew_work_folder(overlay_folder_);
}

Result<void> MountPlan::try_out() const {
  RTENV_TRY(Pipe report, Pipe::create());
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("start", "a process");
  if (pid == 0) {
    const char* const failed = enter();
    const Attempt attempt{errno, failed};
    [[maybe_unused]] const auto written = ::write(report.write_end.get(), &attempt, sizeof attempt);
    ::_exit(0);
  }
  report.write_end.reset();
  Attempt attempt{ECHILD, "try mounts for"};
  const auto reported =
      read_full(report.read_end, std::as_writable_bytes(std::span(&attempt, 1)), "a pipe");
  ::waitpid(pid, nullptr, 0);
  RTENV_TRY(reported);
  if (attempt.failed == nullptr) return {};
  return fail(system_error(attempt.error_number, attempt.failed,
                           overlay_target_.empty() ? read_only_ : overlay_target_));
}

Result<void> make_overlay_folders(const Overlay& overlay) {
  for (const Path& path : {overlay.folder / "upper", overlay.folder / "work", overlay.target()})
    RTENV_TRY(make_directories(path));
  return {};
}

Result<void> renew_overlay(const Overlay& overlay) { return renew_work_folder(overlay.folder); }

bool is_unchanged_overlay(const Path& folder) {
  const auto entries = folder_entries(folder);
  return entries && std::ranges::all_of(*entries, [](const FolderEntry& entry) {
           const std::string name = entry.name();
           if (name != "upper" && name != "work" && name != "working_dir") return false;
           const auto below = folder_entries(entry.path);
           return name == "work" || (below && below->empty());
         });
}

}  // namespace rtenv
