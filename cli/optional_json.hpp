#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace rtenv::cli {

template <class T>
nlohmann::json json_or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

}  // namespace rtenv::cli
