#include "pkg/fast_stream.hpp"

#include <isa-l/igzip_lib.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <new>

namespace rtenv::pkg {
namespace {

// ISA-L sees the same address anywhere within a slot.
constexpr std::uintptr_t k_slot_bytes = 1 << 16;
// For level 1's hash table; smaller tables use fewer bits.
constexpr std::uint32_t k_hash_mask = (1 << 13) - 1;

constexpr std::array<std::uint32_t, 256> k_crc32c_table = [] {
  constexpr std::uint32_t k_polynomial = 0x82f63b78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1U) ^ ((value & 1U) != 0 ? k_polynomial : 0);
    table[byte] = value;
  }
  return table;
}();

// CRC-32C of four bytes with the seed 0, as the processor's crc32 instruction computes it.
std::uint32_t isal_hash(std::uint32_t value) {
  for (int byte = 0; byte < 4; ++byte) value = (value >> 8U) ^ k_crc32c_table[value & 0xffU];
  return value;
}

void* map_at(std::uintptr_t address, int flags) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the address is chosen as a number
  return ::mmap(reinterpret_cast<void*>(address), sizeof(isal_zstream), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

}  // namespace

void UnmapStream::operator()(isal_zstream* stream) const noexcept {
  ::munmap(stream, sizeof(isal_zstream));
}

FastStream make_fast_stream() {
  // Search downward from where the kernel would map it; one slot in 8192 has the right hash.
  void* const anywhere = map_at(0, 0);
  if (anywhere == MAP_FAILED) throw std::bad_alloc();
  ::munmap(anywhere, sizeof(isal_zstream));
  constexpr std::uintptr_t k_max_slots = 1 << 22;
  auto address = reinterpret_cast<std::uintptr_t>(anywhere) / k_slot_bytes * k_slot_bytes;
  for (std::uintptr_t slot = 0; slot < k_max_slots && address > k_slot_bytes;
       ++slot, address -= k_slot_bytes) {
    if ((isal_hash(static_cast<std::uint32_t>(address / k_slot_bytes)) & k_hash_mask) != 0)
      continue;
    void* const place = map_at(address, MAP_FIXED_NOREPLACE);
    if (reinterpret_cast<std::uintptr_t>(place) == address)
      return FastStream(static_cast<isal_zstream*>(place));
    // Kernels before 4.17 take the address as a hint only.
    if (place != MAP_FAILED) ::munmap(place, sizeof(isal_zstream));
  }
  throw std::bad_alloc();
}

}  // namespace rtenv::pkg
