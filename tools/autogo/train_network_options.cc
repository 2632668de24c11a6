// The options of `autogo train network`: every number of a recipe is one.

#include "train_network.h"

namespace autogo {
namespace {

template <typename T>
struct RecipeOption {
  const char* name;
  const char* type;
  const char* help;
  T& (*field)(TrainingRecipe&);
};

using R = TrainingRecipe;

constexpr RecipeOption<double> kReals[] = {
    {"--learning-rate", "X", "the highest learning rate",
     [](R& r) -> double& { return r.learning_rate; }},
    {"--final-learning-rate", "X", "cosine, polynomial: at the end",
     [](R& r) -> double& { return r.final_learning_rate; }},
    {"--momentum", "X", "sgd, rmsprop", [](R& r) -> double& { return r.momentum; }},
    {"--beta1", "X", "adam", [](R& r) -> double& { return r.beta1; }},
    {"--beta2", "X", "adam", [](R& r) -> double& { return r.beta2; }},
    {"--alpha", "X", "rmsprop: smoothing of the squares", [](R& r) -> double& { return r.alpha; }},
    {"--epsilon", "X", "rmsprop, adam", [](R& r) -> double& { return r.epsilon; }},
    {"--weight-decay", "X", "added to the gradient, times the weight",
     [](R& r) -> double& { return r.weight_decay; }},
    {"--clip", "X", "highest norm of the gradient; 0: none",
     [](R& r) -> double& { return r.clip_norm; }},
    {"--warmup-epochs", "X", "the rate rises from 0; may have a fraction",
     [](R& r) -> double& { return r.warmup_epochs; }},
    {"--step-factor", "X", "steps: at each milestone",
     [](R& r) -> double& { return r.step_factor; }},
    {"--power", "X", "polynomial", [](R& r) -> double& { return r.power; }},
    {"--label-smoothing", "X", "classification", [](R& r) -> double& { return r.label_smoothing; }},
    {"--auxiliary-weight", "X", "segmentation: of the auxiliary classifier's loss",
     [](R& r) -> double& { return r.auxiliary_weight; }},
    {"--test-crop", "SHARE", "classification: share of the shorter side that tests keep",
     [](R& r) -> double& { return r.test_crop; }},
    {"--min-area", "SHARE", "a random part of at least this share, resized; 0: the whole image",
     [](R& r) -> double& { return r.augmentation.min_area; }},
    {"--scale-range", "X", "random scale: segmentation 1/(1+X) to 1+X, pose 1-X to 1+X",
     [](R& r) -> double& { return r.augmentation.scale_range; }},
    {"--rotate", "DEGREES", "pose: up to this angle, half of the time",
     [](R& r) -> double& { return r.augmentation.rotate_deg; }},
};

constexpr RecipeOption<std::int64_t> kIntegers[] = {
    {"--batch-size", "N", "images in a step", [](R& r) -> std::int64_t& { return r.batch_size; }},
    {"--patch", "PIXELS", "restoration: side of the input in training; 0: whole images",
     [](R& r) -> std::int64_t& { return r.patch; }},
    {"--image-size", "PIXELS", "side of the network's input; 0: as the model has it",
     [](R& r) -> std::int64_t& { return r.image_size; }},
};

constexpr RecipeOption<int> kInts[] = {
    {"--epochs", "N", "passes over the images", [](R& r) -> int& { return r.epochs; }},
    {"--pad", "PIXELS", "padding of which a random part is cut",
     [](R& r) -> int& { return r.augmentation.pad; }},
};

constexpr RecipeOption<bool> kSwitches[] = {
    {"--nesterov", "true|false", "sgd", [](R& r) -> bool& { return r.nesterov; }},
    {"--decay-all", "true|false", "biases and normalisations decay too",
     [](R& r) -> bool& { return r.decay_all; }},
    {"--flip", "true|false", "left-right, half of the time",
     [](R& r) -> bool& { return r.augmentation.flip; }},
    {"--turn", "true|false", "restoration: by multiples of 90 degrees",
     [](R& r) -> bool& { return r.augmentation.turn; }},
};

/// An option that has no default of its own: the preset's number stays.
template <typename T, typename Change>
void add_change(CLI::App& app, NetworkArguments& arguments, const char* name, const char* type,
                const char* help, Change change) {
  app.add_option_function<T>(
         name,
         [&arguments, change](const T& value) {
           arguments.changes.push_back([change, value](TrainingRecipe& r) { change(r, value); });
         },
         help)
      ->type_name(type)
      ->group("Recipe");
}

template <typename T, std::size_t N>
void add_table(CLI::App& app, NetworkArguments& arguments, const RecipeOption<T> (&table)[N]) {
  for (const RecipeOption<T>& row : table) {
    add_change<T>(app, arguments, row.name, row.type, row.help,
                  [field = row.field](TrainingRecipe& r, const T& value) { field(r) = value; });
  }
}

void declare_recipe(CLI::App& app, NetworkArguments& a) {
  app.add_option(
         "--recipe", a.recipe,
         "preset of the numbers below: short, autogo-cifar10, autogo-imagenet, autogo-sr, "
         "autogo-sr-fsrcnn, autogo-denoise, autogo-segmentation, autogo-pose; short where none "
         "is given")
      ->type_name("NAME")
      ->group("Recipe");
  add_table(app, a, kInts);
  add_table(app, a, kIntegers);
  add_change<std::uint64_t>(app, a, "--repeat", "N", "times that an image is drawn in an epoch",
                            [](R& r, std::uint64_t value) { r.repeat = value; });
  add_change<std::string>(
      app, a, "--optimizer", "NAME", "sgd, rmsprop or adam",
      [](R& r, const std::string& name) { r.optimizer = optimizer_from(name); });
  add_change<std::string>(app, a, "--schedule", "NAME",
                          "of the learning rate: constant, cosine, steps, polynomial",
                          [](R& r, const std::string& name) { r.schedule = schedule_from(name); });
  add_change<std::vector<int>>(app, a, "--milestones", "EPOCH", "steps: where the rate falls",
                               [](R& r, const std::vector<int>& at) { r.milestones = at; });
  add_table(app, a, kReals);
  add_table(app, a, kSwitches);
}

void declare_task(CLI::App& app, NetworkArguments& a) {
  app.add_option("--data", a.data, "the data set's folder (docs/formats.md)")
      ->type_name("DIR")
      ->required();
  app.add_option("--task", a.task,
                 "classification, super-resolution, denoising, segmentation or pose")
      ->type_name("TASK");
  app.add_option("--test", a.tests, "further folder to test on, in place of the data set's own")
      ->type_name("DIR")
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("--new-head", a.head.new_head, "replace the head even where it fits");
  app.add_option("--tap", a.head.tap,
                 "segmentation, pose: value that the new head reads; the last map by default")
      ->type_name("NAME");
  app.add_option("--classes", a.num_classes,
                 "segmentation: class ids below this; 0: as the data set says")
      ->type_name("N")
      ->check(CLI::Range(0, 254));
  app.add_option("--auxiliary", a.head.auxiliary,
                 "segmentation: train with a classifier inside the backbone")
      ->type_name("true|false");
  app.add_option("--noise", a.head.noise, "denoising: standard deviation, of 255")
      ->type_name("X")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--predicts-noise", a.head.predicts_noise,
               "denoising: the network's output is the noise");
  app.add_option("--mean", a.head.mean, "of each channel, 0 to 1; the training images' by default")
      ->type_name("X");
  app.add_option("--deviation", a.head.deviation, "of each channel; the same")->type_name("X");
  app.add_option("--max-train-images", a.training.max_train_images, "use so many; 0: all")
      ->type_name("N");
  app.add_option("--max-test-images", a.training.max_test_images, "of each test set; 0: all")
      ->type_name("N");
}

}  // namespace

void declare_train_network(Cli& cli, CLI::App& app, NetworkArguments& a) {
  app.add_option("models", a.models, "ONNX files, trained under one recipe")
      ->type_name("MODEL")
      ->required();
  declare_task(app, a);
  app.add_option("--weights", a.weights,
                 "to start from: the file's, drawn where the file has none, or all drawn")
      ->type_name("file|mixed|random")
      ->check(CLI::IsMember({"file", "mixed", "random"}));
  app.add_option("--seeds", a.seeds, "trainings of each model, with consecutive seeds")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  cli.add_seed(app, a.training.seed);
  app.add_option("--test-every", a.training.test_every, "epochs between tests; 0: at the end only")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  cli.add_input_shapes(app, a.input_shapes);
  app.add_option("-j,--jobs", a.jobs, "trainings side by side; 0 is all cores, one on a GPU")
      ->type_name("N")
      ->check(CLI::Range(0, 4096))
      ->envname("AUTOGO_JOBS");
  app.add_option("--threads", a.training.threads,
                 "of one operator; above 1 for large networks only")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  app.add_option("--loader-threads", a.loader_threads, "that read images; -1: cores that are left")
      ->type_name("N")
      ->check(CLI::Range(-1, 4096));
  app.add_option("--device", a.device, "where to train")
      ->type_name("cpu|cuda")
      ->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_flag("--amp", a.training.mixed_precision, "products in half precision; cuda only");
  app.add_option("-o,--output", a.output,
                 "folder for trained models, checkpoints and training.json")
      ->type_name("DIR");
  app.add_flag("--resume", a.training.resume, "go on from the checkpoints in the output folder");
  declare_recipe(app, a);
}

}  // namespace autogo
