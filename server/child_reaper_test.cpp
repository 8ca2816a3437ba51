#include "server/child_reaper.hpp"

#include <sys/wait.h>

#include <boost/asio/io_context.hpp>

#include "base/process.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

struct Child {
  pid_t pid = 0;
  Fd pidfd;
};

Child start(std::vector<std::string> argv) {
  auto process = must(
      ChildProcess::spawn({.argv = std::move(argv), .environment = Environment::of_process()}));
  const pid_t pid = process.pid();
  return {.pid = pid, .pidfd = std::move(process).detach()};
}

TEST(ChildReaper, ReapsOnlyItsOwnChildren) {
  boost::asio::io_context context;
  ChildReaper reaper(context.get_executor());
  Child own = start({"true"});
  const Child other = start({"true"});
  const pid_t pid = own.pid;
  reaper.add(std::move(own.pidfd));
  context.run();
  EXPECT_EQ(::waitpid(pid, nullptr, 0), -1) << "it was reaped";
  EXPECT_EQ(::waitpid(other.pid, nullptr, 0), other.pid);
}

TEST(ChildReaper, GoesOnIfAnotherReapedTheChild) {
  boost::asio::io_context context;
  ChildReaper reaper(context.get_executor());
  Child child = start({"true"});
  reaper.add(std::move(child.pidfd));
  EXPECT_EQ(::waitpid(child.pid, nullptr, 0), child.pid);
  context.run();
}

TEST(ChildReaper, ClosingEndsTheWaiting) {
  boost::asio::io_context context;
  ChildReaper reaper(context.get_executor());
  Child child = start({"sleep", "60"});
  const pid_t pid = child.pid;
  reaper.add(std::move(child.pidfd));
  context.poll();
  reaper.close();
  context.run();
  ::kill(pid, SIGKILL);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

}  // namespace
}  // namespace rtenv::server
