// Attention as one operator: softmax(q k^T / sqrt(d) + mask) v between its projections, with heads.
//
//   x -> q, k, v      one product for all (timm, torch.nn.MultiheadAttention), or one each (BERT);
//                     slices, splits, reshapes and transposes give the heads their places
//   scores            a product of two computed matrices; scaled, biased (Swin's table of relative
//                     positions), masked by sums or by Where
//   mix               the softmax times v, the heads joined again, and a last projection
//
// Exporters write this in a hundred ways, so nothing is matched by its spelling. From each softmax
// the graph is walked back to the product that made the scores and on to the three projections, and
// forwards to the second product and the last projection, over operators that only move elements,
// scale them or mask them. The shapes then say what was found: the number of heads is what the
// scores have more than the tokens. What fits nowhere stays as it is, node by node.
//
// Tokens are the last axis but one of what goes in and out. Where the projections work on another
// order (MultiheadAttention puts tokens first), the transposes around them are part of it; where
// the whole network has them first, so has the attention (`axis`).
//
// Tested by tests/onnx/attention_test.cc on what PyTorch exports.

#include "attention.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>

namespace autogo {
namespace {

constexpr int kMostHops = 16;     // between a softmax and a product, or a product and a projection
constexpr int kMostLayouts = 3;   // reshapes and transposes around the projections
constexpr int kMostVisited = 64;  // in the search for the product behind the scores
constexpr std::size_t kMostUsers = 16;        // of a value within
constexpr std::int64_t kMostHeads = 1 << 20;  // and what the table can say of it
constexpr std::int64_t kMostWidth = 1 << 15;

using Ints = std::vector<std::int64_t>;

template <std::size_t N>
bool is_any(const ImportView& view, int node, const std::array<std::string_view, N>& ops) {
  return std::ranges::any_of(ops, [&](std::string_view op) { return view.is(node, op); });
}

/// Elements to other places, or to another type.
constexpr std::array<std::string_view, 8> kMoves = {"Cast",  "Gather", "Reshape",   "Slice",
                                                    "Split", "Squeeze", "Transpose", "Unsqueeze"};
constexpr std::array<std::string_view, 2> kLayouts = {"Reshape", "Transpose"};
/// What is done with scores before their softmax.
constexpr std::array<std::string_view, 13> kOnScores = {
    "Add", "Cast", "Clip",    "Div",   "Max",     "Min",       "Mul",
    "Sub", "Tanh", "Reshape", "Where", "Squeeze", "Unsqueeze"};

class Matcher {
 public:
  Matcher(const ImportView& view, int softmax) : view_(view), softmax_(softmax) {}

  std::optional<PatternMatch> match() {
    const auto forms = table_forms(view_, softmax_);
    if (forms.empty()) return std::nullopt;
    const Dims& dims = view_.dims(view_.output(softmax_));
    if (!all_known(dims) || dims->size() < 3) return std::nullopt;
    if (forms[0].attrs.axis != static_cast<int>(dims->size()) - 1) return std::nullopt;
    nodes_.insert(softmax_);
    int budget = kMostVisited;
    scores_ = find_product(view_.input(softmax_, 0), 0, budget);
    mix_ = scores_ < 0 ? -1 : second_product();
    if (mix_ < 0) return std::nullopt;
    nodes_.insert({scores_, mix_});
    const auto q = projection(view_.input(scores_, 0));
    const auto k = projection(view_.input(scores_, 1));
    const auto v = projection(view_.input(mix_, 1));
    const auto last = last_projection();
    if (!q || !k || !v || !last || k->input != v->input) return std::nullopt;
    return framed(*q, *k, *v, *last);
  }

 private:
  struct Projection {
    int node = -1;    ///< the product
    int input = -1;   ///< value that it projects
    int output = -1;  ///< value behind its bias
    std::int64_t features = 0;
    bool bias = false;
  };

  const Ints& dims(int value) const { return *view_.dims(value); }

  /// 0 when a dimension is, and when the product is beyond what can be counted.
  static std::int64_t product(std::span<const std::int64_t> of) {
    std::int64_t result = 1;
    for (const std::int64_t d : of) {
      if (d <= 0 || __builtin_mul_overflow(result, d, &result)) return 0;
    }
    return result;
  }

  /// The operand of a node that is computed, when it is the only one; else -1.
  int only_computed(int node) const {
    int found = -1;
    for (std::size_t i = 0; i < view_.node(node).inputs.size(); ++i) {
      const int value = view_.input(node, i);
      if (value < 0 || !view_.computed(value)) continue;
      if (found >= 0) return -1;
      found = value;
    }
    return found;
  }

  bool is_product(int node) const {
    if (!view_.is(node, "MatMul")) return false;
    const int a = view_.input(node, 0), b = view_.input(node, 1);
    return a >= 0 && b >= 0 && view_.computed(a) && view_.computed(b);
  }

  /// The first output of a node; -1 when it has none, or leaves it out.
  int result(int node) const {
    const std::vector<int>& outputs = view_.node(node).outputs;
    return outputs.empty() ? -1 : outputs[0];
  }

  /// A product with a constant matrix.
  std::optional<Projection> as_projection(int node) const {
    if (!view_.is(node, "MatMul") && !view_.is(node, "Gemm")) return std::nullopt;
    const auto forms = table_forms(view_, node);
    if (forms.empty() || forms[0].op != OpKind::kDense) return std::nullopt;
    const Attrs& a = forms[0].attrs;
    return Projection{node, forms[0].inputs[0], view_.output(node), a.out_channels, a.bias};
  }

  /// Back from the softmax over what is done with scores, to the product that made them. What else
  /// is read on the way (masks, tables) is noted.
  int find_product(int value, int hops, int& budget) {
    const int node = value < 0 ? -1 : view_.producer(value);
    if (node < 0 || hops > kMostHops || --budget < 0) return -1;
    if (is_product(node)) return node;
    if (!is_any(view_, node, kOnScores)) return -1;
    for (std::size_t i = 0; i < view_.node(node).inputs.size(); ++i) {
      const int input = view_.input(node, i);
      if (input < 0 || !view_.computed(input)) continue;
      const int product = find_product(input, hops + 1, budget);
      if (product < 0) continue;
      nodes_.insert(node);
      for (std::size_t k = 0; k < view_.node(node).inputs.size(); ++k) {
        const int other = view_.input(node, k);
        if (k != i && other >= 0 && view_.computed(other)) masks_.push_back(other);
      }
      return product;
    }
    return -1;
  }

  /// The only node that reads a value; -1 when there are more, or it is a network output.
  int only_user(int value) const {
    if (value < 0) return -1;
    const std::vector<int>& users = view_.users(value);
    return users.size() == 1 && !view_.network_output(value) ? users[0] : -1;
  }

  /// Where(IsNaN(y), 0, y), with which newer exporters guard rows that are masked whole.
  int behind_guard(int value) {
    const std::vector<int>& users = view_.users(value);
    if (users.size() != 2 || view_.network_output(value)) return value;
    for (const std::size_t i : {0U, 1U}) {
      const int test = users[i], choice = users[1 - i];
      if (!view_.is(test, "IsNaN") || !view_.is(choice, "Where")) continue;
      if (result(test) < 0 || view_.input(choice, 0) != result(test)) continue;
      if (view_.input(choice, 2) != value) continue;
      nodes_.insert({test, choice});
      return result(choice);
    }
    return value;
  }

  int second_product() {
    int value = behind_guard(view_.output(softmax_));
    for (int hop = 0; hop < kMostHops; ++hop) {
      const int node = only_user(value);
      if (node < 0) return -1;
      if (is_product(node)) return view_.input(node, 0) == value ? node : -1;
      if (!view_.is(node, "Cast") && !view_.is(node, "Reshape")) return -1;
      nodes_.insert(node);
      value = result(node);
    }
    return -1;
  }

  /// Back from an operand of a product over what moves, scales and shifts, to its projection.
  std::optional<Projection> projection(int value) {
    bool bias = false;
    for (int hop = 0; hop < kMostHops; ++hop) {
      const int node = view_.producer(value);
      if (node < 0) return std::nullopt;
      nodes_.insert(node);
      if (auto found = as_projection(node)) {
        found->bias = found->bias || bias;
        return found;
      }
      const bool shifts = view_.is(node, "Add");
      if (!shifts && !view_.is(node, "Mul") && !view_.is(node, "Div") &&
          !is_any(view_, node, kMoves)) {
        return std::nullopt;
      }
      bias = bias || shifts;
      value = only_computed(node);
      if (value < 0) return std::nullopt;
    }
    return std::nullopt;
  }

  /// Forwards from the second product to the last projection and its bias.
  std::optional<Projection> last_projection() {
    int value = view_.output(mix_);
    for (int hop = 0; hop < kMostHops; ++hop) {
      const int node = only_user(value);
      if (node < 0) return std::nullopt;
      nodes_.insert(node);
      if (auto found = as_projection(node)) {
        if (found->input != value) return std::nullopt;
        const int sum = only_user(found->output);
        if (sum < 0 || !view_.is(sum, "Add") || only_computed(sum) < 0) return found;
        if (result(sum) < 0 || view_.dims(result(sum)) != view_.dims(found->output)) return found;
        nodes_.insert(sum);
        found->output = result(sum);
        found->bias = true;
        return found;
      }
      if (!is_any(view_, node, kMoves) || only_computed(node) < 0) return std::nullopt;
      value = result(node);
    }
    return std::nullopt;
  }

  /// A value and those behind (before) it over reshapes and transposes, and the nodes between.
  struct Chain {
    std::vector<int> values, nodes;
  };

  Chain backwards(int value) const {
    Chain chain{{value}, {}};
    for (int hop = 0; hop < kMostLayouts; ++hop) {
      const int node = view_.producer(chain.values.back());
      if (node < 0 || !is_any(view_, node, kLayouts) || view_.input(node, 0) < 0) break;
      chain.nodes.push_back(node);
      chain.values.push_back(view_.input(node, 0));
    }
    return chain;
  }

  Chain forwards(int value) const {
    Chain chain{{value}, {}};
    for (int hop = 0; hop < kMostLayouts; ++hop) {
      const int node = only_user(chain.values.back());
      if (node < 0 || !is_any(view_, node, kLayouts) || only_computed(node) < 0) break;
      if (result(node) < 0) break;
      chain.nodes.push_back(node);
      chain.values.push_back(result(node));
    }
    return chain;
  }

  /// The nearest pair of values before and behind it all that are the same tokens: those that are
  /// the last axis but one if there are any.
  std::optional<PatternMatch> framed(const Projection& q, const Projection& k, const Projection& v,
                                     const Projection& last) const {
    const Chain before = backwards(q.input), memory = backwards(k.input);
    const Chain behind = forwards(last.output);
    for (const bool any_axis : {false, true}) {
      for (std::size_t layouts = 0; layouts <= 2 * std::size_t{kMostLayouts}; ++layouts) {
        for (std::size_t i = 0; i <= layouts; ++i) {
          const Frame frame{before, memory, behind, i, layouts - i};
          if (auto found = in_frame(frame, q, k, v, last, any_axis)) return found;
        }
      }
    }
    return std::nullopt;
  }

  /// As many layouts before and behind the projections as are part of the attention.
  struct Frame {
    const Chain &before, &memory, &behind;
    std::size_t first, last;
  };

  std::optional<PatternMatch> in_frame(const Frame& f, const Projection& q, const Projection& k,
                                       const Projection& v, const Projection& last,
                                       bool any_axis) const {
    const bool cross = q.input != k.input;
    if (f.first >= f.before.values.size() || f.last >= f.behind.values.size()) return std::nullopt;
    if (cross && f.first >= f.memory.values.size()) return std::nullopt;
    const int x = f.before.values[f.first], out = f.behind.values[f.last];
    const int y = cross ? f.memory.values[f.first] : x;
    for (const int value :
         {x, y, out, view_.output(softmax_), view_.output(mix_), view_.input(scores_, 0)}) {
      if (!all_known(view_.dims(value)) || dims(value).size() < 3) return std::nullopt;
    }
    const std::size_t usual = dims(x).size() - 2;
    for (std::size_t axis = any_axis ? 0 : usual; axis <= usual; ++axis) {
      const auto attrs = described(x, y, out, axis, q, k, v, last);
      if (!attrs) continue;
      std::set<int> nodes = nodes_;
      const auto add = [&nodes](const Chain& chain, std::size_t count) {
        nodes.insert(chain.nodes.begin(), chain.nodes.begin() + static_cast<std::ptrdiff_t>(count));
      };
      add(f.before, f.first);
      add(f.behind, f.last);
      if (cross) add(f.memory, f.first);
      if (auto found = finished(nodes, *attrs, x, cross ? y : -1)) return found;
    }
    return std::nullopt;
  }

  /// Heads and their width, when the shapes are those of attention from tokens x over tokens y,
  /// which lie along `axis`.
  std::optional<Attrs> described(int x, int y, int out, std::size_t axis, const Projection& q,
                                 const Projection& k, const Projection& v,
                                 const Projection& last) const {
    const Ints &from = dims(x), &over = dims(y), &to = dims(out);
    if (from.size() != to.size() || from.size() != over.size()) return std::nullopt;
    Ints beside;  // what stands beside each other, without attention between it
    for (std::size_t d = 0; d + 1 < from.size(); ++d) {
      if (d == axis) continue;
      if (from[d] != to[d] || from[d] != over[d]) return std::nullopt;
      beside.push_back(from[d]);
    }
    const Ints &scores = dims(view_.output(softmax_)), &mix = dims(view_.output(mix_));
    const std::int64_t queries = scores[scores.size() - 2], width = mix.back();
    if (from[axis] != queries || to[axis] != queries || over[axis] != scores.back()) {
      return std::nullopt;
    }
    if (to.back() != last.features || last.features > kMaxDim >> 2) return std::nullopt;
    const std::int64_t batch = product(beside);
    const std::int64_t maps = product(std::span(scores).first(scores.size() - 2));
    if (batch == 0 || maps % batch != 0 || maps / batch > kMostHeads) return std::nullopt;
    const std::int64_t heads = maps / batch;
    // One product may make two or all three of them; keys, queries and values are equally wide.
    std::int64_t features = 0;
    for (const Projection* p : distinct(q, k, v)) features += p->features;
    if (heads < 1 || width < 1 || width > kMostWidth) return std::nullopt;
    if (features != 3 * heads * width) return std::nullopt;
    if (dims(view_.input(scores_, 0)).back() != width) return std::nullopt;
    Attrs a;
    a.group = static_cast<std::int32_t>(heads);
    a.block = static_cast<std::int32_t>(width);
    a.axis = static_cast<std::int32_t>(axis);
    a.out_channels = static_cast<std::int32_t>(last.features);
    a.bias = q.bias || k.bias || v.bias || last.bias;
    if (q.input != k.input) a.text = kCrossAttention;
    return a;
  }

  static std::vector<const Projection*> distinct(const Projection& q, const Projection& k,
                                                 const Projection& v) {
    std::vector<const Projection*> all{&q};
    if (k.node != q.node) all.push_back(&k);
    if (v.node != q.node && v.node != k.node) all.push_back(&v);
    return all;
  }

  std::optional<PatternMatch> finished(const std::set<int>& nodes, const Attrs& attrs, int x,
                                       int y) const {
    PatternMatch match{{nodes.begin(), nodes.end()}, {OpKind::kAttention, attrs, {x}}};
    if (y >= 0) match.form.inputs.push_back(y);
    for (const int mask : masks_) {  // scores + scores reads nothing from elsewhere
      if (!nodes.contains(view_.producer(mask))) match.form.inputs.push_back(mask);
    }
    for (std::size_t i = 0; i + 1 < match.nodes.size(); ++i) {
      for (const int value : view_.node(match.nodes[i]).outputs) {
        if (value >= 0 && view_.users(value).size() > kMostUsers) return std::nullopt;
      }
    }
    if (!view_.closed(match.nodes) || !view_.only_first_output(match.nodes.back())) {
      return std::nullopt;
    }
    return reads_only(match) ? std::optional(std::move(match)) : std::nullopt;
  }

  /// Whether the nodes compute from the inputs, constants and each other alone.
  bool reads_only(const PatternMatch& match) const {
    std::set<int> known(match.form.inputs.begin(), match.form.inputs.end());
    for (const int node : match.nodes) {
      if (!view_.node(node).captured.empty()) return false;
      for (std::size_t i = 0; i < view_.node(node).inputs.size(); ++i) {
        const int value = view_.input(node, i);
        if (value >= 0 && view_.computed(value) && !known.contains(value)) return false;
      }
      for (const int value : view_.node(node).outputs) {
        if (value >= 0) known.insert(value);
      }
    }
    return true;
  }

  const ImportView& view_;
  int softmax_, scores_ = -1, mix_ = -1;
  std::set<int> nodes_;
  std::vector<int> masks_;
};

}  // namespace

std::optional<PatternMatch> match_attention(const ImportView& view, int softmax) {
  const bool live = view.node(softmax).state == OnnxNode::State::kLive;
  if (!live || !view.is(softmax, "Softmax")) return std::nullopt;
  return Matcher(view, softmax).match();
}

}  // namespace autogo
