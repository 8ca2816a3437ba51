#include "runtime_env/installer_variable.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/encoding.hpp"

namespace rtenv::runtime_env {
namespace {

// '*' stands for any text.
struct Rule {
  std::string_view pattern;
  VariableUse use;
};
constexpr auto k_node = VariableUse::node;
constexpr auto k_credential = VariableUse::credential;
constexpr auto k_machine = VariableUse::machine;
constexpr auto k_setting = VariableUse::setting;
constexpr auto k_hidden = VariableUse::hidden;

// The first that matches decides.
constexpr std::array k_rules{
    // They would choose another environment than rtenv's, or another folder.
    Rule{"UV_PYTHON", k_hidden},
    Rule{"UV_PROJECT*", k_hidden},
    Rule{"UV_SYSTEM_PYTHON", k_hidden},
    Rule{"UV_TARGET", k_hidden},
    Rule{"UV_PREFIX", k_hidden},
    Rule{"UV_WORKING_DIR*", k_hidden},
    Rule{"UV_ENV_FILE", k_hidden},
    Rule{"UV_BREAK_SYSTEM_PACKAGES", k_hidden},
    Rule{"UV_VENV_*", k_hidden},
    Rule{"UV_TOOL_*", k_hidden},
    Rule{"UV_PUBLISH_*", k_hidden},
    Rule{"UV_LINK_MODE", k_hidden},
    Rule{"UV_COMPILE_BYTECODE", k_hidden},
    Rule{"PIP_TARGET", k_hidden},
    Rule{"PIP_PREFIX", k_hidden},
    Rule{"PIP_ROOT", k_hidden},
    Rule{"PIP_USER", k_hidden},
    Rule{"PIP_REQUIRE_VIRTUALENV", k_hidden},
    Rule{"PIP_PYTHON", k_hidden},
    Rule{"PIP_REQUIREMENT", k_hidden},
    Rule{"PIP_EDITABLE", k_hidden},
    Rule{"PIP_REPORT", k_hidden},
    Rule{"PIP_DRY_RUN", k_hidden},
    Rule{"PIP_BREAK_SYSTEM_PACKAGES", k_hidden},
    // How uv and pip run, and which caches they trust.
    Rule{"UV_CACHE_DIR", k_node},
    Rule{"UV_NO_CACHE", k_machine},
    Rule{"UV_OFFLINE", k_machine},
    Rule{"UV_HTTP_*", k_machine},
    Rule{"UV_REQUEST_TIMEOUT", k_machine},
    Rule{"UV_LOCK_TIMEOUT", k_machine},
    Rule{"UV_CONCURRENT_*", k_machine},
    Rule{"UV_STACK_SIZE", k_machine},
    Rule{"UV_KEYRING_PROVIDER", k_machine},
    Rule{"UV_INDEX_*_USERNAME", k_credential},
    Rule{"UV_INDEX_*_PASSWORD", k_credential},
    Rule{"UV_NATIVE_TLS", k_machine},
    Rule{"UV_SYSTEM_CERTS", k_machine},
    Rule{"UV_INSECURE_HOST", k_machine},
    Rule{"UV_NO_PROGRESS", k_machine},
    Rule{"UV_PREVIEW*", k_machine},
    Rule{"UV_LOG_CONTEXT", k_node},
    Rule{"UV_CREDENTIALS_DIR", k_node},
    Rule{"UV_NO_WRAP", k_machine},
    Rule{"UV_INSTALL_DIR", k_node},
    Rule{"UV_GITHUB_TOKEN", k_credential},
    Rule{"UV_UPLOAD_*", k_node},
    Rule{"PIP_CACHE_DIR", k_node},
    Rule{"PIP_NO_CACHE_DIR", k_machine},
    Rule{"PIP_CERT", k_machine},
    Rule{"PIP_CLIENT_CERT", k_machine},
    Rule{"PIP_PROXY", k_machine},
    Rule{"PIP_TIMEOUT", k_machine},
    Rule{"PIP_DEFAULT_TIMEOUT", k_machine},
    Rule{"PIP_RETRIES", k_machine},
    Rule{"PIP_QUIET", k_machine},
    Rule{"PIP_VERBOSE", k_machine},
    Rule{"PIP_NO_COLOR", k_machine},
    Rule{"PIP_PROGRESS_BAR", k_machine},
    Rule{"PIP_DISABLE_PIP_VERSION_CHECK", k_machine},
    Rule{"PIP_NO_INPUT", k_machine},
    Rule{"PIP_KEYRING_PROVIDER", k_machine},
    Rule{"PIP_LOG", k_node},
    Rule{"PIP_DEBUG", k_node},
    Rule{"PIP_ROOT_USER_ACTION", k_machine},
    Rule{"PIP_TRUSTED_HOST", k_machine},
    Rule{"PIP_NO_PYTHON_VERSION_WARNING", k_machine},
    Rule{"PIP_USE_FEATURE", k_machine},
    // What uv and pip install.
    Rule{"UV_*", k_setting},
    Rule{"PIP_*", k_setting},
    // Builds from source.
    Rule{"CC", k_setting},
    Rule{"CXX", k_setting},
    Rule{"CPP", k_setting},
    Rule{"FC", k_setting},
    Rule{"F77", k_setting},
    Rule{"F90", k_setting},
    Rule{"AR", k_setting},
    Rule{"AS", k_setting},
    Rule{"LD", k_setting},
    Rule{"NM", k_setting},
    Rule{"RANLIB", k_setting},
    Rule{"LDSHARED", k_setting},
    Rule{"LDCXXSHARED", k_setting},
    Rule{"CFLAGS", k_setting},
    Rule{"CXXFLAGS", k_setting},
    Rule{"CPPFLAGS", k_setting},
    Rule{"FFLAGS", k_setting},
    Rule{"FCFLAGS", k_setting},
    Rule{"LDFLAGS", k_setting},
    Rule{"ARFLAGS", k_setting},
    Rule{"ARCHFLAGS", k_setting},
    Rule{"LIBS", k_setting},
    Rule{"CPATH", k_setting},
    Rule{"C_INCLUDE_PATH", k_setting},
    Rule{"CPLUS_INCLUDE_PATH", k_setting},
    Rule{"LIBRARY_PATH", k_setting},
    Rule{"PKG_CONFIG*", k_setting},
    Rule{"CMAKE_*", k_setting},
    Rule{"SKBUILD*", k_setting},
    Rule{"MESON*", k_setting},
    Rule{"SETUPTOOLS_*", k_setting},
    Rule{"DISTUTILS_*", k_setting},
    Rule{"PBR_*", k_setting},
    Rule{"HATCH_*", k_setting},
    Rule{"PDM_*", k_setting},
    Rule{"POETRY_*", k_setting},
    Rule{"CYTHON*", k_setting},
    Rule{"MYPYC_*", k_setting},
    Rule{"NPY_*", k_setting},
    Rule{"NUMPY_*", k_setting},
    Rule{"OPENBLAS", k_setting},
    Rule{"OPENBLAS_HOME", k_setting},
    Rule{"OPENBLAS_ROOT", k_setting},
    Rule{"BLAS*", k_setting},
    Rule{"LAPACK*", k_setting},
    Rule{"MKLROOT", k_setting},
    Rule{"MKL_ROOT", k_setting},
    Rule{"HDF5_*", k_setting},
    Rule{"GDAL_*", k_setting},
    Rule{"GEOS_*", k_setting},
    Rule{"PROJ_*", k_setting},
    Rule{"GRPC_PYTHON_*", k_setting},
    Rule{"RUSTFLAGS", k_setting},
    Rule{"MATURIN_*", k_setting},
    Rule{"PYO3_*", k_setting},
    Rule{"CUDACXX", k_setting},
    Rule{"CUDAFLAGS", k_setting},
    Rule{"CUDAARCHS", k_setting},
    Rule{"CUDAHOSTCXX", k_setting},
    Rule{"CUDA_HOME", k_setting},
    Rule{"CUDA_PATH", k_setting},
    Rule{"CUDA_ROOT", k_setting},
    Rule{"CUDA_ARCH*", k_setting},
    Rule{"CUDA_TOOLKIT_*", k_setting},
    Rule{"CUDNN_*", k_setting},
    Rule{"NCCL_HOME", k_setting},
    Rule{"NCCL_ROOT*", k_setting},
    Rule{"NCCL_INCLUDE_DIR", k_setting},
    Rule{"NCCL_LIB*", k_setting},
    Rule{"NVCC*", k_setting},
    Rule{"FORCE_CUDA", k_setting},
    Rule{"TORCH_CUDA_ARCH_LIST", k_setting},
    Rule{"TORCH_DONT_*", k_setting},
    Rule{"PYTORCH_BUILD_*", k_setting},
    Rule{"PYTORCH_ROCM_ARCH", k_setting},
    Rule{"ROCM_HOME", k_setting},
    Rule{"ROCM_PATH", k_setting},
    Rule{"HIP_HOME", k_setting},
    Rule{"HIP_PATH", k_setting},
    Rule{"HIPFLAGS", k_setting},
    Rule{"FLASH_ATTENTION_*", k_setting},
    Rule{"FLASH_ATTN_*", k_setting},
    Rule{"XFORMERS_*", k_setting},
    Rule{"DS_BUILD_*", k_setting},
    Rule{"VLLM_TARGET_DEVICE", k_setting},
    Rule{"VLLM_USE_PRECOMPILED*", k_setting},
    Rule{"VLLM_PRECOMPILED_*", k_setting},
    Rule{"VLLM_VERSION_OVERRIDE", k_setting},
    Rule{"HOROVOD_*", k_setting},
    Rule{"TF_NEED_*", k_setting},
    Rule{"TF_CUDA_*", k_setting},
    Rule{"TF_SYSTEM_LIBS", k_setting},
    Rule{"USE_*", k_setting},
    Rule{"WITH_*", k_setting},
    Rule{"SOURCE_DATE_EPOCH", k_setting},
    // The machine.
    Rule{"RTENV_*", k_node},
    Rule{"PATH", k_machine},
    Rule{"HOME", k_machine},
    Rule{"USER", k_node},
    Rule{"LOGNAME", k_node},
    Rule{"SHELL", k_node},
    Rule{"TERM", k_node},
    Rule{"TZ", k_node},
    Rule{"LANG", k_node},
    Rule{"LANGUAGE", k_node},
    Rule{"LC_*", k_node},
    Rule{"TMPDIR", k_node},
    Rule{"TMP", k_node},
    Rule{"TEMP", k_node},
    Rule{"XDG_*", k_machine},
    Rule{"LD_LIBRARY_PATH", k_machine},
    Rule{"MAKEFLAGS", k_machine},
    Rule{"MAX_JOBS", k_machine},
    Rule{"CARGO_BUILD_*", k_setting},
    Rule{"CARGO_ENCODED_RUSTFLAGS", k_setting},
    Rule{"CARGO_PROFILE_*", k_setting},
    Rule{"CARGO_TARGET_*", k_setting},
    Rule{"CARGO_*", k_machine},
    Rule{"RUSTUP_*", k_machine},
    Rule{"CCACHE_*", k_machine},
    Rule{"SCCACHE_*", k_machine},
    Rule{"*_PROXY", k_machine},
    Rule{"*_proxy", k_machine},
    Rule{"SSL_CERT_*", k_machine},
    Rule{"REQUESTS_CA_BUNDLE", k_machine},
    Rule{"CURL_CA_BUNDLE", k_machine},
    Rule{"NETRC", k_credential},
    Rule{"SSH_AUTH_SOCK", k_credential},
    Rule{"SSH_*", k_machine},
    Rule{"GIT_*", k_machine},
    Rule{"AWS_ENDPOINT_*", k_machine},
    Rule{"AWS_*", k_credential},
    Rule{"GOOGLE_*", k_credential},
    Rule{"AZURE_*", k_credential},
    Rule{"PYTHON_KEYRING_*", k_credential},
    Rule{"DBUS_SESSION_BUS_ADDRESS", k_credential},
};

constexpr std::array<std::string_view, 7> k_secret_words{
    "TOKEN", "PASSWORD", "PASSWD", "SECRET", "CREDENTIAL", "API_KEY", "HTTP_BASIC"};

bool matches(std::string_view pattern, std::string_view name) noexcept {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return name == pattern;
  const std::string_view end = pattern.substr(star + 1);
  return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) &&
         name.ends_with(end);
}

}  // namespace

VariableUse variable_use(std::string_view name) {
  // pip reads PIP_target as PIP_TARGET.
  const std::string known = name.starts_with("PIP_") ? upper_ascii(name) : std::string(name);
  const auto* const rule =
      std::ranges::find_if(k_rules, [&](const Rule& row) { return matches(row.pattern, known); });
  if (rule == k_rules.end()) return VariableUse::hidden;
  // What is secret never counts: a key's parts can be read by others.
  const bool is_secret = std::ranges::any_of(k_secret_words, [&](std::string_view word) {
    return name.find(word) != std::string_view::npos;
  });
  if (rule->use != VariableUse::setting || !is_secret) return rule->use;
  return name.starts_with("UV_") || name.starts_with("PIP_") ? VariableUse::credential
                                                             : VariableUse::hidden;
}

}  // namespace rtenv::runtime_env
