// The errors of transfers and responses, and which of them may go away: those alone are worth
// another attempt (Retry). Everything else is the same the next time, and is reported at once.
#pragma once

#include <string_view>

#include "remote/http.hpp"

namespace rtenv::remote {

/// The code of a transfer that failed with this CURLcode. `unavailable`, which is retried: the
/// connection was refused, cut or too slow, the name server didn't answer. `detail`: libcurl's own
/// message, which alone tells a handshake that was cut from one that can't succeed.
Errc errc_of_curl(int code, std::string_view detail) noexcept;

/// Worth a retry: 408, 425, 429, and 5xx but for those that say what the server can't do (501, 505,
/// 506, 507, 508, 510, 511).
bool is_transient_status(int status) noexcept;

/// Whether an attempt is worth another one: an error `unavailable` or a transient status.
std::optional<Setback> setback_of(const Result<HttpResponse>& outcome);

/// The error of a response that isn't 2xx: not_found (404, 410), permission_denied (401, 403,
/// 407), out_of_space (413, 507), invalid_argument (other 4xx that aren't transient), unavailable
/// (the rest). `shown` names the object or URL in the message; `reason` may be empty.
Failure fail_status(int status, std::string_view shown, std::string_view reason = {});

/// The errors of a 2xx response that isn't the document which was asked for. `shown` names the
/// object or URL, `wanted` the document, such as "a JSON object". Codes: unavailable, as the whole
/// may come the next time; invalid_argument.
Failure fail_cut_off(std::string_view shown);
Failure fail_other_document(std::string_view shown, std::string_view wanted);

}  // namespace rtenv::remote
