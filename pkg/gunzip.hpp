// Decompresses gzip (RFC 1952): all members of a file, with the checksum and length of each, which
// libarchive doesn't compare. As with gzip(1), what follows the last member is ignored. For one
// thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"

namespace rtenv::pkg {

class Gunzip {
 public:
  /// Returns the next piece of the file, valid until the next call; empty at its end.
  using Pull = std::function<Result<std::span<const std::byte>>()>;

  explicit Gunzip(Pull pull);
  ~Gunzip();

  /// The next piece, valid until the next call; empty at the end. Fails: corrupt, and as `Pull`.
  Result<std::span<const std::byte>> next();

 private:
  struct State;
  Result<bool> begin_member();
  Result<void> refill();

  Pull pull_;
  std::unique_ptr<State> state_;
  std::vector<std::byte> plain_;
};

}  // namespace rtenv::pkg
