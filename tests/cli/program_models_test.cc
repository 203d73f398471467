#include <gmock/gmock.h>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

using ProgramModels = ProgramTest;

TEST_F(ProgramModels, ASummaryNeedsNoDataAndWritesNothing) {
  const Outcome shown = headrace({"train", "--model", "mini_googlenet", "--summary"});
  EXPECT_EQ(shown.status, 0) << shown.errors;
  EXPECT_THAT(shown.output, AllOf(StartsWith("Layer (type)"), HasSubstr("(32, 32, 3)"),
                                  HasSubstr("Total params: 1,656,250"),
                                  HasSubstr("Forward pass: 469."), HasSubstr("MiB a sample")));
  const Outcome small = headrace(
      {"train", "--model", "resnet18", "--image-size", "64x48x3", "--classes", "7", "--summary"});
  EXPECT_THAT(small.output, AllOf(HasSubstr("(64, 48, 3)"), HasSubstr("fc (Dense)"),
                                  HasSubstr("3,591")));  // 512 x 7 and 7
}

TEST_F(ProgramModels, WithoutASummaryDataAreRequired) {
  const Outcome refused = headrace({"train", "--model", "resnet18"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.errors, HasSubstr("--data is required"));
}

TEST_F(ProgramModels, AModelOfKerasIsTrainedFromItsFile) {
  export_images();
  const Outcome written = headrace({"train", "--model", "mnist_cnn", "--image-size", "8x8x1",
                                    "--classes", "2", "--summary", "--json"});
  ASSERT_EQ(written.status, 0) << written.errors;
  write_text(folder() / "keras.json", written.output);
  const Outcome trained = train("run", 1, {"--model", path("keras.json")});
  EXPECT_EQ(trained.status, 0) << trained.errors;
  EXPECT_THAT(trained.output, HasSubstr("after 1 epoch: loss "));

  const Outcome shown =
      headrace({"train", "--model", path("keras.json"), "--data", path("train.csv"), "--summary"});
  EXPECT_THAT(shown.output, HasSubstr("(8, 8, 1)"));
}

TEST_F(ProgramModels, LayersArePlacedOnDevicesWithTheSameResult) {
  export_images();
  const std::string places = "max_pooling2d=cpu:1,dense=cpu:2";
  const Outcome shown = headrace({"train", "--model", "mnist_cnn", "--place", places, "--summary"});
  EXPECT_THAT(shown.output, AllOf(HasSubstr("Device"), HasSubstr("cpu:1"), HasSubstr("cpu:2")));

  const std::vector<std::string> model{"--model", "mnist_cnn", "--threads", "1"};
  const Outcome one = train("one", 2, model);
  auto more = model;
  more.insert(more.end(), {"--place", places});
  const Outcome three = train("three", 2, more);
  ASSERT_EQ(three.status, 0) << three.errors;
  const auto result = [](const Outcome& outcome) {
    return outcome.output.substr(0, outcome.output.find('\n'));
  };
  EXPECT_EQ(result(three), result(one));
  // It goes on with another placement, and predicts where there are no such devices.
  const Outcome resumed = train("three", 3, {"--place", "dense=cpu:1", "--resume"});
  EXPECT_EQ(resumed.status, 0) << resumed.errors;
  const Outcome evaluated = headrace(
      {"evaluate", "--model", path("three/model.safetensors"), "--data", path("test.csv")});
  EXPECT_EQ(evaluated.status, 0) << evaluated.errors;
}

TEST_F(ProgramModels, APlacementThatCannotBeIsNamed) {
  export_images();
  const Outcome unknown = train("run", 1, {"--model", "mnist_cnn", "--place", "lstm=cpu:1"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.errors, AllOf(HasSubstr("no layer lstm"), HasSubstr("conv2d, ")));
  const Outcome absent = train("run", 1, {"--model", "mnist_cnn", "--place", "dense=gpu:0"});
  EXPECT_EQ(absent.status, 1);
  EXPECT_THAT(absent.errors, AllOf(HasSubstr("layer dense is placed on gpu:0"),
                                   HasSubstr("place it on cpu:0, or nowhere")));
}

TEST_F(ProgramModels, AModelFileThatDoesNotFitIsNamed) {
  export_images();
  const Outcome written = headrace({"train", "--model", "global_max_cnn", "--image-size", "8x8x1",
                                    "--classes", "5", "--summary", "--json"});
  write_text(folder() / "five.json", written.output);
  const Outcome refused = train("run", 1, {"--model", path("five.json")});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors,
              HasSubstr("five.json: the model has 5 outputs, but there are 2 classes"));

  const Outcome missing = train("run", 1, {"--model", path("none.json")});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.errors, HasSubstr("none.json: there is no such file"));
  const Outcome unknown = train("run", 1, {"--model", "alexnet"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.errors, AllOf(HasSubstr("alexnet not in {mnist_cnn"), HasSubstr(".json")));
}

TEST_F(ProgramModels, AModelThatEndsInLogitsIsTrainedFromLogits) {
  export_images();
  const Outcome trained = train("run", 3, {"--model", "global_max_cnn", "--learning-rate", "0.01"});
  EXPECT_EQ(trained.status, 0) << trained.errors;
  EXPECT_THAT(trained.output, HasSubstr("after 3 epochs: loss 0."));
}

}  // namespace
}  // namespace headrace::cli
