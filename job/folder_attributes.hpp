// The attributes of a folder that aren't in its mode: owner, ACLs and other extended attributes,
// and flags such as "immutable".
#pragma once

#include "base/fd.hpp"

namespace rtenv::job {

/// Whether the folder has the owner and the flags of `reference`, and no ACL or extended attribute
/// that a folder created in `reference` wouldn't get by itself. Can be false for a folder that is
/// as it was created, in a folder with a default ACL. Fails: by errno.
Result<bool> has_default_attributes(const Fd& folder, const Fd& reference, const Path& shown);

}  // namespace rtenv::job
