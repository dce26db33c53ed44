// The captured packets of tests/vectors: what official peers sent, and what it means.
#pragma once

#include <string>
#include <vector>

#include "wire.hpp"

namespace vsoa_test {

struct vector {
  std::string name;
  std::string bytes;  ///< the packet on the wire, pad included
  packet decoded;
  std::size_t pad = 0;
  bool quick = false;  ///< seen on the quick channel
};

/// All packets of one file, such as "handshake.json". Those too large to be spelt out are rebuilt
/// and checked against their digest. Throws std::runtime_error for a file that can't be read.
std::vector<vector> load_vectors(const std::string& file);

/// The files that hold packets, and how many each has.
struct vector_file {
  const char* name;
  std::size_t count;
};
inline constexpr vector_file vector_files[] = {
    {"handshake.json", 56},     {"pair_node_node.json", 101}, {"pair_node_py.json", 102},
    {"pair_py_node.json", 102}, {"pair_py_py.json", 102},     {"quick_cid.json", 32},
};

std::vector<vector> load_all_vectors();

/// What a real server answered to hand-made input: the bytes of each answer, one or more packets.
std::vector<std::string> load_exchange_answers();

}  // namespace vsoa_test
