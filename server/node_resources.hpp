// What this machine has for jobs: found by itself, or as given.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/environment.hpp"

namespace rtenv::server {

struct NodeResources {
  double cpus = 0;
  std::vector<int> gpus;     // their numbers, as the variable below wants them
  std::string gpu_variable;  // that says which of them a process sees; empty where there are none
  std::int64_t memory_bytes = 0;
  std::map<std::string, double> custom;
};

/// CPUs that this process may use, cgroup's quota included; NVIDIA's and AMD's GPUs by their device
/// files, of those only what CUDA_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES lets this process see;
/// memory, cgroup's limit included. `root`: instead of "/", for tests.
NodeResources find_node_resources(const Environment& environment, const Path& root = "/");

}  // namespace rtenv::server
