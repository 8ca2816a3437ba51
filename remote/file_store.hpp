// Files of this machine as objects, file:///path.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

Result<std::unique_ptr<ObjectStore>> open_file_store();

}  // namespace rtenv::remote
