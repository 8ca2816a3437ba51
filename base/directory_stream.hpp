// Lists a directory by descriptor, without following a symbolic link to it.
#pragma once

#include <dirent.h>

#include <memory>

#include "base/fd.hpp"

namespace rtenv {

struct CloseDirectory {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

/// Errors name the directory as `shown`.
Result<DirectoryStream> list_directory(Fd folder, const Path& shown);
Result<DirectoryStream> list_directory_at(int parent, const char* name, const Path& shown);

/// The next entry other than "." and ".."; null at the end. Valid until the next call.
const dirent* next_entry(DIR* stream);

}  // namespace rtenv
