#include "network/heads/heads.h"

#include "autogo/network/train.h"
#include "autogo/onnx/model.h"
#include "data/data_support.h"
#include "support/temp_dir.h"
#include "tiny_networks.h"

namespace autogo {
namespace {

const Shape& output_shape(const Graph& graph) {
  return graph.output_type(graph.output_nodes()[0]).shape;
}

TEST(Heads, TheTapIsTheLastMapBeforePooling) {
  const Graph graph = tiny_classifier(3, 32, 10);
  const ValueId tap = find_tap(graph, "");
  EXPECT_EQ(graph.type(tap).shape, (Shape{1, 16, 8, 8}));
  EXPECT_EQ(graph.node(graph.value(tap).producer).op, OpKind::kRelu);
  EXPECT_EQ(find_tap(graph, graph.value_name(tap)), tap);
  EXPECT_EQ(error_text([&] { find_tap(graph, "nobody"); }),
            "--tap 'nobody': the network has no such value");
  EXPECT_EQ(error_text([&] { find_tap(graph, "dense_9"); }),
            "--tap 'dense_9': has shape 1x10, expected a map N x C x H x W of more than one pixel");
}

TEST(Heads, BackbonesEndAtTheirTap) {
  const Graph graph = tiny_classifier(3, 32, 10);
  const Graph base = backbone(graph, find_tap(graph, ""));
  EXPECT_EQ(base.num_nodes(), 8U);  // input, two of conv norm relu, output
  EXPECT_EQ(output_shape(base), (Shape{1, 16, 8, 8}));
}

TEST(Heads, PspCoversTheInput) {
  // 713 as in the paper: 90 x 90 bins of 1, 2, 3, 6; enlarged eight times to 720.
  Graph wide;
  ValueId x = wide.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, 3, 713, 713}});
  Attrs conv;
  conv.out_channels = 16;
  conv.kernel = {8, 8};
  conv.stride = {8, 8};
  conv.pads = {4, 4, 4, 4};
  wide.add_output(wide.add(OpKind::kConv, conv, {x}));
  EXPECT_EQ(output_shape(wide), (Shape{1, 16, 90, 90}));
  const Graph psp = with_psp_head(wide, 19);
  EXPECT_EQ(output_shape(psp), (Shape{1, 19, 720, 720}));
  std::vector<std::int64_t> bins;
  for (const Node& node : psp.nodes()) {
    if (node.op == OpKind::kAvgPool) bins.push_back(90 / node.attrs.kernel[0]);
  }
  EXPECT_EQ(bins, (std::vector<std::int64_t>{1, 2, 3, 6}));
}

TEST(Heads, PspBinsDivideTheMap) {
  const Graph graph = tiny_classifier(3, 32, 10);
  const Graph psp = with_psp_head(backbone(graph, find_tap(graph, "")), 5);
  EXPECT_EQ(output_shape(psp), (Shape{1, 5, 32, 32}));
  std::vector<std::int64_t> bins;
  for (const Node& node : psp.nodes()) {
    if (node.op == OpKind::kAvgPool) bins.push_back(8 / node.attrs.kernel[0]);
  }
  EXPECT_EQ(bins, (std::vector<std::int64_t>{1, 2, 4, 8}));
}

TEST(Heads, PoseMapsAreAQuarterOfTheInput) {
  const Graph graph = tiny_classifier(3, 64, 10, {8, 16, 16, 32});  // down to 4 x 4
  const Graph pose = with_pose_head(backbone(graph, find_tap(graph, "")), 16);
  EXPECT_EQ(output_shape(pose), (Shape{1, 16, 16, 16}));
  std::size_t deconvolutions = 0;
  for (const Node& node : pose.nodes()) deconvolutions += node.op == OpKind::kConvTranspose;
  EXPECT_EQ(deconvolutions, 2U);
}

Data maps_data(std::size_t classes, std::size_t joints) {
  class None : public Dataset {
   public:
    std::size_t size() const override { return 1; }
    std::string name(std::size_t) const override { return "none"; }
    LoadedSample load(std::size_t) const override {
      auto sample = std::make_shared<Sample>();
      sample->image = counting_image(8, 8, 3);
      return {sample, ""};
    }
  };
  Data data;
  data.classes.resize(classes);
  data.num_joints = joints;
  data.train = std::make_shared<None>();
  data.tests.push_back({"test", data.train});
  return data;
}

TEST(Heads, RealBackbonesGetHeadsThatAreWritten) {
  TaskOptions options;
  options.task = Task::kSegmentation;
  options.image_size = 128;
  for (const char* model : {"resnet50", "vgg16_bn", "mobilenet_v2"}) {
    const Graph graph =
        import_onnx(AUTOGO_SOURCE_DIR "/data/models/" + std::string(model) + ".onnx");
    const TrainableNetwork net = make_trainable(graph, maps_data(19, 0), options);
    EXPECT_EQ(output_shape(net.graph)[1], 19) << model;
    EXPECT_FALSE(net.auxiliary.empty());
    const TempDir dir;
    export_onnx(net.graph, dir / "m.onnx", kTrainableExport);
    const Graph back = import_onnx(dir / "m.onnx");
    EXPECT_EQ(output_shape(back), output_shape(net.graph)) << model;
    EXPECT_EQ(back.output_nodes().size(), 1U);
    // The weights of the written graph are named as in the one that is trained.
    std::set<std::string> trained;
    for (const ProgramConstant& c : net.program.constants) {
      trained.insert(net.program.values[static_cast<std::size_t>(c.value)].name);
    }
    const Program written = lower(net.graph, kTrainableExport);
    for (const ProgramConstant& c : written.constants) {
      if (c.role == ConstantRole::kFixed) continue;
      EXPECT_TRUE(trained.contains(written.values[static_cast<std::size_t>(c.value)].name));
    }
  }
  options.task = Task::kPose;
  options.image_size = 256;
  const Graph graph = import_onnx(AUTOGO_SOURCE_DIR "/data/models/resnet50.onnx");
  const TrainableNetwork net = make_trainable(graph, maps_data(0, 16), options);
  EXPECT_EQ(output_shape(net.graph), (Shape{1, 16, 64, 64}));
}

}  // namespace
}  // namespace autogo
