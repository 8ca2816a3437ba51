#include "base/error.hpp"

#include <gtest/gtest.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <set>

#include "base/exceptions.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(Error, EveryCodeHasANameAnExitStatusAndAnHttpStatus) {
  std::set<std::string_view> names;
  for (int i = 0; i < k_errc_count; ++i) {
    const auto code = static_cast<Errc>(i);
    EXPECT_TRUE(names.insert(name(code)).second) << name(code);
    EXPECT_TRUE((exit_status(code) >= 1 && exit_status(code) <= 6) || exit_status(code) == 130)
        << name(code);
    EXPECT_GE(http_status(code), 400) << name(code);
    EXPECT_LT(http_status(code), 600) << name(code);
  }
}

TEST(Error, ACodeOfALaterVersionIsAsAnUnknownOne) {
  const auto later = static_cast<Errc>(k_errc_count);
  EXPECT_EQ(name(later), "internal");
  EXPECT_EQ(exit_status(later), exit_status(Errc::internal));
  EXPECT_EQ(http_status(later), 500);
}

TEST(Error, SystemErrorsMapToCodes) {
  EXPECT_EQ(system_error(ENOENT, "open", "x").code(), Errc::not_found);
  EXPECT_EQ(system_error(EACCES, "open", "x").code(), Errc::permission_denied);
  EXPECT_EQ(system_error(EROFS, "open", "x").code(), Errc::permission_denied);
  EXPECT_EQ(system_error(ENOSPC, "write", "x").code(), Errc::out_of_space);
  EXPECT_EQ(system_error(EDQUOT, "write", "x").code(), Errc::out_of_space);
  EXPECT_EQ(system_error(EFBIG, "write", "x").code(), Errc::out_of_space);
  EXPECT_EQ(system_error(EMFILE, "open", "x").code(), Errc::unavailable);
  EXPECT_EQ(system_error(ENOENT, "open", "/a/b").message(),
            "cannot open /a/b: No such file or directory");
}

TEST(Error, ExceptionsOfTheSystemHaveTheirCodes) {
  const auto code_of = [](auto exception) {
    return without_exceptions([&]() -> Result<void> { throw exception; }).error().code();
  };
  EXPECT_EQ(code_of(std::bad_alloc()), Errc::unavailable);
  EXPECT_EQ(code_of(std::system_error(EAGAIN, std::system_category())), Errc::unavailable);
  EXPECT_EQ(code_of(boost::system::system_error(EMFILE, boost::system::system_category())),
            Errc::unavailable);
  EXPECT_EQ(code_of(std::runtime_error("a bug")), Errc::internal);
}

Result<int> half(int number) {
  if (number % 2 != 0) return fail(Errc::invalid_argument, "{} is odd", number).hint("add {}", 1);
  return number / 2;
}

Result<int> quarter(int number) {
  RTENV_TRY(const int once, half(number));
  RTENV_TRY(half(once));
  return half(once);
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(must(quarter(12)), 3);
  EXPECT_THAT(quarter(3), IsError(Errc::invalid_argument, "3 is odd"));
  EXPECT_THAT(quarter(6), IsError(Errc::invalid_argument, "3 is odd"));
  EXPECT_EQ(quarter(6).error().hint(), "add 1");
}

TEST(Result, WithinPrependsTheContextAndKeepsCodeAndHint) {
  const Error error = half(3).error();
  const Error with_context = Error(error).within("while halving");
  EXPECT_EQ(with_context.message(), "while halving: 3 is odd");
  EXPECT_EQ(with_context.code(), Errc::invalid_argument);
  EXPECT_EQ(with_context.hint(), "add 1");
}

// for (auto& item : *function()) would refer to what has gone.
static_assert(std::is_same_v<decltype(*std::declval<Result<std::string>>()), std::string>);

}  // namespace
}  // namespace rtenv
