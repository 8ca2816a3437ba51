// A short name that no other process or thread uses: for staged files, lock files, holders of
// leases.
#pragma once

#include <string>

namespace rtenv {

/// 24 lower-case hex digits: process id and 64 random bits.
std::string unique_name();

}  // namespace rtenv
