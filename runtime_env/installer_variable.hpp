// What becomes of an environment variable where uv or pip runs.
#pragma once

#include <cstdint>
#include <string_view>

namespace rtenv::runtime_env {

enum class VariableUse : std::uint8_t {
  node,        // the node's is passed, isn't part of the key; what a job sets is ignored
  credential,  // passed; isn't part of the key, whose parts others can read
  machine,     // passed: how the installer runs, and which programs and servers it uses. Part of
               // the key if a job changes it
  setting,     // passed, and part of the key
  hidden,      // not passed
};
/// Of a variable, by its name. uv's and pip's own variables are settings unless known otherwise;
/// so are those that builds from source read (CFLAGS, CMAKE_ARGS, TORCH_CUDA_ARCH_LIST, …). All
/// others are hidden.
VariableUse variable_use(std::string_view name);

}  // namespace rtenv::runtime_env
