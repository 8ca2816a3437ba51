#include "base/bounded_json.hpp"

#include <nlohmann/json.hpp>

namespace rtenv {
namespace {

using nlohmann::json;

// Looks at each value once, without keeping any.
class LimitCheck : public nlohmann::json_sax<json> {
 public:
  explicit LimitCheck(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool string(string_t& text) override {
    return check(text.size() <= limits_.string_bytes, "a string", limits_.string_bytes, "bytes") &&
           count();
  }
  bool key(string_t& name) override {
    return check(name.size() <= limits_.name_bytes, "a name", limits_.name_bytes, "bytes");
  }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: …"
    std::string_view why = error.what();
    if (const auto end = why.find("] "); end != std::string_view::npos) why.remove_prefix(end + 2);
    why_ = why;
    return false;
  }

  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
  bool check(bool fits, std::string_view what, std::size_t limit, std::string_view unit) {
    if (!fits) why_ = fmt::format("{} has more than {} {}", what, limit, unit);
    return fits;
  }
  bool count() { return check(++values_ <= limits_.values, "it", limits_.values, "values"); }
  bool enter() {
    return count() && check(++depth_ <= limits_.depth, "it", limits_.depth,
                            "arrays and objects in each other");
  }
  bool leave() {
    --depth_;
    return true;
  }

  const JsonLimits& limits_;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;
  std::string why_;
};

}  // namespace

Result<json> parse_bounded_json(std::string_view text, const JsonLimits& limits) {
  if (text.empty()) return fail(Errc::invalid_argument, "it is empty");
  LimitCheck check(limits);
  if (!json::sax_parse(text, &check)) return fail(Errc::invalid_argument, "{}", check.why());
  return json::parse(text, nullptr, false);
}

}  // namespace rtenv
