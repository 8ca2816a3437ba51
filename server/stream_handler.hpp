// A completion handler of any type behind one type, so that operations of a stream aren't
// templates. (Asio's any_completion_handler can't complete Beast's operations in Boost 1.81.)
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <utility>

namespace rtenv::server {

class StreamHandler {
 public:
  using executor_type = boost::asio::any_io_executor;
  using cancellation_slot_type = boost::asio::cancellation_slot;

  /// `default_executor`: for handlers that have none of their own.
  template <class Handler>
  StreamHandler(Handler handler, const executor_type& default_executor)
      : executor_(boost::asio::get_associated_executor(handler, default_executor)),
        slot_(boost::asio::get_associated_cancellation_slot(handler)),
        call_(std::make_unique<Call<Handler>>(std::move(handler))) {}

  [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

  void operator()(boost::system::error_code error, std::size_t count) {
    std::exchange(call_, nullptr)->run(error, count);
  }

 private:
  struct AnyCall {
    virtual ~AnyCall() = default;
    virtual void run(boost::system::error_code error, std::size_t count) = 0;
  };
  template <class Handler>
  struct Call final : AnyCall {
    explicit Call(Handler h) : handler(std::move(h)) {}
    void run(boost::system::error_code error, std::size_t count) override {
      std::move(handler)(error, count);
    }
    Handler handler;
  };

  executor_type executor_;
  cancellation_slot_type slot_;
  std::unique_ptr<AnyCall> call_;
};

}  // namespace rtenv::server
