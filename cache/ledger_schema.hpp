// The ledger's tables, version by version: each version of rtenv knows how to make those before it
// its own.
#pragma once

#include "base/database.hpp"

namespace rtenv::cache {

/// Makes the tables, or brings them to this version. Fails: invalid_argument where a newer rtenv
/// made them; `file` is for the message.
Result<void> migrate_ledger(Database& database, const Path& file);

}  // namespace rtenv::cache
