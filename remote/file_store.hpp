// Local files as objects: file:///PATH. The errors are those of the file system, with its codes.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// `cancellation` may be null; otherwise it must outlive the store.
Result<std::unique_ptr<ObjectStore>> open_file_store(const Cancellation* cancellation);

}  // namespace rtenv::remote
