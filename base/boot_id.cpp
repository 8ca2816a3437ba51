#include "base/boot_id.hpp"

#include "base/file.hpp"
#include "base/text.hpp"

namespace rtenv {

std::string boot_id() {
  const auto text = read_file("/proc/sys/kernel/random/boot_id");
  return text ? std::string(trim(*text)) : std::string();
}

}  // namespace rtenv
