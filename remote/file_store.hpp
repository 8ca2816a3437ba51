// Local files as objects: file:///PATH.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

Result<std::unique_ptr<ObjectStore>> open_file_store();

}  // namespace rtenv::remote
