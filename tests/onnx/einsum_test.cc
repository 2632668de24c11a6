#include "onnx/infer/einsum.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

struct Case {
  const char* equation;
  std::vector<Ints> operands;
  Ints output;
  std::int64_t macs;  ///< numpy.einsum_path's count where a product sums, in halves
};

TEST(Einsum, KnowsShapesAndProducts) {
  const std::vector<Case> cases = {
      {"bij,jk->bik", {{2, 5, 7}, {7, 3}}, {2, 5, 3}, 210},
      {"...ij,...jk->...ik", {{4, 2, 5, 7}, {4, 2, 7, 3}}, {4, 2, 5, 3}, 840},
      {"...ij,...jk", {{2, 1, 5, 7}, {4, 7, 3}}, {2, 4, 5, 3}, 840},  // broadcast, implied output
      {"bhqd, bhkd -> bhqk", {{2, 3, 4, 8}, {2, 3, 5, 8}}, {2, 3, 4, 5}, 960},
      {"bii->bi", {{2, 3, 3}}, {2, 3}, 0},
      {"...ij->...ji", {{2, 3, 4, 5}}, {2, 3, 5, 4}, 0},
      {"ii", {{3, 3}}, {}, 0},
      {"ji,jk", {{3, 2}, {3, 4}}, {2, 4}, 24},
      {"ij,ij->ij", {{3, 4}, {3, 4}}, {3, 4}, 0},  // a Mul
      {"i,j->ij", {{3}, {4}}, {3, 4}, 0},
      {"bij,bkj->", {{2, 3, 4}, {2, 5, 4}}, {}, 120},
      {",ij->ij", {{}, {2, 3}}, {2, 3}, 0},
      {"ij,jk,kl->il", {{2, 3}, {3, 4}, {4, 5}}, {2, 5}, 2 * 3 * 4 + 2 * 4 * 5},
      {"a...b,b...->a...", {{2, 1, 3}, {3, 4}}, {2, 4}, 24},
      {"ab,bc->ca", {{2, 1}, {6, 3}}, {3, 2}, 36},  // an axis of 1 stretches
      {"ij,jk->ik", {{-1, 3}, {3, 4}}, {-1, 4}, -1},
      {"ij,jk->ik", {{2, 0}, {0, 4}}, {2, 4}, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.equation);
    const EinsumShapes shapes(c.equation, c.operands);
    EXPECT_EQ(shapes.output(), c.output);
    EXPECT_EQ(shapes.macs(), c.macs);
  }
}

std::string refusal(const std::string& equation, const std::vector<Ints>& operands) {
  try {
    EinsumShapes(equation, operands);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Einsum, RefusesWhatDoesNotFit) {
  EXPECT_EQ(refusal("ij,jk->ik", {{2, 3}}), "the equation 'ij,jk->ik' has 2 terms for 1 inputs");
  EXPECT_EQ(refusal("ij->ik", {{2, 3}}), "the equation 'ij->ik' has a wrong output");
  EXPECT_EQ(refusal("ij->ii", {{2, 3}}), "the equation 'ij->ii' has a wrong output");
  EXPECT_EQ(refusal("ij->i", {{2, 3, 4}}),
            "the equation 'ij->i' has the term 'ij' for an input of 3 dimensions");
  EXPECT_EQ(refusal("...ij->i", {{2}}),
            "the equation '...ij->i' has the term '...ij' for an input of 1 dimension");
  EXPECT_EQ(refusal("ij,jk->ik", {{2, 3}, {4, 5}}),
            "the equation 'ij,jk->ik' gives one axis the sizes 3 and 4");
  EXPECT_EQ(refusal("i1->i", {{2, 3}}), "the equation 'i1->i' holds '1'");
  EXPECT_EQ(refusal("i...j...->i", {{2, 3, 4, 5, 6}}), "the equation 'i...j...->i' holds '.'");
}

}  // namespace
}  // namespace autogo
