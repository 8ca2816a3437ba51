#include "support/scarce_memory.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace rtenv {
namespace {

constexpr long k_plenty = std::numeric_limits<long>::max() / 2;
std::atomic<long> left{k_plenty};
std::atomic<bool> lasting{false};
std::atomic<bool> of_this_thread{false};
thread_local bool is_of_the_object = false;

bool may_allocate() {
  if (left.load(std::memory_order_relaxed) == k_plenty) return true;
  if (is_of_the_object != of_this_thread.load()) return true;
  const long before = left.fetch_sub(1);
  return before > 0 || (before < 0 && !lasting.load());
}

}  // namespace

ScarceMemory::ScarceMemory(For threads, Lack lack, long allowed) {
  is_of_the_object = true;
  of_this_thread = threads == For::this_thread;
  lasting = lack == Lack::lasting;
  left = allowed;
}

ScarceMemory::~ScarceMemory() {
  left = k_plenty;
  is_of_the_object = false;
}

bool ScarceMemory::has_failed() { return left.load() < 0; }

}  // namespace rtenv

// Of this program, also for the libraries that it loads.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (!rtenv::may_allocate()) throw std::bad_alloc();
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

// What Asio allocates with.
extern "C" [[gnu::noinline]] void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return rtenv::may_allocate() ? ::memalign(alignment, size) : nullptr;
}
