// Idioms: several ONNX nodes that exporters write for one operator of the table.
//
//   swish            x sigmoid(x)
//   hard swish       x hard_sigmoid(x) with 1/6 and 1/2; x clip(x + 3, 0, 6) / 6
//   gelu             x (1 + erf(x / sqrt 2)) / 2, and its tanh approximation
//   mish             x tanh(softplus(x))
//   squeeze-excite   x gate(conv(act(conv(mean(x))))), with Transposes around the convolutions, too
//   dense            x W + b with constant W and b
//   layer norm       (x - mean) / sqrt(mean((x - mean)^2) + e) gamma + beta
//
// The first four are products that exporters associate in many ways (the half of GELU before, after
// or inside), so a tree of Mul and of Div by a number is flattened into factors and one scale, and
// idioms are matched on that. Numbers are compared loosely: files hold 1.4142 and 1.41421353816986.
// That is safe, because a recognised node that nobody mutates goes out in its own spelling.
//
// An idiom counts only when nothing outside sees its inner values. Matching starts from the end of
// the network, so the larger idiom wins over one that it contains (a squeeze-excite over the swish
// inside).
//
// Tested by tests/onnx/patterns_test.cc.

#include <algorithm>
#include <cmath>

#include "import_view.h"
#include "maps.h"

namespace autogo {
namespace {

bool near(double a, double b) { return std::fabs(a - b) <= 1e-3 * std::fabs(b); }
bool near(const std::optional<double>& a, double b) { return a && near(*a, b); }

/// A value as scale x product of factors.
struct Product {
  double scale = 1;
  std::vector<int> factors;
  std::vector<int> nodes;
};

class Matcher {
 public:
  Matcher(const ImportView& view, const std::vector<bool>& taken) : view_(view), taken_(taken) {}

  std::optional<PatternMatch> match(int node) const {
    if (auto found = squeeze_excite(node)) return found;
    if (auto found = layer_norm(node)) return found;
    if (auto found = activation(node)) return found;
    if (auto found = dense(node)) return found;
    return std::nullopt;
  }

 private:
  using Ints = std::vector<std::int64_t>;

  int find(int value, std::string_view op) const {
    const int node = view_.producer(value, op);
    return node >= 0 && !taken_[static_cast<std::size_t>(node)] ? node : -1;
  }

  /// The two operands of a node in both orders, until `accept(a, b)` is true.
  template <typename Accept>
  bool either_order(int node, const Accept& accept) const {
    const int a = view_.input(node, 0), b = view_.input(node, 1);
    if (a < 0 || b < 0) return false;
    return accept(a, b) || accept(b, a);
  }

  std::optional<PatternMatch> finish(std::vector<int> nodes, TableForm form) const {
    std::ranges::sort(nodes);
    const auto doubles = std::ranges::unique(nodes);
    nodes.erase(doubles.begin(), doubles.end());
    if (!view_.closed(nodes) || !view_.only_first_output(nodes.back())) return std::nullopt;
    for (const int value : form.inputs) {
      if (!view_.computed(value) || !is_floating(view_.source().value(value).dtype)) {
        return std::nullopt;
      }
    }
    return PatternMatch{std::move(nodes), std::move(form)};
  }

  void flatten(int node, Product& product, int depth) const {
    product.nodes.push_back(node);
    const bool divides = view_.is(node, "Div");
    for (const std::size_t slot : {0U, 1U}) {
      const int value = view_.input(node, slot);
      if (const auto number = view_.scalar(value)) {
        product.scale *= divides && slot == 1 ? 1 / *number : *number;
        continue;
      }
      const int inner = divides && slot == 1 ? -1 : scaling_node(value);
      if (inner >= 0 && depth < 8 && view_.users(value).size() == 1 &&
          !view_.network_output(value)) {
        flatten(inner, product, depth + 1);
      } else {
        product.factors.push_back(value);
      }
    }
  }

  /// A Mul, or a Div by a number, that makes this value; -1 when there is none.
  int scaling_node(int value) const {
    if (const int mul = find(value, "Mul"); mul >= 0) return mul;
    const int div = find(value, "Div");
    return div >= 0 && view_.scalar(view_.input(div, 1)) ? div : -1;
  }

  std::optional<Product> product(int value) const {
    const int node = scaling_node(value);
    if (node < 0 || view_.input(node, 0) < 0 || view_.input(node, 1) < 0) return std::nullopt;
    Product result;
    flatten(node, result, 0);
    return result;
  }

  /// value = other + number: the other, and the node.
  std::optional<std::pair<int, int>> plus(int value, double number) const {
    const int node = find(value, "Add");
    if (node < 0) return std::nullopt;
    int other = -1;
    either_order(node, [&](int a, int b) {
      if (!near(view_.scalar(b), number)) return false;
      other = a;
      return true;
    });
    if (other < 0) return std::nullopt;
    return std::pair(other, node);
  }

  /// value = number x `x` (or a Div): the nodes.
  std::optional<std::vector<int>> scaled(int value, int x, double number) const {
    const auto p = product(value);
    if (!p || p->factors != std::vector<int>{x} || !near(p->scale, number)) return std::nullopt;
    return p->nodes;
  }

  /// value = clip(x + 3, 0, 6): x, and the nodes.
  std::optional<std::pair<int, std::vector<int>>> clipped(int value) const {
    const int clip = find(value, "Clip");
    if (clip < 0) return std::nullopt;
    const auto forms = table_forms(view_, clip);
    if (forms.empty() || forms[0].op != OpKind::kRelu6) return std::nullopt;
    const auto sum = plus(view_.input(clip, 0), 3);
    if (!sum) return std::nullopt;
    return std::pair(sum->first, std::vector<int>{sum->second, clip});
  }

  bool is_sixth_sigmoid(int node) const {
    const onnx::NodeProto& proto = view_.proto(node);
    return near(attribute_float(proto, "alpha", 0.2F), 1.0 / 6) &&
           near(attribute_float(proto, "beta", 0.5F), 0.5);
  }

  /// x times one more factor that depends on x alone.
  std::optional<PatternMatch> gated(const Product& p, int x, int factor) const {
    std::vector<int> nodes = p.nodes;
    auto done = [&](OpKind op, std::initializer_list<int> more, const char* text = "") {
      nodes.insert(nodes.end(), more);
      TableForm form{op, {}, {x}};
      form.attrs.text = text;
      return finish(nodes, form);
    };
    auto from_x = [&](int node) { return node >= 0 && view_.input(node, 0) == x; };
    const int sigmoid = find(factor, "Sigmoid");
    if (from_x(sigmoid) && near(p.scale, 1)) return done(OpKind::kSwish, {sigmoid});
    const int hard = find(factor, "HardSigmoid");
    if (from_x(hard) && near(p.scale, 1) && is_sixth_sigmoid(hard)) {
      return done(OpKind::kHardSwish, {hard});
    }
    const auto clip = clipped(factor);
    if (clip && clip->first == x && near(p.scale, 1.0 / 6)) {
      return done(OpKind::kHardSwish, {clip->second[0], clip->second[1]});
    }
    if (const int tanh = find(factor, "Tanh"); tanh >= 0 && near(p.scale, 1)) {
      const int softplus = find(view_.input(tanh, 0), "Softplus");
      if (from_x(softplus)) return done(OpKind::kMish, {tanh, softplus});
    }
    return gelu(p, x, factor);
  }

  std::optional<PatternMatch> gelu(const Product& p, int x, int factor) const {
    // The half may stand outside, or inside as 0.5 + 0.5 erf: files of the first kind only.
    const auto sum = plus(factor, 1);
    if (!sum || !near(p.scale, 0.5)) return std::nullopt;
    std::vector<int> nodes = p.nodes;
    nodes.push_back(sum->second);
    TableForm form{OpKind::kGelu, {}, {x}};
    if (const int erf = find(sum->first, "Erf"); erf >= 0) {
      const auto inner = scaled(view_.input(erf, 0), x, std::sqrt(0.5));
      if (!inner) return std::nullopt;
      nodes.insert(nodes.end(), inner->begin(), inner->end());
      nodes.push_back(erf);
      return finish(nodes, form);
    }
    const int tanh = find(sum->first, "Tanh");
    if (tanh < 0) return std::nullopt;
    const auto inner = product(view_.input(tanh, 0));
    if (!inner || inner->factors.size() != 1 || !near(inner->scale, std::sqrt(2 / M_PI))) {
      return std::nullopt;
    }
    const auto cubic = x_plus_cube(inner->factors[0], x);
    if (!cubic) return std::nullopt;
    nodes.push_back(tanh);
    nodes.insert(nodes.end(), inner->nodes.begin(), inner->nodes.end());
    nodes.insert(nodes.end(), cubic->begin(), cubic->end());
    form.attrs.text = "tanh";
    return finish(nodes, form);
  }

  /// value = x + 0.044715 x^3: the nodes.
  std::optional<std::vector<int>> x_plus_cube(int value, int x) const {
    const int add = find(value, "Add");
    if (add < 0) return std::nullopt;
    std::optional<std::vector<int>> found;
    either_order(add, [&](int a, int b) {
      const auto p = a == x ? product(b) : std::nullopt;
      if (!p || !near(p->scale, 0.044715)) return false;
      std::vector<int> nodes = p->nodes;
      nodes.push_back(add);
      if (p->factors.size() == 1) {
        const int pow = find(p->factors[0], "Pow");
        if (pow < 0 || view_.input(pow, 0) != x || !near(view_.scalar(view_.input(pow, 1)), 3)) {
          return false;
        }
        nodes.push_back(pow);
      } else if (p->factors != std::vector<int>{x, x, x}) {
        return false;
      }
      found = nodes;
      return true;
    });
    return found;
  }

  std::optional<PatternMatch> activation(int node) const {
    if (!view_.is(node, "Mul") && !view_.is(node, "Div")) return std::nullopt;
    const auto p = product(view_.output(node));
    if (!p || p->factors.size() != 2) return std::nullopt;
    if (auto found = gated(*p, p->factors[0], p->factors[1])) return found;
    return gated(*p, p->factors[1], p->factors[0]);
  }

  /// A 1x1 convolution of a 1x1 map with constant weights.
  int pointwise(int value) const {
    const int conv = find(value, "Conv");
    if (conv < 0) return -1;
    const auto forms = table_forms(view_, conv);
    const bool fits = !forms.empty() && forms[0].op == OpKind::kConv && forms[0].attrs.group == 1 &&
                      forms[0].attrs.kernel == std::array<std::int32_t, 2>{1, 1};
    return fits ? conv : -1;
  }

  struct Gate {
    std::string name;
    float alpha = 0, beta = 0;
    int input = -1;
    std::vector<int> nodes;
  };

  std::optional<Gate> gate(int value) const {
    if (const int node = find(value, "Sigmoid"); node >= 0) {
      return Gate{"sigmoid", 0, 0, view_.input(node, 0), {node}};
    }
    if (const int node = find(value, "HardSigmoid"); node >= 0) {
      return Gate{"hard_sigmoid",
                  attribute_float(view_.proto(node), "alpha", 0.2F),
                  attribute_float(view_.proto(node), "beta", 0.5F),
                  view_.input(node, 0),
                  {node}};
    }
    const auto p = product(value);
    if (!p || p->factors.size() != 1 || !near(p->scale, 1.0 / 6)) return std::nullopt;
    const auto clip = clipped(p->factors[0]);
    if (!clip) return std::nullopt;
    Gate result{"hard_sigmoid", 1.0F / 6, 0.5F, clip->first, p->nodes};
    result.nodes.insert(result.nodes.end(), clip->second.begin(), clip->second.end());
    return result;
  }

  /// The activation between the two convolutions: its name, its input and its nodes.
  std::optional<Gate> inner_activation(int value) const {
    const int node = view_.producer(value);
    if (node < 0 || taken_[static_cast<std::size_t>(node)]) return std::nullopt;
    if (const auto found = activation(node)) {
      return Gate{op_name(found->form.op), 0, 0, found->form.inputs[0], found->nodes};
    }
    const auto forms = table_forms(view_, node);
    if (forms.empty()) return std::nullopt;
    const OpKind op = forms[0].op;
    if (op != OpKind::kRelu && op != OpKind::kRelu6 && op != OpKind::kHardSwish &&
        op != OpKind::kGelu) {
      return std::nullopt;
    }
    return Gate{op_name(op), 0, 0, forms[0].inputs[0], {node}};
  }

  /// The value before Transposes between the two orders of a map's axes; they join `nodes`.
  int before_layouts(int value, std::vector<int>& nodes) const {
    for (int hop = 0; hop < 2; ++hop) {  // there and back again
      const int node = find(value, "Transpose");
      if (node < 0) break;
      const auto perm = attribute_ints(view_.proto(node), "perm");
      if (perm != kChannelsToFront && perm != kChannelsToBack) break;
      nodes.push_back(node);
      value = view_.input(node, 0);
    }
    return value;
  }

  /// A mean over heights and widths that keeps them, in either order of the axes.
  int pooled(int value) const {
    const int mean = view_.producer(value);
    if (mean < 0 || taken_[static_cast<std::size_t>(mean)]) return -1;
    const auto forms = table_forms(view_, mean);
    if (forms.empty()) return -1;
    const TableForm& form = forms[0];
    if (form.op == OpKind::kGlobalAvgPool) return mean;
    const auto moved = channels_first_form(form);
    return moved && moved->op == OpKind::kGlobalAvgPool ? mean : -1;
  }

  std::optional<PatternMatch> squeeze_excite(int node) const {
    if (!view_.is(node, "Mul")) return std::nullopt;
    std::optional<PatternMatch> found;
    either_order(node, [&](int x, int gate_value) {
      std::vector<int> nodes{node};
      const auto outer = gate(gate_value);
      const int expand = outer ? pointwise(before_layouts(outer->input, nodes)) : -1;
      const auto act = expand < 0 ? std::nullopt
                                  : inner_activation(before_layouts(view_.input(expand, 0), nodes));
      const int squeeze = act ? pointwise(before_layouts(act->input, nodes)) : -1;
      const int mean = squeeze < 0 ? -1 : pooled(before_layouts(view_.input(squeeze, 0), nodes));
      if (mean < 0 || view_.input(mean, 0) != x) return false;
      if (view_.dims(gate_value) != view_.dims(view_.output(mean))) return false;
      TableForm form{OpKind::kSqueezeExcite, {}, {x}};
      const Attrs conv = table_forms(view_, squeeze)[0].attrs;
      form.attrs.out_channels = conv.out_channels;
      form.attrs.bias = conv.bias;
      form.attrs.text = act->name + "," + outer->name;
      form.attrs.alpha = outer->alpha;
      form.attrs.beta = outer->beta;
      nodes.insert(nodes.end(), {expand, squeeze, mean});
      nodes.insert(nodes.end(), outer->nodes.begin(), outer->nodes.end());
      nodes.insert(nodes.end(), act->nodes.begin(), act->nodes.end());
      found = finish(nodes, form);
      return found.has_value();
    });
    return found;
  }

  /// A constant with one number for each of the last axis' `channels`.
  bool per_channel(int value, std::int64_t channels) const {
    if (!view_.constant(value)) return false;
    const Dims& dims = view_.dims(value);
    return dims && !dims->empty() && dims->back() == channels && num_elements(dims) == channels;
  }

  std::optional<PatternMatch> dense(int node) const {
    if (!view_.is(node, "Add")) return std::nullopt;
    std::optional<PatternMatch> found;
    either_order(node, [&](int a, int bias) {
      const int product = find(a, "MatMul");
      if (product < 0) return false;
      const auto forms = table_forms(view_, product);
      if (forms.empty() || forms[0].op != OpKind::kDense) return false;
      const Dims &bias_dims = view_.dims(bias), &dims = view_.dims(a);
      if (!per_channel(bias, forms[0].attrs.out_channels)) return false;
      if (!dims || bias_dims->size() > dims->size()) return false;
      TableForm form = forms[0];
      form.attrs.bias = true;
      found = finish({product, node}, form);
      return found.has_value();
    });
    return found;
  }

  /// A mean over the last axis that keeps it.
  int last_mean(int value) const {
    const int node = find(value, "ReduceMean");
    if (node < 0) return -1;
    const auto forms = table_forms(view_, node);
    if (forms.empty() || forms.back().op != OpKind::kReduceMean) return -1;
    const Dims& dims = view_.dims(view_.input(node, 0));
    const Attrs& a = forms.back().attrs;
    const auto last = static_cast<std::int64_t>(dims ? dims->size() : 0) - 1;
    return a.axis == 1 && a.ints == Ints{last} ? node : -1;
  }

  /// value = x - mean(x): x, and the nodes.
  std::optional<std::pair<int, std::vector<int>>> centred(int value) const {
    const int sub = find(value, "Sub");
    if (sub < 0) return std::nullopt;
    const int mean = last_mean(view_.input(sub, 1));
    const int x = view_.input(sub, 0);
    if (mean < 0 || view_.input(mean, 0) != x) return std::nullopt;
    return std::pair(x, std::vector<int>{sub, mean});
  }

  /// value = (x - mean(x))^2.
  std::optional<std::pair<int, std::vector<int>>> squared(int value) const {
    int node = find(value, "Pow");
    if (node >= 0 && !near(view_.scalar(view_.input(node, 1)), 2)) return std::nullopt;
    if (node < 0) {
      node = find(value, "Mul");
      if (node < 0 || view_.input(node, 0) != view_.input(node, 1)) return std::nullopt;
    }
    auto inner = centred(view_.input(node, 0));
    if (inner) inner->second.push_back(node);
    return inner;
  }

  std::optional<PatternMatch> layer_norm(int node) const {
    if (!view_.is(node, "Add")) return std::nullopt;
    std::optional<PatternMatch> found;
    either_order(node, [&](int a, int beta) {
      const int mul = find(a, "Mul");
      if (mul < 0) return false;
      return either_order(mul, [&](int quotient, int gamma) {
        found = normalised(node, mul, quotient, gamma, beta);
        return found.has_value();
      });
    });
    return found;
  }

  std::optional<PatternMatch> normalised(int add, int mul, int quotient, int gamma,
                                         int beta) const {
    const int div = find(quotient, "Div");
    if (div < 0) return std::nullopt;
    const auto top = centred(view_.input(div, 0));
    const int root = find(view_.input(div, 1), "Sqrt");
    if (!top || root < 0) return std::nullopt;
    const int sum = find(view_.input(root, 0), "Add");
    if (sum < 0) return std::nullopt;
    std::optional<PatternMatch> found;
    either_order(sum, [&](int variance, int epsilon) {
      const auto number = view_.scalar(epsilon);
      const int mean = number ? last_mean(variance) : -1;
      const auto bottom = mean < 0 ? std::nullopt : squared(view_.input(mean, 0));
      if (!bottom || bottom->first != top->first) return false;
      const Dims& dims = view_.dims(top->first);
      if (!dims || !per_channel(gamma, dims->back()) || !per_channel(beta, dims->back())) {
        return false;
      }
      TableForm form{OpKind::kLayerNorm, {}, {top->first}};
      form.attrs.epsilon = static_cast<float>(*number);
      form.attrs.bias = true;
      std::vector<int> nodes{add, mul, div, root, sum, mean};
      nodes.insert(nodes.end(), top->second.begin(), top->second.end());
      nodes.insert(nodes.end(), bottom->second.begin(), bottom->second.end());
      found = finish(nodes, form);
      return found.has_value();
    });
    return found;
  }

  const ImportView& view_;
  const std::vector<bool>& taken_;
};

}  // namespace

std::optional<PatternMatch> match_pattern(const ImportView& view, int node,
                                          const std::vector<bool>& taken) {
  const std::string& op = view.proto(node).op_type();
  if (op != "Mul" && op != "Div" && op != "Add") return std::nullopt;
  return Matcher(view, taken).match(node);
}

}  // namespace autogo
