#pragma once

#include "base/fd.hpp"

namespace rtenv::server {

/// Gives a descriptor to a socket or descriptor of Asio. Throws what its `assign` throws, also
/// std::bad_alloc; then the descriptor is closed.
template <class AsioObject, class... Protocol>
void hand_over(Fd fd, AsioObject& to, const Protocol&... protocol) {
  to.assign(protocol..., fd.get());
  fd.release();
}

}  // namespace rtenv::server
