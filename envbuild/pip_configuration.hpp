// Keeps the passwords in a pip.conf out of the command lines of pip's child processes, see
// netrc_credentials.hpp.
#pragma once

#include "envbuild/installer_run.hpp"

namespace rtenv::envbuild {

/// Sets variables that override what has a password in the configuration that `python -m pip`
/// reads, and provides the passwords by a netrc file. Fails: as InstallerRun::capture and
/// NetrcCredentials::provide.
Result<void> hide_configured_passwords(InstallerRun& run, const Path& python, const Path& scratch);

}  // namespace rtenv::envbuild
