#include "base/hash.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstring>
#include <new>
#include <vector>

#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // SSE2, AVX2 or AVX-512 at run time: four times the baseline's speed
#else
#include <xxhash.h>
#endif

namespace rtenv {
namespace {

// These calls fail only for lack of memory.
void check(int ok) {
  if (ok != 1) throw std::bad_alloc();
}

constexpr const char* openssl_name(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::md5: return "MD5";
    case HashAlgorithm::sha1: return "SHA1";
    case HashAlgorithm::sha384: return "SHA384";
    case HashAlgorithm::sha512: return "SHA512";
    default: return "SHA256";
  }
}

template <class Object>
Object* made(Object* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

// MD5, SHA-1 and SHA-2.
template <HashAlgorithm algorithm>
struct Implementation {
  using Bytes = typename Hash<algorithm>::Bytes;

  // Fetched once: looking an algorithm up takes longer than hashing a small file.
  static const EVP_MD* openssl_algorithm() {
    static EVP_MD* const fetched = made(EVP_MD_fetch(nullptr, openssl_name(algorithm), nullptr));
    return fetched;
  }
  static EVP_MD_CTX* context(void* state) { return static_cast<EVP_MD_CTX*>(state); }

  static void* create() { return made(EVP_MD_CTX_new()); }
  static void destroy(void* state) { EVP_MD_CTX_free(context(state)); }
  static void reset(void* state) {
    check(EVP_DigestInit_ex(context(state), openssl_algorithm(), nullptr));
  }
  static void add(void* state, std::span<const std::byte> data) {
    check(EVP_DigestUpdate(context(state), data.data(), data.size()));
  }
  static Bytes finish(void* state) {
    Bytes bytes;
    check(EVP_DigestFinal_ex(context(state), reinterpret_cast<unsigned char*>(bytes.data()),
                             nullptr));
    return bytes;
  }
  static Bytes of(std::span<const std::byte> data) {
    Hash<algorithm> hash;
    hash.add(data);
    return hash.finish();
  }
};

template <>
struct Implementation<HashAlgorithm::xxh3_128> {
  static XXH3_state_t* context(void* state) { return static_cast<XXH3_state_t*>(state); }
  static Xxh3::Bytes canonical(XXH128_hash_t hash) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    Xxh3::Bytes bytes;
    static_assert(sizeof canonical == sizeof bytes);
    std::memcpy(bytes.data(), &canonical, sizeof bytes);
    return bytes;
  }

  static void* create() { return made(XXH3_createState()); }
  static void destroy(void* state) { XXH3_freeState(context(state)); }
  static void reset(void* state) { XXH3_128bits_reset(context(state)); }
  static void add(void* state, std::span<const std::byte> data) {
    XXH3_128bits_update(context(state), data.data(), data.size());
  }
  static Xxh3::Bytes finish(void* state) { return canonical(XXH3_128bits_digest(context(state))); }
  static Xxh3::Bytes of(std::span<const std::byte> data) {
    return canonical(XXH3_128bits(data.data(), data.size()));
  }
};

template <class Hash>
Result<typename Hash::Bytes> digest_of_file(const Fd& file, const Path& path,
                                            const Cancellation* cancellation) {
  Hash hash;
  std::vector<std::byte> buffer(1 << 18);
  for (off_t offset = 0;;) {
    RTENV_TRY(check_not_cancelled(cancellation, "reading", path.native()));
    RTENV_TRY(const auto count, read_full_at(file, buffer, offset, path.native()));
    hash.add(std::span(buffer).first(count));
    if (count < buffer.size()) return hash.finish();
    offset += static_cast<off_t>(count);
  }
}

template <class Hash>
Result<typename Hash::Bytes> digest_of_file(const Path& path, const Cancellation* cancellation) {
  RTENV_TRY(const auto file, open_regular_file(path, O_RDONLY));
  return digest_of_file<Hash>(file, path, cancellation);
}

template <class Hash>
Result<std::string> hex_of_file(const Path& path, const Cancellation* cancellation) {
  RTENV_TRY(const auto bytes, digest_of_file<Hash>(path, cancellation));
  return to_hex(bytes);
}

}  // namespace

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

template <HashAlgorithm algorithm>
void Hash<algorithm>::Free::operator()(void* state) const noexcept {
  Implementation<algorithm>::destroy(state);
}
template <HashAlgorithm algorithm>
Hash<algorithm>::Hash() : state_(Implementation<algorithm>::create()) {
  reset();
}
template <HashAlgorithm algorithm>
void Hash<algorithm>::reset() {
  Implementation<algorithm>::reset(state_.get());
}
template <HashAlgorithm algorithm>
void Hash<algorithm>::add(std::span<const std::byte> data) {
  Implementation<algorithm>::add(state_.get(), data);
}
template <HashAlgorithm algorithm>
auto Hash<algorithm>::finish() -> Bytes {
  return Implementation<algorithm>::finish(state_.get());
}
template <HashAlgorithm algorithm>
auto Hash<algorithm>::of(std::span<const std::byte> data) -> Bytes {
  return Implementation<algorithm>::of(data);
}

template class Hash<HashAlgorithm::md5>;
template class Hash<HashAlgorithm::sha1>;
template class Hash<HashAlgorithm::sha256>;
template class Hash<HashAlgorithm::sha384>;
template class Hash<HashAlgorithm::sha512>;
template class Hash<HashAlgorithm::xxh3_128>;

Sha256::Bytes hmac_sha256(std::span<const std::byte> key, std::string_view message) {
  Sha256::Bytes code;
  unsigned length = 0;
  if (HMAC(Implementation<HashAlgorithm::sha256>::openssl_algorithm(), key.data(),
           static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
           message.size(), reinterpret_cast<unsigned char*>(code.data()), &length) == nullptr)
    throw std::bad_alloc();
  return code;
}

std::string sha256_hex(std::string_view text) {
  return to_hex(Sha256::of(std::as_bytes(std::span(text))));
}

Result<std::string> sha1_hex_of_file(const Path& path, const Cancellation* cancellation) {
  return hex_of_file<Sha1>(path, cancellation);
}
Result<std::string> sha256_hex_of_file(const Path& path, const Cancellation* cancellation) {
  return hex_of_file<Sha256>(path, cancellation);
}
Result<std::string> sha1_hex_of_file(const Fd& file, const Path& path,
                                     const Cancellation* cancellation) {
  RTENV_TRY(const auto bytes, digest_of_file<Sha1>(file, path, cancellation));
  return to_hex(bytes);
}
Result<Sha384::Bytes> sha384_of_file(const Path& path) {
  return digest_of_file<Sha384>(path, nullptr);
}
Result<Sha512::Bytes> sha512_of_file(const Path& path) {
  return digest_of_file<Sha512>(path, nullptr);
}

}  // namespace rtenv
