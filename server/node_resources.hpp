// The resources of this machine that jobs can use.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/environment.hpp"

namespace rtenv::server {

struct NodeResources {
  double cpus = 0;
  std::vector<int> gpus;     // their numbers, as in gpu_variable
  std::string gpu_variable;  // the environment variable that selects the GPUs of a process
  std::int64_t memory_bytes = 0;
  std::map<std::string, double> custom;
};

/// Detects CPUs and memory within the limits of affinity and cgroup, and the GPUs of NVIDIA or AMD,
/// only those listed in CUDA_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES if it is set. `root`: replaces
/// "/" in tests.
NodeResources find_node_resources(const Environment& environment, const Path& root = "/");

}  // namespace rtenv::server
