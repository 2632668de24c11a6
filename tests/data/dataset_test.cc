#include "autogo/base/file.h"
#include "autogo/base/rng.h"
#include "data/image.h"
#include "data_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// A record of CIFAR-10: the label and 3 planes of one value each.
std::string record(int label, int red, int green, int blue) {
  std::string bytes(1, static_cast<char>(label));
  for (const int value : {red, green, blue}) bytes += std::string(1024, static_cast<char>(value));
  return bytes;
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

TEST(Cifar, ReadsTheBinaryLayout) {
  const TempDir dir;
  write_bytes(dir / "data_batch_1.bin", record(3, 1, 2, 3) + record(9, 4, 5, 6));
  write_bytes(dir / "data_batch_2.bin", record(0, 7, 8, 9));
  write_bytes(dir / "test_batch.bin", record(1, 0, 0, 0));
  const Data data = open_data(dir.path(), Task::kClassification);
  EXPECT_EQ(data.kind, "cifar10");
  EXPECT_EQ(data.classes.at(9), "truck");
  ASSERT_EQ(data.train->size(), 3U);
  EXPECT_EQ(data.train->label(1), 9);
  EXPECT_EQ(data.train->name(2), dir / "data_batch_2.bin record 0");
  const auto sample = data.train->load(1).sample;
  EXPECT_EQ(sample->image.width, 32);
  EXPECT_EQ(sample->image.at(31, 31)[0], 4);
  EXPECT_EQ(sample->image.at(0, 7)[2], 6);
  EXPECT_EQ(data.tests.at(0).name, "test");
}

TEST(Cifar, HundredClassesHaveTwoLabelsAndTheFineOneCounts) {
  const TempDir dir;
  const std::string one = std::string(1, '\x05') + record(99, 1, 2, 3);
  write_bytes(dir / "cifar-100-binary/train.bin", one);
  write_bytes(dir / "cifar-100-binary/test.bin", one);
  const Data data = open_data(dir.path(), Task::kClassification);
  EXPECT_EQ(data.kind, "cifar100");
  EXPECT_EQ(data.train->label(0), 99);
  EXPECT_EQ(data.classes.size(), 100U);
}

TEST(Cifar, SaysWhatIsWrong) {
  const TempDir dir;
  write_bytes(dir / "data_batch_1.bin", record(3, 1, 2, 3) + record(10, 4, 5, 6));
  write_bytes(dir / "test_batch.bin", record(1, 0, 0, 0));
  const auto open = [&] { open_data(dir.path(), Task::kClassification); };
  EXPECT_EQ(error_text(open), dir / "data_batch_1.bin record 1: label 10, expected 0 to 9");
  write_bytes(dir / "data_batch_1.bin", record(3, 1, 2, 3) + "cut");
  EXPECT_EQ(error_text(open), dir /
                                  "data_batch_1.bin: has 3076 bytes, expected a multiple of 3073 "
                                  "(one record); is it cut?");
  write_bytes(dir / "data_batch_1.bin", record(3, 1, 2, 3));
  std::filesystem::remove(dir / "test_batch.bin");
  EXPECT_EQ(error_text(open),
            dir.path() + ": has no test_batch.bin, which CIFAR needs beside the training files");
}

TEST(Idx, ReadsMnist) {
  AUTOGO_SKIP_WITHOUT(kShared + "/data/mnist");
  const Data data = open_data(kShared + "/data/mnist", Task::kClassification);
  EXPECT_EQ(data.kind, "idx");
  EXPECT_EQ(data.train->size(), 60000U);
  EXPECT_EQ(data.tests.at(0).set->size(), 3000U);
  EXPECT_EQ(data.classes.size(), 10U);
  const std::vector<std::int64_t> labels = {5, 0, 4, 1, 9};
  for (std::size_t i = 0; i < labels.size(); ++i) EXPECT_EQ(data.train->label(i), labels[i]);
  EXPECT_EQ(data.tests.at(0).set->label(0), 7);
}

TEST(Idx, SaysWhatIsWrong) {
  const TempDir dir;
  const std::string images = big_endian(0x803) + big_endian(2) + big_endian(2) + big_endian(1);
  write_bytes(dir / "train-images-idx3-ubyte", images + "abcd");
  write_bytes(dir / "train-labels-idx1-ubyte", big_endian(0x801) + big_endian(2) + "\x01\x02");
  write_bytes(dir / "t10k-images-idx3-ubyte", images + "abcd");
  write_bytes(dir / "t10k-labels-idx1-ubyte", big_endian(0x801) + big_endian(2) + "\x01\x02");
  const auto open = [&] { return open_data(dir.path(), Task::kClassification); };
  const auto text = [&] { return error_text([&] { open(); }); };
  EXPECT_EQ(open().train->load(1).sample->image.pixels, (std::vector<std::uint8_t>{'c', 'd'}));
  write_bytes(dir / "t10k-labels-idx1-ubyte", big_endian(0x801) + big_endian(2) + "\x01\x03");
  EXPECT_EQ(text(), dir / "t10k-images-idx3-ubyte: has label 3, the training labels are 0 to 2");
  write_bytes(dir / "train-labels-idx1-ubyte", big_endian(0x801) + big_endian(1) + "\x01");
  EXPECT_EQ(text(), dir / "train-labels-idx1-ubyte: has 1 labels for 2 images");
  write_bytes(dir / "train-images-idx3-ubyte", images + "abc");
  EXPECT_EQ(text(), dir / "train-images-idx3-ubyte: has 3 bytes of data, its header says 4");
  write_bytes(dir / "train-images-idx3-ubyte", "png");
  EXPECT_EQ(text(), dir / "train-images-idx3-ubyte: is no IDX file");
}

TEST(ClassFolders, ReadsTheImagenetLayout) {
  const TempDir dir;
  for (const char* name :
       {"train/cat/1.png", "train/cat/2.PNG", "train/dog/a.png", "val/dog/b.png"}) {
    write_bytes(dir / name, "");
    write_png(counting_image(3, 2, 3), dir / name);
  }
  write_bytes(dir / "train/cat/notes.txt", "not an image");
  const Data data = open_data(dir.path(), Task::kClassification);
  EXPECT_EQ(data.kind, "class-folders");
  EXPECT_EQ(data.classes, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(data.train->size(), 3U);
  EXPECT_EQ(data.train->name(1), dir / "train/cat/2.PNG");
  EXPECT_EQ(data.train->label(2), 1);
  EXPECT_EQ(data.train->load(0).sample->image.pixels, counting_image(3, 2, 3).pixels);
  ASSERT_EQ(data.tests.size(), 1U);
  EXPECT_EQ(data.tests[0].name, "val");
  EXPECT_EQ(data.tests[0].set->label(0), 1);
}

TEST(ClassFolders, SaysWhatIsWrong) {
  const TempDir dir;
  for (const char* name : {"train/cat/1.png", "train/dog/2.png", "val/cow/3.png"}) {
    write_bytes(dir / name, "");
  }
  const auto open = [&] { return open_data(dir.path(), Task::kClassification); };
  const auto text = [&] { return error_text([&] { open(); }); };
  EXPECT_EQ(text(), dir / "val/cow: no class of this name among the training images");
  std::filesystem::rename(dir / "val/cow", dir / "val/dog");
  EXPECT_EQ(open().train->load(0).problem, dir / "train/cat/1.png: is empty");
  std::filesystem::create_directories(dir / "train/ant");
  EXPECT_EQ(text(),
            dir / "train/ant: has no JPEG or PNG images; fill this class or remove its folder");
  const TempDir empty;
  EXPECT_EQ(error_text([&] { open_data(empty.path(), Task::kClassification); }),
            empty.path() +
                ": holds no data set for classification; expected CIFAR binary files, IDX "
                "files, or train/CLASS/*.jpg with val/ or test/");
  EXPECT_EQ(error_text([&] { open_data(empty / "x", Task::kPose); }), empty / "x: no such folder");
}

TEST(ClassFolders, ATenthIsHeldOutWhereThereAreNoTests) {
  const TempDir dir;
  for (int i = 0; i < 200; ++i) {
    write_bytes(dir / (i % 2 == 0 ? "a/" : "b/") + std::to_string(i) + ".png", "");
  }
  const Data data = open_data(dir.path(), Task::kClassification);
  EXPECT_EQ(data.train->size() + data.tests.at(0).set->size(), 200U);
  EXPECT_GT(data.tests[0].set->size(), 8U);
  EXPECT_LT(data.tests[0].set->size(), 35U);
  EXPECT_EQ(data.tests[0].name, "held-out tenth");
}

TEST(Images, ReadsTheSuperResolutionSets) {
  AUTOGO_SKIP_WITHOUT(kShared + "/data/sr");
  const Data data = open_data(kShared + "/data/sr", Task::kSuperResolution);
  EXPECT_EQ(data.kind, "images");
  EXPECT_EQ(data.train->size(), 91U);
  ASSERT_EQ(data.tests.size(), 2U);
  EXPECT_EQ(data.tests[0].name, "Set5");
  EXPECT_EQ(data.tests[1].set->size(), 14U);
  DataOptions options;
  options.tests = {kShared + "/data/sr/Set14/"};
  const Data chosen = open_data(kShared + "/data/sr/T91", Task::kDenoising, options);
  EXPECT_EQ(chosen.train->size(), 91U);
  EXPECT_EQ(chosen.tests.at(0).name, "Set14");
}

TEST(Images, PairsAreMatchedByName) {
  const TempDir dir;
  for (const char* split : {"train", "test"}) {
    const std::string folder = dir / split;
    write_bytes(folder + "/HR/0801.png", "");
    write_bytes(folder + "/LR/0801x2.png", "");
    write_png(counting_image(8, 6, 3), folder + "/HR/0801.png");
    write_png(counting_image(4, 3, 3), folder + "/LR/0801x2.png");
  }
  const Data data = open_data(dir.path(), Task::kSuperResolution);
  EXPECT_EQ(data.kind, "image-pairs");
  const auto sample = data.train->load(0).sample;
  EXPECT_EQ(sample->image.width, 4);
  EXPECT_EQ(sample->target.width, 8);
  std::filesystem::remove(dir / "test/LR/0801x2.png");
  EXPECT_EQ(error_text([&] { open_data(dir.path(), Task::kSuperResolution); }),
            dir / "test/HR/0801.png: has no partner in " + (dir / "test/LR"));
}

TEST(Masks, ReadsCityscapesWithEitherKindOfIds) {
  const TempDir dir;
  const auto put = [&](const std::string& split, const std::string& kind, std::uint8_t id) {
    const std::string image = dir / ("leftImg8bit/" + split + "/ulm/ulm_0_leftImg8bit.png");
    const std::string mask = dir / ("gtFine/" + split + "/ulm/ulm_0_gtFine_label" + kind + ".png");
    write_bytes(image, "");
    write_bytes(mask, "");
    write_png(counting_image(4, 2, 3), image);
    write_png(grey_image(4, 2, id), mask);
  };
  put("train", "Ids", 26);  // a car
  put("val", "TrainIds", 13);
  const Data data = open_data(dir.path(), Task::kSegmentation);
  EXPECT_EQ(data.classes.at(13), "car");
  EXPECT_EQ(data.train->load(0).sample->target.pixels[0], 13);
  EXPECT_EQ(data.tests.at(0).set->load(0).sample->target.pixels[0], 13);
  put("val", "TrainIds", 19);
  const Data wrong = open_data(dir.path(), Task::kSegmentation);
  EXPECT_EQ(error_text([&] { wrong.tests[0].set->load(0); }),
            dir /
                "gtFine/val/ulm/ulm_0_gtFine_labelTrainIds.png: has class id 19, expected 0 to 18, "
                "or 255 for pixels that do not count");
}

TEST(Masks, ReadsImagesWithMasks) {
  const TempDir dir;
  for (const char* split : {"train", "val"}) {
    const std::string image = dir / ("images/" + std::string(split) + "/a.png");
    const std::string mask = dir / ("masks/" + std::string(split) + "/a.png");
    write_bytes(image, "");
    write_bytes(mask, "");
    write_png(counting_image(4, 2, 3), image);
    write_png(grey_image(split[0] == 't' ? 4 : 5, 2, 1), mask);
  }
  EXPECT_EQ(error_text([&] { open_data(dir.path(), Task::kSegmentation); }),
            dir.path() +
                ": how many classes do the masks have? give --classes, or a file "
                "classes.txt with one name a line");
  DataOptions options;
  options.num_classes = 2;
  const Data data = open_data(dir.path(), Task::kSegmentation, options);
  EXPECT_EQ(data.classes.size(), 2U);
  EXPECT_EQ(data.train->load(0).sample->target.pixels[0], 1);
  EXPECT_EQ(error_text([&] { data.tests.at(0).set->load(0); }),
            dir / "masks/val/a.png: is 5x2, its image 4x2");
}

TEST(KeyPoints, ReadsMpii) {
  const TempDir dir;
  write_bytes(dir / "images/a.png", "");
  write_png(counting_image(20, 10, 3), dir / "images/a.png");
  std::string joints, visible;
  for (int j = 0; j < 16; ++j) {
    joints += (j > 0 ? "," : "") +
              ("[" + std::to_string(j + 1) + ".0," + std::to_string(2 * j + 1) + "]");
    visible += j > 0 ? ",1" : "0";
  }
  const auto person = [&](const std::string& scale) {
    return "[{\"image\":\"a.png\",\"center\":[11.0,6.0],\"scale\":" + scale + ",\"joints\":[" +
           joints + "],\"joints_vis\":[" + visible + "]}]";
  };
  write_bytes(dir / "annot/train.json", person("0.04"));
  write_bytes(dir / "annot/valid.json", person("0.04"));
  const Data data = open_data(dir.path(), Task::kPose);
  EXPECT_EQ(data.num_joints, 16U);
  const auto sample = data.train->load(0).sample;
  EXPECT_EQ(sample->joints.at(3).x, 3);
  EXPECT_EQ(sample->joints.at(3).y, 6);
  EXPECT_FALSE(sample->joints.at(0).visible);
  EXPECT_FLOAT_EQ(sample->center_x, 10);
  EXPECT_FLOAT_EQ(sample->center_y, 5.6F);
  EXPECT_FLOAT_EQ(sample->person_size, 10);
  write_bytes(dir / "annot/valid.json", person("0"));
  EXPECT_EQ(error_text([&] { open_data(dir.path(), Task::kPose); }),
            dir / "annot/valid.json: entry 0: \"scale\" is not positive");
}

}  // namespace
}  // namespace autogo
