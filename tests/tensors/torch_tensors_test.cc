#include "torch_tensors.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"

namespace autogo {
namespace {

TEST(TorchTensors, KeepEveryBit) {
  for (const torch::ScalarType type :
       {torch::kFloat, torch::kDouble, torch::kHalf, torch::kBFloat16, torch::kByte, torch::kChar,
        torch::kShort, torch::kInt, torch::kLong, torch::kBool}) {
    const torch::Tensor tensor = torch::arange(6, torch::kFloat).reshape({2, 3}).to(type);
    const FileTensor stored = to_stored(tensor.t());  // not contiguous
    EXPECT_EQ(stored.dims, (std::vector<std::int64_t>{3, 2}));
    EXPECT_EQ(stored.elements(), 6);
    EXPECT_EQ(scalar_type_of(stored.dtype), type);
    EXPECT_TRUE(to_torch(stored).equal(tensor.t()));
  }
  const torch::Tensor nan = torch::full({1}, std::nan("7"));
  EXPECT_EQ(to_stored(to_torch(to_stored(nan))).bytes, to_stored(nan).bytes);
  EXPECT_EQ(to_torch(to_stored(torch::zeros({0, 4}))).sizes(), (std::vector<std::int64_t>{0, 4}));
  EXPECT_EQ(to_torch(to_stored(torch::ones({}))).dim(), 0);
}

TEST(TorchTensors, ReadBytesThatAreNotAligned) {
  const std::string bytes = std::string("x") + std::string("\0\0\x80\x3f", 4);
  const FileTensor stored{DType::kFloat32, {1}, std::string_view(bytes).substr(1), nullptr};
  EXPECT_EQ(to_torch(stored).item<float>(), 1.0F);
}

TEST(TorchTensors, RefuseTypesThatLibTorchLacks) {
  const std::string bytes(2, '\0');
  try {
    to_torch({DType::kUint16, {1}, bytes, nullptr});
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "tensors of type uint16 cannot be computed with");
  }
}

}  // namespace
}  // namespace autogo
