// The ledger's tables.
#pragma once

#include "base/database.hpp"

namespace rtenv::cache {

/// Creates the tables in a new file. Fails: invalid_argument (another version of the schema),
/// corrupt (another database), and as the database. `file` is for the message.
Result<void> prepare_ledger(Database& database, const Path& file);

}  // namespace rtenv::cache
