// Asio's own code, compiled once for the whole library.
#include <boost/asio/impl/src.hpp>
