#include "pkg/zip_format.hpp"

#include <isa-l/crc.h>

namespace rtenv::pkg::zip {

std::uint32_t crc32(std::uint32_t seed, std::span<const std::byte> data) {
  return crc32_gzip_refl(seed, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

}  // namespace rtenv::pkg::zip
