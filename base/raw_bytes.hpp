// A byte vector whose resize doesn't zero the new bytes: for buffers that are overwritten anyway.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace rtenv {

/// An allocator whose value-initialization is default-initialization.
template <class T>
struct UninitializedAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = UninitializedAllocator<U>;
  };
  // Called by resize(n): leaves a byte uninitialized.
  template <class U>
  void construct(U* place) noexcept(std::is_nothrow_default_constructible_v<U>) {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }
};

using RawBytes = std::vector<std::byte, UninitializedAllocator<std::byte>>;

}  // namespace rtenv
