#include "remote/s3_error.hpp"

#include <algorithm>
#include <array>

#include "remote/xml_document.hpp"

namespace rtenv::remote {
namespace {

constexpr std::size_t k_max_error_bytes = 16U << 10U;

// Errors about credentials, whatever their status. The last one is versitygw's.
constexpr std::array<std::string_view, 9> k_credential_codes{"ExpiredToken",
                                                             "InvalidToken",
                                                             "TokenRefreshRequired",
                                                             "InvalidAccessKeyId",
                                                             "SignatureDoesNotMatch",
                                                             "RequestTimeTooSkewed",
                                                             "AuthorizationHeaderMalformed",
                                                             "RequestExpired",
                                                             "XAdminUserNotFound"};

struct CodeStatus {
  std::string_view code;
  int status;
};

// The statuses of errors that aren't worth another attempt, and of those that are. Others are
// InternalError, as for AWS's own tools.
constexpr auto k_code_statuses = std::to_array<CodeStatus>(
    {{"AccessDenied", 403},      {"AllAccessDisabled", 403},  {"BadDigest", 400},
     {"EntityTooLarge", 413},    {"EntityTooSmall", 400},     {"InvalidArgument", 400},
     {"InvalidBucketName", 400}, {"InvalidDigest", 400},      {"InvalidObjectState", 403},
     {"InvalidPart", 400},       {"InvalidPartOrder", 400},   {"InvalidRequest", 400},
     {"KeyTooLongError", 400},   {"MalformedXML", 400},       {"MethodNotAllowed", 405},
     {"NoSuchBucket", 404},      {"NoSuchKey", 404},          {"NoSuchUpload", 404},
     {"NotImplemented", 501},    {"PermanentRedirect", 301},  {"PreconditionFailed", 412},
     {"RequestTimeout", 408},    {"ServiceUnavailable", 503}, {"SlowDown", 503}});
constexpr int k_internal_error = 500;

// nullopt: the document isn't an error.
std::optional<S3Error> find_error(std::string_view body) {
  const pugi::xml_document document = parse_partial_xml(body.substr(0, k_max_error_bytes));
  const pugi::xml_node error = document.child("Error");
  if (!error) return std::nullopt;
  const auto text = [&](const char* name) { return text_of(error.child(name)).value_or(""); };
  return S3Error{text("Code"), text("Message"), text("Region")};
}

}  // namespace

bool S3Error::is_about_credentials() const {
  return std::ranges::find(k_credential_codes, code) != k_credential_codes.end();
}

S3Error parse_s3_error(std::string_view body) { return find_error(body).value_or(S3Error()); }

void correct_s3_status(HttpResponse& response) {
  const auto error = find_error(response.body);
  if (!error) return;
  const auto known = std::ranges::find(k_code_statuses, error->code, &CodeStatus::code);
  response.status = error->is_about_credentials()    ? 403
                    : known != k_code_statuses.end() ? known->status
                                                     : k_internal_error;
}

}  // namespace rtenv::remote
