#include "remote/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"

namespace rtenv::remote {
namespace {

std::string encoded(std::string_view text) { return base64_url(std::as_bytes(std::span(text))); }

}  // namespace

Result<std::string> sign_jwt(const nlohmann::json& header, const nlohmann::json& claims,
                             std::string_view private_key_pem) {
  const std::string message = encoded(header.dump()) + "." + encoded(claims.dump());
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(
      BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(pem.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA)
    return fail(Errc::invalid_argument, "the private key isn't an RSA key in PEM");
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size_bytes = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size_bytes, data, message.size()) != 1)
    return fail(Errc::internal, "OpenSSL can't sign a token");
  std::vector<std::byte> signature(size_bytes);
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size_bytes,
                     data, message.size()) != 1)
    return fail(Errc::internal, "OpenSSL can't sign a token");
  return message + "." + base64_url(std::span(signature).first(size_bytes));
}

}  // namespace rtenv::remote
