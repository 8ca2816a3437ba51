#include "base/hash.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // picks SSE2, AVX2 or AVX-512 at run time: four times the baseline's speed
#else
#include <xxhash.h>
#endif

namespace rtenv {
namespace {

EVP_MD_CTX* evp(void* context) { return static_cast<EVP_MD_CTX*>(context); }
XXH3_state_t* xxh(void* state) { return static_cast<XXH3_state_t*>(state); }

// These calls fail only where memory or the crypto library itself is broken.
void check(int ok) {
  if (ok != 1) std::abort();
}

// Fetched once: looking an algorithm up costs more than hashing a small file.
const EVP_MD* sha1_algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return algorithm;
}
const EVP_MD* sha256_algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}
const EVP_MD* md5_algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return algorithm;
}

template <class Bytes>
Bytes evp_finish(void* context) {
  Bytes bytes;
  check(EVP_DigestFinal_ex(evp(context), reinterpret_cast<unsigned char*>(bytes.data()), nullptr));
  return bytes;
}

Xxh3::Bytes canonical(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  Xxh3::Bytes bytes;
  static_assert(sizeof canonical == sizeof bytes);
  std::memcpy(bytes.data(), &canonical, sizeof bytes);
  return bytes;
}

}  // namespace

void hash_detail::FreeEvp::operator()(void* context) const noexcept {
  EVP_MD_CTX_free(evp(context));
}
void hash_detail::FreeXxh::operator()(void* state) const noexcept { XXH3_freeState(xxh(state)); }

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    hex.push_back(k_digits[std::to_integer<unsigned>(byte) >> 4]);
    hex.push_back(k_digits[std::to_integer<unsigned>(byte) & 15]);
  }
  return hex;
}

Sha1::Sha1() : context_(EVP_MD_CTX_new()) { reset(); }
void Sha1::reset() { check(EVP_DigestInit_ex(evp(context_.get()), sha1_algorithm(), nullptr)); }
void Sha1::add(std::span<const std::byte> data) {
  check(EVP_DigestUpdate(evp(context_.get()), data.data(), data.size()));
}
Sha1::Bytes Sha1::finish() { return evp_finish<Bytes>(context_.get()); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) { reset(); }
void Sha256::reset() { check(EVP_DigestInit_ex(evp(context_.get()), sha256_algorithm(), nullptr)); }
void Sha256::add(std::span<const std::byte> data) {
  check(EVP_DigestUpdate(evp(context_.get()), data.data(), data.size()));
}
Sha256::Bytes Sha256::finish() { return evp_finish<Bytes>(context_.get()); }

Md5::Md5() : context_(EVP_MD_CTX_new()) { reset(); }
void Md5::reset() { check(EVP_DigestInit_ex(evp(context_.get()), md5_algorithm(), nullptr)); }
void Md5::add(std::span<const std::byte> data) {
  check(EVP_DigestUpdate(evp(context_.get()), data.data(), data.size()));
}
Md5::Bytes Md5::finish() { return evp_finish<Bytes>(context_.get()); }

Sha256::Bytes hmac_sha256(std::span<const std::byte> key, std::string_view message) {
  Sha256::Bytes code;
  unsigned length = 0;
  if (HMAC(sha256_algorithm(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(),
           reinterpret_cast<unsigned char*>(code.data()), &length) == nullptr)
    std::abort();
  return code;
}

Xxh3::Xxh3() : state_(XXH3_createState()) { reset(); }
void Xxh3::reset() { XXH3_128bits_reset(xxh(state_.get())); }
void Xxh3::add(std::span<const std::byte> data) {
  XXH3_128bits_update(xxh(state_.get()), data.data(), data.size());
}
Xxh3::Bytes Xxh3::finish() { return canonical(XXH3_128bits_digest(xxh(state_.get()))); }
Xxh3::Bytes Xxh3::of(std::span<const std::byte> data) {
  return canonical(XXH3_128bits(data.data(), data.size()));
}

std::string sha256_hex(std::string_view text) {
  Sha256 sha;
  sha.add(text);
  return to_hex(sha.finish());
}

namespace {

template <class Hash>
Result<std::string> hex_of_file(const Path& path) {
  RTENV_TRY(const auto fd, open_file(path, O_RDONLY));
  Hash hash;
  std::vector<std::byte> buffer(1 << 18);
  for (;;) {
    RTENV_TRY(const auto count, read_full(fd, buffer, path.native()));
    hash.add(std::span(buffer).first(count));
    if (count < buffer.size()) return to_hex(hash.finish());
  }
}

}  // namespace

Result<std::string> sha1_hex_of_file(const Path& path) { return hex_of_file<Sha1>(path); }
Result<std::string> sha256_hex_of_file(const Path& path) { return hex_of_file<Sha256>(path); }

}  // namespace rtenv
