#include <gtest/gtest.h>

#include "autogo/network/train.h"
#include "autogo/onnx/model.h"
#include "data/data_support.h"
#include "support/temp_dir.h"
#include "tiny_networks.h"

namespace autogo {
namespace {

class GreySet : public Dataset {
 public:
  std::size_t size() const override { return 4; }
  std::string name(std::size_t i) const override { return std::to_string(i); }
  LoadedSample load(std::size_t i) const override {
    auto sample = std::make_shared<Sample>();
    sample->image = grey_image(8, 8, static_cast<std::uint8_t>(60 * i));
    return {sample, ""};
  }
};

Data data_of(std::size_t classes, std::int64_t channels = 3, std::int64_t size = 32) {
  Data data;
  data.classes.resize(classes);
  data.channels = channels;
  data.width = data.height = size;
  data.train = std::make_shared<GreySet>();
  data.tests.push_back({"test", data.train});
  return data;
}

const Node& last_node(const Graph& graph) {
  return graph.node(graph.value(graph.inputs(graph.output_nodes()[0])[0]).producer);
}

TEST(Trainable, AHeadThatFitsIsKept) {
  const Graph graph = tiny_classifier(3, 32, 10);
  const TrainableNetwork net = make_trainable(graph, data_of(10), {});
  EXPECT_EQ(dump(net.graph), dump(graph));
  EXPECT_TRUE(net.notes.empty());
  EXPECT_EQ(net.output, "output");
}

TEST(Trainable, TheLossReadsWhatTheSoftmaxReads) {
  for (const OpKind last : {OpKind::kSoftmax, OpKind::kLogSoftmax}) {
    const TrainableNetwork net =
        make_trainable(tiny_classifier(3, 32, 10, {4}, true, last), data_of(10), {});
    EXPECT_EQ(last_node(net.graph).op, last);
    EXPECT_EQ(net.output, "dense_6_output");
  }
}

TEST(Trainable, AnotherNumberOfClassesGetsANewHead) {
  const Data data = data_of(100);
  const TrainableNetwork net = make_trainable(tiny_classifier(3, 32, 10, {4}, true), data, {});
  EXPECT_EQ(net.graph.output_type(net.graph.output_nodes()[0]).shape, (Shape{1, 100}));
  EXPECT_EQ(last_node(net.graph).op, OpKind::kSoftmax);
  ASSERT_EQ(net.notes.size(), 1U);
  EXPECT_EQ(net.notes[0], "a new classifier of 100 classes takes the place of the one of 10");
}

TEST(Trainable, SqueezeNetsHeadIsAConvolution) {
  const std::string path = kShared + "/models/light/light_squeezenet.onnx";
  AUTOGO_SKIP_WITHOUT(path);
  const TrainableNetwork net = make_trainable(import_onnx(path), data_of(10), {});
  EXPECT_EQ(net.graph.output_type(net.graph.output_nodes()[0]).shape.elements(), 10);
  const TempDir dir;
  export_onnx(net.graph, dir / "m.onnx", kTrainableExport);
  const Graph back = import_onnx(dir / "m.onnx");
  EXPECT_EQ(back.output_type(back.output_nodes()[0]).shape.elements(), 10);
  EXPECT_EQ(lower(back).values[static_cast<std::size_t>(lower(back).outputs[0])].shape.elements(),
            10);  // as declared
}

TEST(Trainable, ANewHeadOfAFileKeepsItsOtherWeights) {
  const std::string path = AUTOGO_SOURCE_DIR "/data/models/mobilenet_v2.onnx";
  const Graph graph = import_onnx(path);
  const TrainableNetwork net = make_trainable(graph, data_of(10), {});
  EXPECT_EQ(net.graph.num_nodes(), graph.num_nodes());
  std::size_t fresh = 0;
  for (const Node& node : net.graph.nodes()) fresh += node.origin == kNoOrigin ? 1 : 0;
  EXPECT_EQ(fresh, 1U);
  EXPECT_EQ(net.notes[0], "images of 32x32 are resized to the network's 224x224");
}

TEST(Trainable, TheInputSizeCanChange) {
  TaskOptions options;
  options.image_size = 64;
  const TrainableNetwork net = make_trainable(tiny_classifier(3, 32, 10), data_of(10), options);
  EXPECT_EQ(net.graph.output_type(net.graph.input_nodes()[0]).shape, (Shape{1, 3, 64, 64}));
  EXPECT_EQ(net.notes[0], "the network's input is 64x64 instead of 32x32");
  const std::string path = AUTOGO_SOURCE_DIR "/data/models/vgg16_bn.onnx";
  const std::string text =
      error_text([&] { make_trainable(import_onnx(path), data_of(10), options); });
  EXPECT_NE(text.find("--image-size 64: node '"), std::string::npos) << text;
  EXPECT_NE(text.find("is made for 1x25088, not for 1x2048"), std::string::npos) << text;
}

TEST(Trainable, GraphsThatCannotServeAreRefused) {
  EXPECT_EQ(error_text([&] { make_trainable(tiny_super_resolution(3, 4), data_of(10), {}); }),
            "no classifier found: expected a dense layer before the output, found node "
            "'depth_to_space_6' (depth_to_space)");
  TaskOptions options;
  options.task = Task::kSuperResolution;
  EXPECT_EQ(error_text([&] { make_trainable(tiny_classifier(3, 32, 10), data_of(0), options); }),
            "super-resolution needs an output of two or more times the input's size and as many "
            "channels; the network makes 1x10 of 1x3x32x32");
  options.task = Task::kDenoising;
  EXPECT_EQ(error_text([&] { make_trainable(tiny_super_resolution(3, 4), data_of(0), options); }),
            "denoising needs an output of the input's size and as many channels; the network makes "
            "1x3x48x48 of 1x3x24x24");
  EXPECT_EQ(error_text([&] { make_trainable(tiny_classifier(5, 32, 10), data_of(10), {}); }),
            "the input has shape 1x5x32x32; training feeds images, N x 1 x H x W or N x 3 x H x W");
  TaskOptions wrong;
  wrong.mean = {0.5F};
  EXPECT_EQ(error_text([&] { make_trainable(tiny_classifier(3, 32, 10), data_of(10), wrong); }),
            "--mean and --deviation: expected 3 numbers, one for each channel of the network's "
            "input");
}

}  // namespace
}  // namespace autogo
