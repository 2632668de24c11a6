#include <gtest/gtest.h>
#include <sys/resource.h>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// A small model with a bit of everything that the importer reads.
std::string seed_model() {
  OnnxBuilder b;
  b.input("x", {-1, 8, 8, 8})
      .weight("w", {8, 8, 3, 3})
      .weight("v", {8})
      .weight("v1", {1})
      .output("y");
  b.ints("zero", {0}).ints("shape", {1, 72}).ints("axes", {2, 3}).scalar("six", 6).scalar("nil", 0);
  b.ints("starts", {1}).ints("ends", {7}).ints("one", {1});
  auto& conv = b.node("Conv", {"x", "w"}, {"a"});
  set_attribute(conv, "pads", std::vector<std::int64_t>{1, 1, 1, 1});
  set_attribute(conv, "strides", std::vector<std::int64_t>{2, 2});
  set_attribute(conv, "dilations", std::vector<std::int64_t>{1, 1});
  b.node("BatchNormalization", {"a", "v", "v", "v", "v"}, {"n"});
  b.node("Clip", {"n", "nil", "six"}, {"r"});
  b.node("Sigmoid", {"r"}, {"s"});
  b.node("Mul", {"r", "s"}, {"m"});
  auto& pool = b.node("MaxPool", {"m"}, {"p"});
  set_attribute(pool, "kernel_shape", std::vector<std::int64_t>{2, 2});
  b.node("Shape", {"p"}, {"sh"});
  b.node("Gather", {"sh", "zero"}, {"g"});
  set_attribute(b.node("Concat", {"g", "shape"}, {"c"}), "axis", std::int64_t{0});
  b.node("Slice", {"c", "one", "ends", "zero", "one"}, {"sl"});
  b.node("ConstantOfShape", {"sl"}, {"k"});
  b.node("Reshape", {"p", "shape"}, {"f"});
  b.node("Softmax", {"f"}, {"so"});
  auto& split = b.node("Split", {"so"}, {"s1", "s2"});
  set_attribute(split, "axis", std::int64_t{1});
  b.node("Expand", {"v1", "sl"}, {"ex"});
  b.node("Add", {"ex", "so"}, {"e2"});
  b.node("ReduceSum", {"e2"}, {"e3"});
  b.node("Transpose", {"s2"}, {"t"});
  b.node("MatMul", {"s1", "t"}, {"mm"});
  b.node("TopK", {"mm", "one"}, {"tk", "ti"});
  b.node("Add", {"tk", "v"}, {"e4"});
  b.node("Add", {"e4", "e3"}, {"y"});
  return b.model().SerializeAsString();
}

std::string mutated(const std::string& seed, Rng& rng) {
  std::string bytes = seed;
  const std::uint64_t edits = 1 + rng.below(4);
  for (std::uint64_t i = 0; i < edits && !bytes.empty(); ++i) {
    const std::size_t at = rng.below(bytes.size());
    switch (rng.below(5)) {
      case 0:
        bytes[at] = static_cast<char>(rng.below(256));
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8)));
        break;
      case 2:
        bytes.erase(at, 1 + rng.below(8));
        break;
      case 3:
        bytes.insert(at, bytes.substr(rng.below(bytes.size()), 1 + rng.below(32)));
        break;
      default:  // a large or negative number where a small one was
        bytes.replace(at, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    }
  }
  return bytes;
}

TEST(Fuzz, DamagedModelsAreRefusedOrRead) {
  const TempDir folder;
  const std::string path = folder / "m.onnx", out = folder / "out.onnx";
  const std::string seed = seed_model();
  std::ofstream(path, std::ios::binary) << seed;
  EXPECT_NO_THROW(import_onnx(path));
  std::size_t read = 0;
  constexpr std::uint64_t kSeed = 20;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    Rng rng = Rng(kSeed).fork(i);
    std::ofstream(path, std::ios::binary) << mutated(seed, rng);
    try {
      const Graph graph = import_onnx(path);
      export_onnx(graph, out);
      ++read;
    } catch (const Error& e) {
      ASSERT_NE(e.kind(), ErrorKind::kInternal)
          << "seed " << kSeed << " case " << i << ": " << e.what();
      ASSERT_TRUE(std::string(e.what()).starts_with(folder.path())) << e.what();
    }
  }
  EXPECT_GT(read, 100U) << "nearly everything was refused: the mutations are too rough";
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 2 << 20) << "KiB";
}

/// Edits of fields rather than of bytes reach deeper.
TEST(Fuzz, ModelsWithOddAttributesAreRefusedOrRead) {
  const TempDir folder;
  const std::string path = folder / "m.onnx";
  onnx::ModelProto seed;
  ASSERT_TRUE(seed.ParseFromString(seed_model()));
  constexpr std::uint64_t kSeed = 21;
  const std::vector<std::int64_t> odd{0,         -1,        1, 2, 7, 1 << 20, std::int64_t{1} << 40,
                                      INT64_MAX, INT64_MIN, -2};
  for (std::uint64_t i = 0; i < 4000; ++i) {
    Rng rng = Rng(kSeed).fork(i);
    onnx::ModelProto model = seed;
    auto& graph = *model.mutable_graph();
    auto number = [&] { return odd[rng.below(odd.size())]; };
    for (std::uint64_t edit = 0; edit <= rng.below(2); ++edit) {
      auto& node = *graph.mutable_node(static_cast<int>(rng.below(graph.node().size())));
      const std::uint64_t kind = rng.below(5);
      if (kind == 0 && node.attribute_size() > 0) {
        auto& a = *node.mutable_attribute(static_cast<int>(rng.below(node.attribute().size())));
        if (a.ints_size() > 0) {
          a.set_ints(static_cast<int>(rng.below(a.ints().size())), number());
        } else {
          a.set_i(number());
        }
      } else if (kind == 1 && node.input_size() > 0) {
        const auto& other = graph.node(static_cast<int>(rng.below(graph.node().size())));
        node.set_input(static_cast<int>(rng.below(node.input().size())), other.output(0));
      } else if (kind == 2 && node.input_size() > 0) {
        node.mutable_input()->RemoveLast();
      } else if (kind == 3) {
        node.set_op_type(graph.node(static_cast<int>(rng.below(graph.node().size()))).op_type());
      } else {
        auto& tensor =
            *graph.mutable_initializer(static_cast<int>(rng.below(graph.initializer().size())));
        if (tensor.data_type() == onnx::TensorProto::INT64) {
          SmallTensor data{DType::kInt64, tensor_dims(tensor), {}, {}};
          for (std::size_t k = 0; k < tensor.raw_data().size() / 8; ++k)
            data.ints.push_back(number());
          tensor.clear_dims();
          write_small(data, tensor);
        }
      }
    }
    std::ofstream(path, std::ios::binary) << model.SerializeAsString();
    try {
      import_onnx(path);
    } catch (const Error& e) {
      ASSERT_NE(e.kind(), ErrorKind::kInternal)
          << "seed " << kSeed << " case " << i << ": " << e.what();
    }
  }
}

}  // namespace
}  // namespace autogo
