// A graph made ready for a task: input size, head, the value that the loss reads.
//
// Tested by tests/network/trainable_test.cc.

#include <algorithm>

#include "autogo/base/error.h"
#include "autogo/network/train.h"
#include "network/heads/graph_edit.h"
#include "network/heads/heads.h"
#include "train_plan.h"

namespace autogo {
namespace {

std::string size_text(const Shape& shape) {
  return std::to_string(shape[3]) + "x" + std::to_string(shape[2]);
}

const Shape& image_shape(const Graph& graph) {
  const std::vector<NodeId> inputs = graph.input_nodes();
  AUTOGO_REQUIRE(
      inputs.size() == 1, ErrorKind::kUnsupported,
      "the network has " + std::to_string(inputs.size()) + " inputs; training feeds one, an image");
  const Shape& shape = graph.output_type(inputs[0]).shape;
  AUTOGO_REQUIRE(shape.known() && shape.rank() == 4 && (shape[1] == 1 || shape[1] == 3),
                 ErrorKind::kUnsupported,
                 "the input has shape " + to_string(shape) +
                     "; training feeds images, N x 1 x H x W or N x 3 x H x W");
  return shape;
}

/// The graph with the input size that the options ask for.
Graph sized(TrainableNetwork& network, const Graph& graph) {
  const std::int64_t size = network.options.image_size;
  const Shape shape = image_shape(graph);
  if (size == 0 || (shape[2] == size && shape[3] == size)) return graph;
  network.notes.push_back("the network's input is " + std::to_string(size) + "x" +
                          std::to_string(size) + " instead of " + size_text(shape));
  try {
    return with_input_size(graph, size, size);
  } catch (Error& e) {
    e.prepend("--image-size " + std::to_string(size));
    throw;
  }
}

void note_images(TrainableNetwork& network, const Data& data) {
  const Shape& shape = image_shape(network.graph);
  const bool whole = network.options.task != Task::kClassification;
  if (!whole && data.width > 0 && (data.width != shape[3] || data.height != shape[2])) {
    network.notes.push_back("images of " + std::to_string(data.width) + "x" +
                            std::to_string(data.height) + " are resized to the network's " +
                            size_text(shape));
  }
  if (data.channels == 1 && shape[1] == 3) {
    network.notes.emplace_back("grey images are repeated for the network's three channels");
  }
  if (data.channels == 3 && shape[1] == 1) {
    network.notes.push_back(std::string("the network reads one channel: ") +
                            (whole ? "the luma Y" : "colours become grey"));
  }
}

void set_normalisation(TrainableNetwork& network, const Data& data) {
  TaskOptions& options = network.options;
  const std::int64_t channels = image_shape(network.graph)[1];
  if (options.mean.empty() && options.deviation.empty() && !makes_images(options.task)) {
    const ChannelStatistics statistics = channel_statistics(*data.train, channels);
    options.mean = statistics.mean;
    options.deviation = statistics.deviation;
  }
  const auto fits = [&](const std::vector<float>& values) {
    return values.empty() || static_cast<std::int64_t>(values.size()) == channels;
  };
  AUTOGO_REQUIRE(fits(options.mean) && fits(options.deviation), ErrorKind::kUsage,
                 "--mean and --deviation: expected " + std::to_string(channels) +
                     " numbers, one for each channel of the network's input");
}

void fit_classifier(TrainableNetwork& network, const Data& data) {
  const auto classes = static_cast<std::int64_t>(data.classes.size());
  const std::int64_t found = elements_per_image(network.graph, logits_of(network.graph));
  if (found == classes && !network.options.new_head) return;
  network.graph = with_new_classifier(network.graph, classes);
  const std::int64_t made = elements_per_image(network.graph, logits_of(network.graph));
  AUTOGO_REQUIRE(made == classes, ErrorKind::kUnsupported,
                 "the network answers with " + std::to_string(found) + " numbers an image, also " +
                     "after its last layer was replaced (" + std::to_string(made) + "); the " +
                     std::to_string(classes) + " classes of the data set need one each");
  network.notes.push_back("a new classifier of " + std::to_string(classes) +
                          " classes takes the place of the one of " + std::to_string(found));
}

/// Restoration has no head to change: the output is an image.
void require_image_output(const TrainableNetwork& network) {
  const Shape& in = image_shape(network.graph);
  const Shape& out = network.graph.output_type(network.graph.output_nodes().at(0)).shape;
  const bool map = out.known() && out.rank() == 4 && out[1] == in[1];
  const bool scaled =
      map && out[2] % in[2] == 0 && out[3] % in[3] == 0 && out[2] / in[2] == out[3] / in[3];
  const bool super = network.options.task == Task::kSuperResolution;
  const bool fits = scaled && (super ? out[2] / in[2] > 1 : out[2] == in[2]);
  AUTOGO_REQUIRE(fits, ErrorKind::kUnsupported,
                 std::string(task_name(network.options.task)) + " needs an output of " +
                     (super ? "two or more times the input's size" : "the input's size") +
                     " and as many channels; the network makes " + to_string(out) + " of " +
                     to_string(in));
}

/// Segmentation and pose: a network that answers with the right number of maps is kept, any other
/// one is a backbone.
Graph map_network(TrainableNetwork& network, const Data& data) {
  const TaskOptions& options = network.options;
  const bool pose = options.task == Task::kPose;
  const auto maps = static_cast<std::int64_t>(pose ? data.num_joints : data.classes.size());
  const Graph& graph = network.graph;
  const std::vector<NodeId> outputs = graph.output_nodes();
  const Shape found = outputs.empty() ? Shape() : graph.output_type(outputs[0]).shape;
  const bool fits = found.rank() == 4 && found[1] == maps && found[2] > 1 && found[3] > 1;
  if (fits && !options.new_head && options.tap.empty()) return sized(network, graph);
  const ValueId tap = find_tap(graph, options.tap);
  network.notes.push_back(std::string("a ") + (pose ? "deconvolution" : "PSP") + " head for " +
                          std::to_string(maps) + (pose ? " joints" : " classes") + " reads '" +
                          graph.value_name(tap) + "', " + to_string(graph.type(tap).shape));
  const Graph base = sized(network, backbone(graph, tap));
  if (pose) return with_pose_head(base, maps);
  Graph made = with_psp_head(base, maps);
  if (options.auxiliary) {
    network.training_graph = with_auxiliary_head(made, base, maps);
  }
  return made;
}

}  // namespace

TrainableNetwork make_trainable(const Graph& graph, const Data& data, const TaskOptions& options) {
  TrainableNetwork network;
  network.graph = graph;
  network.options = options;
  image_shape(graph);
  const bool maps = options.task == Task::kSegmentation || options.task == Task::kPose;
  network.graph = maps ? map_network(network, data) : sized(network, graph);
  note_images(network, data);
  set_normalisation(network, data);
  if (options.task == Task::kClassification) {
    fit_classifier(network, data);
  } else if (!maps) {
    require_image_output(network);
  }
  const bool more = network.training_graph.num_nodes() > 0;
  const Graph& trained = more ? network.training_graph : network.graph;
  network.program = lower(trained, kTrainableExport);
  network.output = program_name(trained, network.program, logits_of(trained));
  if (more) {
    const NodeId second = trained.output_nodes().at(1);
    network.auxiliary = program_name(trained, network.program, trained.inputs(second)[0]);
  }
  return network;
}

}  // namespace autogo
