// The part of Asio and Beast that isn't templates, compiled once for the whole program. Each file
// that uses them would compile it again otherwise.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
