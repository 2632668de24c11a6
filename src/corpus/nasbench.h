#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace autogo {

inline constexpr std::string_view kNasbench101Prefix = "nb101:";
inline constexpr std::string_view kNasbench201Prefix = "nb201:";
inline constexpr std::string_view kNasbench101Family = "nasbench101";
inline constexpr std::string_view kNasbench201Family = "nasbench201";

/// "nb101:V:BITS:OPS" of a row of the benchmark's table.
/// @param adjacency  square, [from][to], above the diagonal only
/// @param ops        "input", "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3", "output"
/// @throws Error kInput
std::string nasbench101_id(const std::vector<std::vector<int>>& adjacency,
                           const std::vector<std::string>& ops);

/// Is this a cell that nasbench101_graph() can build? @throws Error kInput
void check_nasbench101_cell(const std::string& id);

/// Six letters of 3, 1, a, s, n: the operations o0...o5 of the architecture string, in its order.
/// @param text  "nb201:333s33" with or without prefix, or "|nor_conv_3x3~0|+|...|"
/// @throws Error kInput
std::string nasbench201_code(std::string_view text);

/// Does anything of the cell's input reach its output?
bool nasbench201_connected(std::string_view code);

}  // namespace autogo
