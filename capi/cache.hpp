// The cache of the C functions. Internal to this folder.
#pragma once

#include "capi/call.hpp"
#include "rtenv/cache.hpp"

struct rtenv_cache {
  rtenv::Cache cache;
  std::string root;
  std::string digest_folder;
};

struct rtenv_lease {
  std::string path;
  std::optional<rtenv::Lease> lease;
};
