#include "base/file_system.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/file.hpp"

namespace rtenv {
namespace {

struct NetworkFileSystem {
  unsigned long type;
  std::string_view name;
};
// The magic numbers of linux/magic.h and of the file systems' own sources, see statfs(2).
constexpr std::array<NetworkFileSystem, 10> k_network_file_systems{{{0x6969, "NFS"},
                                                                    {0x517B, "SMB"},
                                                                    {0xFF534D42, "CIFS"},
                                                                    {0xFE534D42, "SMB"},
                                                                    {0x5346414F, "AFS"},
                                                                    {0x00C36400, "CephFS"},
                                                                    {0x0BD00BD0, "Lustre"},
                                                                    {0x47504653, "GPFS"},
                                                                    {0x19830326, "BeeGFS"},
                                                                    {0x01021997, "9P"}}};

constexpr std::string_view k_action = "inspect the file system of";

// f_type of statfs(2).
Result<unsigned long> type_of(const Path& path) {
  struct statfs status {};
  if (::statfs(path.c_str(), &status) != 0) return fail_errno(k_action, path.native());
  return static_cast<unsigned long>(status.f_type);
}

Result<struct statvfs> status_of(const Path& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) return fail_errno(k_action, path.native());
  return status;
}

// A trial: it depends on the kernel's version. False if it can't be tried.
bool reports_mapped_writes(const Path& folder) {
  const Fd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  constexpr std::array<timespec, 2> k_long_ago{};
  // Written first: on a full disk, a write to a mapped hole would be a SIGBUS.
  if (!file || ::pwrite(file.get(), "", 1, 0) != 1 ||
      ::futimens(file.get(), k_long_ago.data()) != 0)
    return false;
  void* const byte = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (byte == MAP_FAILED) return false;
  // A page that was read before may be writable without another fault.
  volatile char* const mapped = static_cast<char*>(byte);
  *mapped = static_cast<char>(*mapped + 1);
  ::munmap(byte, 1);
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 && status.st_mtim.tv_sec != 0;
}

// In /proc/PID/mountinfo, see proc(5): the fifth field, with these characters escaped.
constexpr int k_mount_point_field = 4;
std::string mount_point_text(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\\')
      text += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    else
      text += c;
  }
  return text;
}

std::string_view field_of(std::string_view line, int index) {
  for (; index > 0; --index) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

}  // namespace

std::optional<std::string_view> network_file_system_name(long type) noexcept {
  for (const auto& [known, name] : k_network_file_systems)
    if (static_cast<unsigned long>(type) == known) return name;
  return std::nullopt;
}

Result<std::optional<std::string_view>> network_file_system(const Path& path) {
  RTENV_TRY(const unsigned long type, type_of(path));
  return network_file_system_name(static_cast<long>(type));
}

Result<bool> is_overlay_file_system(const Path& path) {
  RTENV_TRY(const unsigned long type, type_of(path));
  return type == OVERLAYFS_SUPER_MAGIC;
}

Result<ChangeTimes> change_times(const Path& folder) {
  RTENV_TRY(const unsigned long type, type_of(folder));
  switch (type) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC: return ChangeTimes::every_change;
    case TMPFS_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
      return reports_mapped_writes(folder) ? ChangeTimes::every_change
                                           : ChangeTimes::not_mapped_writes;
    default: return ChangeTimes::unknown;
  }
}

Result<bool> has_mounts_below(const Path& folder) {
  std::error_code error;
  const Path canonical = std::filesystem::canonical(folder, error);
  if (error) return fail(system_error(error.value(), k_action, folder.native()));
  RTENV_TRY(const std::string mounts, read_file("/proc/self/mountinfo"));
  const std::string wanted = mount_point_text(canonical.native());
  for (std::size_t begin = 0; begin < mounts.size();) {
    const std::size_t end = std::min(mounts.find('\n', begin), mounts.size());
    const std::string_view point =
        field_of(std::string_view(mounts).substr(begin, end - begin), k_mount_point_field);
    if (point == wanted || (point.starts_with(wanted) && point[wanted.size()] == '/')) return true;
    begin = end + 1;
  }
  return false;
}

Result<bool> is_read_only_file_system(const Path& path) {
  RTENV_TRY(const auto status, status_of(path));
  return (status.f_flag & ST_RDONLY) != 0;
}

Result<std::uint64_t> free_space_bytes(const Path& path) {
  RTENV_TRY(const auto status, status_of(path));
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

bool is_made_on_reading(const Fd& file) noexcept {
  constexpr std::array<std::uint32_t, 7> k_file_systems{
      PROC_SUPER_MAGIC, SYSFS_MAGIC,        DEBUGFS_MAGIC,      TRACEFS_MAGIC,
      SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC};
  struct statfs file_system {};
  return ::fstatfs(file.get(), &file_system) == 0 &&
         std::ranges::find(k_file_systems, static_cast<std::uint32_t>(file_system.f_type)) !=
             k_file_systems.end();
}

}  // namespace rtenv
