#include "pkg/gunzip.hpp"

#include <isa-l/igzip_lib.h>

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_piece_bytes = 1 << 18;
constexpr unsigned char k_first_byte = 0x1f;

}  // namespace

struct Gunzip::State {
  inflate_state inflate;
  bool in_member = false;
  bool at_end = false;  // of the file
};

Gunzip::Gunzip(Pull pull)
    : pull_(std::move(pull)), state_(std::make_unique<State>()), plain_(k_piece_bytes) {
  state_->inflate.avail_in = 0;
}

Gunzip::~Gunzip() = default;

Result<void> Gunzip::refill() {
  inflate_state& inflate = state_->inflate;
  if (inflate.avail_in > 0 || state_->at_end) return {};
  RTENV_TRY(const auto piece, pull_());
  state_->at_end = piece.empty();
  // isal_inflate doesn't write there.
  inflate.next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(piece.data()));
  inflate.avail_in = static_cast<std::uint32_t>(piece.size());
  return {};
}

// False at the end.
Result<bool> Gunzip::begin_member() {
  RTENV_TRY(refill());
  inflate_state& inflate = state_->inflate;
  if (inflate.avail_in == 0 || *inflate.next_in != k_first_byte) return false;
  isal_inflate_reset(&inflate);
  inflate.crc_flag = ISAL_GZIP;
  state_->in_member = true;
  return true;
}

Result<std::span<const std::byte>> Gunzip::next() {
  inflate_state& inflate = state_->inflate;
  for (;;) {
    if (!state_->in_member) {
      RTENV_TRY(const bool begun, begin_member());
      if (!begun) return std::span<const std::byte>();
    }
    RTENV_TRY(refill());
    inflate.next_out = reinterpret_cast<unsigned char*>(plain_.data());
    inflate.avail_out = static_cast<std::uint32_t>(plain_.size());
    const int code = isal_inflate(&inflate);
    if (code == ISAL_INCORRECT_CHECKSUM) return fail(Errc::corrupt, "wrong gzip checksum");
    if (code < 0) return fail(Errc::corrupt, "gzip data that can't be decompressed");
    state_->in_member = inflate.block_state != ISAL_BLOCK_FINISH;
    const std::size_t count = plain_.size() - inflate.avail_out;
    if (count > 0) return std::span<const std::byte>(plain_).first(count);
    if (state_->in_member && state_->at_end) return fail(Errc::corrupt, "truncated gzip data");
  }
}

}  // namespace rtenv::pkg
