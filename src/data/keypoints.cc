// MPII as JSON: a list of people, each with an image, a centre, a scale (height / 200 pixels), 16
// joints and their visibility; the files that published pose trainers (simple baselines and later)
// use. Positions count from 1, as in the original MATLAB file.
//
// Tested by tests/data/dataset_test.cc.

#include <array>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "base/json.h"
#include "image.h"
#include "sources.h"

namespace autogo {
namespace {

constexpr std::size_t kJoints = 16;
/// Ankles, knees, hips, wrists, elbows, shoulders: right with left.
constexpr std::array<std::pair<std::size_t, std::size_t>, 6> kMirrored = {
    {{0, 5}, {1, 4}, {2, 3}, {10, 15}, {11, 14}, {12, 13}}};

struct Person {
  std::string image;
  std::vector<Joint> joints;
  float x, y, size;
};

class KeyPointSet : public Dataset {
 public:
  KeyPointSet(std::string images, std::vector<Person> people)
      : images_(std::move(images)), people_(std::move(people)) {}
  std::size_t size() const override { return people_.size(); }
  std::string name(std::size_t i) const override { return images_ + "/" + people_[i].image; }
  LoadedSample load(std::size_t i) const override {
    if (!file_exists(name(i))) return {nullptr, name(i) + ": is missing"};
    DecodedImage decoded = decode_file(name(i), PixelMode::kColor);
    if (!decoded.problem.empty()) return {nullptr, decoded.problem};
    auto sample = std::make_shared<Sample>();
    sample->image = std::move(decoded.image);
    sample->joints = people_[i].joints;
    sample->center_x = people_[i].x;
    sample->center_y = people_[i].y;
    sample->person_size = people_[i].size;
    return {sample, ""};
  }

 private:
  std::string images_;
  std::vector<Person> people_;
};

Person read_person(const Json& json, const std::string& where) {
  Person person;
  person.image = json_member<std::string>(json, "image", where);
  const auto center = json_member<std::vector<float>>(json, "center", where);
  const auto joints = json_member<std::vector<std::vector<float>>>(json, "joints", where);
  const auto visible = json_member<std::vector<float>>(json, "joints_vis", where);
  const auto scale = json_member<float>(json, "scale", where);
  AUTOGO_REQUIRE(center.size() == 2 && joints.size() == kJoints && visible.size() == kJoints,
                 ErrorKind::kInput,
                 where + ": expected a centre of 2 numbers and 16 joints with their visibility");
  AUTOGO_REQUIRE(scale > 0, ErrorKind::kInput, where + ": \"scale\" is not positive");
  for (std::size_t j = 0; j < kJoints; ++j) {
    AUTOGO_REQUIRE(joints[j].size() == 2, ErrorKind::kInput,
                   where + ": joint " + std::to_string(j) + " is not a pair of numbers");
    person.joints.push_back({joints[j][0] - 1, joints[j][1] - 1, visible[j] > 0});
  }
  // The usual widening, so that feet and raised hands stay inside.
  person.x = center[0] - 1;
  person.y = center[1] - 1 + 15 * scale;
  person.size = 200 * 1.25F * scale;
  return person;
}

std::shared_ptr<const Dataset> open_split(const std::string& images, const std::string& file) {
  const Json json = parse_json(read_file(file), file);
  AUTOGO_REQUIRE(json.is_array() && !json.empty(), ErrorKind::kInput,
                 file + ": expected a list of people");
  std::vector<Person> people;
  for (std::size_t i = 0; i < json.size(); ++i) {
    people.push_back(read_person(json[i], file + ": entry " + std::to_string(i)));
  }
  return std::make_shared<KeyPointSet>(images, std::move(people));
}

}  // namespace

std::unique_ptr<Data> open_key_points(const std::string& path) {
  if (!file_exists(path + "/annot/train.json")) return nullptr;
  AUTOGO_REQUIRE(folder_exists(path + "/images"), ErrorKind::kInput,
                 path + ": has annot/ but no folder images/");
  auto data = std::make_unique<Data>();
  data->kind = "key-points";
  data->path = path;
  data->channels = 3;
  data->num_joints = kJoints;
  data->mirrored_joints.assign(kMirrored.begin(), kMirrored.end());
  data->neck_joint = 8;
  data->head_joint = 9;
  data->train = open_split(path + "/images", path + "/annot/train.json");
  for (const char* name : {"valid", "val", "test"}) {
    const std::string file = path + "/annot/" + name + ".json";
    if (data->tests.empty() && file_exists(file)) {
      data->tests.push_back({name, open_split(path + "/images", file)});
    }
  }
  if (data->tests.empty()) hold_out_tenth(*data);
  return data;
}

}  // namespace autogo
