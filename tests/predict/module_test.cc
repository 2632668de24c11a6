// Runs without LibTorch linked: what a program sees that loads the module on first use.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "autogo/base/error.h"
#include "autogo/predict/predictor.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

TEST(Module, MissingModuleSaysWhatToDo) {
  const TempDir dir;
  ::setenv("AUTOGO_MODULE_DIR", dir.path().c_str(), 1);
  try {
    load_predictor("p.pt");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    EXPECT_EQ(std::string(e.what()).find(dir / "autogo_torch.so" + ": cannot be loaded: "), 0U)
        << e.what();
    EXPECT_EQ(e.hint(), "install LibTorch (libtorch-dev) and build autogo again");
  }
  ::unsetenv("AUTOGO_MODULE_DIR");
}

TEST(Module, ErrorsCrossTheBorder) {
  const TempDir dir;
  try {
    load_predictor(dir / "p.pt");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(e.what()).find(dir / "p.pt"), std::string::npos);
  }
  std::ofstream(dir / "p.pt") << "{\"format\":\"autogo.predictor\",\"version\":9}\n";
  try {
    load_predictor(dir / "p.pt");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    EXPECT_STREQ(e.what(), (dir / "p.pt" + ": version 9 of \"autogo.predictor\", this autogo reads "
                                           "version 5")
                               .c_str());
    EXPECT_EQ(e.hint(), "update autogo, or write the file again with this one");
  }
}

TEST(Module, AnUnlabelledCorpusIsRefusedThroughTheBorder) {
  const TempDir dir;
  TrainOptions options;
  options.out = dir / "p.pt";
  EXPECT_THROW(train_predictor(options, null_log()), Error);
}

}  // namespace
}  // namespace autogo
