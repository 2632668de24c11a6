// What the Graph holds of a node that it does not know.
//
// Tested by tests/onnx/import_test.cc.

#include "autogo/base/rng.h"
#include "import_view.h"

namespace autogo {
namespace {

/// Hash of what only ONNX knows of an opaque node: domain, attributes, constants it reads.
std::uint64_t opaque_digest(const ImportView& view, int node) {
  const onnx::NodeProto& proto = view.proto(node);
  std::uint64_t digest = hash_bytes(proto.domain().data(), proto.domain().size());
  for (const onnx::AttributeProto& attribute : proto.attribute()) {
    const std::string bytes = attribute.SerializeAsString();
    digest = hash_combine(digest, hash_bytes(bytes.data(), bytes.size()));
  }
  for (std::size_t i = 0; i < view.node(node).inputs.size(); ++i) {
    const int value = view.input(node, i);
    if (value < 0 || view.computed(value)) continue;
    digest = hash_combine(digest, i);
    if (const auto data = view.data(value); data != nullptr && data->size() <= 64) {
      for (const std::int64_t v : data->ints)
        digest = hash_combine(digest, static_cast<std::uint64_t>(v));
      digest =
          hash_combine(digest, hash_bytes(data->reals.data(), data->reals.size() * sizeof(double)));
    }
  }
  return digest;
}

}  // namespace

Attrs opaque_attrs(const ImportView& view, int node) {
  Attrs attrs;
  const onnx::NodeProto& proto = view.proto(node);
  attrs.text = standard_domain(proto) ? proto.op_type() : proto.domain() + "." + proto.op_type();
  attrs.digest = opaque_digest(view, node);
  return attrs;
}

}  // namespace autogo
