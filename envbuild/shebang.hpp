// The first line of scripts that name their interpreter by an absolute path: converted between the
// plain form ("#!/env/bin/python") and the form for paths that the kernel can't use.
//
// The kernel cuts a first line after 127 bytes and its path at a space. For such paths, pip and uv
// write a line for sh that starts the interpreter, in a form that Python reads as a string:
//
//   #!/bin/sh
//   '''exec' "/a long path/bin/python" "$0" "$@"
//   ' '''
#pragma once

#include <string>

namespace rtenv::envbuild {

/// Replaces the form for sh by the plain form. Leaves other texts unchanged.
void use_plain_shebang(std::string& text);

/// Replaces the plain form by the form for sh if the kernel can't use the former. Leaves other
/// texts unchanged.
void use_shell_shebang_if_needed(std::string& text);

}  // namespace rtenv::envbuild
