#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST_F(ProgramTest, ExportsATreeOfImagesAndAListOnce) {
  export_images();
  const std::string list = read_file(folder() / "train.csv");
  EXPECT_EQ(count_lines(list), 201u);
  EXPECT_THAT(list, StartsWith("path,label\nimages/train/0/"));
  const Outcome again = headrace({"export", "--data", path("train-images-idx3-ubyte"), "--out",
                                  folder().string(), "--list", "train.csv", "--json"});
  EXPECT_EQ(json::parse(again.output)["written"], 0);
  EXPECT_EQ(json::parse(again.output)["kept"], 200);
}

TEST_F(ProgramTest, TrainsEvaluatesAndPredicts) {
  export_images();
  const Outcome trained = train("run", 2);
  ASSERT_EQ(trained.status, 0) << trained.errors;
  EXPECT_THAT(trained.output, HasSubstr("after 2 epochs: loss "));
  EXPECT_THAT(trained.errors, HasSubstr("epoch 2/2  loss "));
  EXPECT_THAT(read_file(path("run/history.csv")),
              StartsWith("epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,"
                         "images_per_second\n1,"));
  EXPECT_THAT(read_file(path("run/curves.png")), HasSubstr("PNG"));

  const std::string model = path("run/model.safetensors");
  const Outcome evaluated =
      headrace({"evaluate", "--model", model, "--data", path("test.csv"), "--json"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.errors;
  const json run = json::parse(read_file(path("run/run.json")));
  EXPECT_NEAR(json::parse(evaluated.output)["loss"], run["outcome"]["val_loss"].get<double>(),
              1e-5);
  EXPECT_EQ(json::parse(evaluated.output)["accuracy"], run["outcome"]["val_accuracy"]);

  const Outcome predicted = headrace({"predict", "--model", model, path("test.csv")});
  ASSERT_EQ(predicted.status, 0) << predicted.errors;
  EXPECT_THAT(predicted.output, StartsWith("path,class,probability\nimages/test/0/"));
  EXPECT_EQ(count_lines(predicted.output), 61u);
}

TEST_F(ProgramTest, PredictsImageFilesAndFolders) {
  export_images();
  ASSERT_EQ(train("run", 1, {"--quiet"}).status, 0);
  const std::string model = path("run/model.safetensors");
  const std::string image = path("images/test/0/000000.jpg");
  const Outcome file = headrace({"predict", "--model", model, "--top", "2", image});
  EXPECT_EQ(file.status, 0) << file.errors;
  EXPECT_THAT(file.output, StartsWith("path,class,probability,class_2,probability_2\n" + image));
  const Outcome tree = headrace({"predict", "--model", model, "--json", path("images/test")});
  EXPECT_EQ(tree.status, 0) << tree.errors;
  EXPECT_EQ(json::parse(tree.output)["predictions"].size(), 60u);
}

TEST_F(ProgramTest, JsonIsAllThatStandardOutputHolds) {
  export_images();
  const Outcome trained = train("run", 1, {"--json", "--quiet"});
  ASSERT_EQ(trained.status, 0) << trained.errors;
  EXPECT_THAT(trained.errors, IsEmpty());
  const json result = json::parse(trained.output);
  EXPECT_EQ(result["epochs"], 1);
  EXPECT_EQ(result["files"].size(), 4u);
}

TEST_F(ProgramTest, TheSameSeedGivesTheSameRunAtAnyThreadCount) {
  export_images();
  ASSERT_EQ(train("a", 2, {"--seed", "3", "--loader-threads", "1", "--prefetch", "1"}).status, 0);
  ASSERT_EQ(train("b", 2, {"--seed", "3", "--loader-threads", "3"}).status, 0);
  const json a = json::parse(read_file(path("a/run.json")))["outcome"];
  const json b = json::parse(read_file(path("b/run.json")))["outcome"];
  EXPECT_EQ(a["loss"], b["loss"]);
  EXPECT_EQ(a["val_loss"], b["val_loss"]);
}

TEST_F(ProgramTest, ARunIsRepeatedFromItsRecord) {
  export_images();
  ASSERT_EQ(train("first", 2, {"--seed", "9", "--optimizer", "sgd"}).status, 0);
  const Outcome again =
      headrace({"train", "--config", path("first/run.json"), "--out", path("second")});
  ASSERT_EQ(again.status, 0) << again.errors;
  json first = json::parse(read_file(path("first/run.json")));
  json second = json::parse(read_file(path("second/run.json")));
  EXPECT_EQ(first["outcome"]["loss"], second["outcome"]["loss"]);
  first["options"].erase("out");
  second["options"].erase("out");
  EXPECT_EQ(first["options"], second["options"]);
}

TEST_F(ProgramTest, ARunIsNotOverwrittenUnasked) {
  export_images();
  ASSERT_EQ(train("run", 1).status, 0);
  const std::string before = read_file(path("run/model.safetensors"));
  const Outcome refused = train("run", 1, {"--seed", "2"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("already holds a run"));
  EXPECT_EQ(read_file(path("run/model.safetensors")), before);
  EXPECT_EQ(train("run", 1, {"--seed", "2", "--overwrite"}).status, 0);
  EXPECT_NE(read_file(path("run/model.safetensors")), before);
}

TEST_F(ProgramTest, BenchLoaderReportsWhatItPromises) {
  const auto data = write_idx(folder(), "train", 100);
  std::string fingerprint;
  for (const std::string threads : {"1", "2"}) {
    const Outcome outcome =
        headrace({"bench", "loader", "--data", data.string(), "--threads", threads, "--epochs", "2",
                  "--batch-size", "32", "--width-shift", "0.1", "--fingerprint", "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    const json result = json::parse(outcome.output);
    for (const char* key :
         {"images_per_second", "first_batch_seconds", "epoch_gap_seconds", "batch_wait_p99_seconds",
          "peak_rss_bytes", "bytes_read", "stages", "slot_bytes"}) {
      EXPECT_TRUE(result.contains(key)) << key;
    }
    EXPECT_EQ(result["images"], 200);
    EXPECT_EQ(result["epochs"].size(), 2U);
    EXPECT_EQ(result["errors"], 0);
    if (!fingerprint.empty()) {
      EXPECT_EQ(result["fingerprint"], fingerprint);
    }
    fingerprint = result["fingerprint"];
  }
}

TEST_F(ProgramTest, ARecipeByNameHasItsOwnSizeUnlessAnotherIsGiven) {
  export_images();
  const auto slot_bytes = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"bench",  "loader",         "--data",   path("train.csv"),
                                          "--json", "--threads",      "1",        "--epochs",
                                          "1",      "--recipe",       "imagenet", "--batch-size",
                                          "2",      "--prefetch",     "1",        "--channel-std",
                                          "0.5",    "--channel-mean", "0.25"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = headrace(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return nlohmann::json::parse(outcome.output)["slot_bytes"].get<double>();
  };
  const double full = slot_bytes({});
  EXPECT_NEAR(slot_bytes({"--image-size", "112x112x3"}) / full, 0.25, 0.05);
}

TEST_F(ProgramTest, BenchTrainReportsWhatItPromises) {
  const Outcome outcome = headrace({"bench", "train", "--model", "mnist_cnn", "--batch-size", "8",
                                    "--steps", "3", "--warm-up", "1", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const json result = json::parse(outcome.output);
  for (const char* key :
       {"images_per_second", "images_per_cpu_second", "step_seconds_p50", "step_seconds_p99"})
    EXPECT_GT(result[key], 0) << key;
}

TEST_F(ProgramTest, BenchTrainSaysWhereAStepsTimeGoesOnEveryDevice) {
  for (const char* place : {"", "flatten=cpu:1"}) {
    std::vector<std::string> arguments = {"bench",        "train", "--model", "mnist_cnn",
                                          "--batch-size", "8",     "--steps", "3",
                                          "--warm-up",    "0",     "--json",  "--profile"};
    if (*place != '\0') arguments.insert(arguments.end(), {"--place", place});
    const Outcome outcome = headrace(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    std::map<std::string, json> kinds;
    const json result = json::parse(outcome.output);
    for (const json& time : result["profile"]) kinds[time["kind"]] = time;
    for (const char* kind : {"convolution", "dense", "pooling"}) {
      ASSERT_TRUE(kinds.count(kind)) << kind;
      EXPECT_GT(kinds[kind]["forward_seconds"], 0);
      EXPECT_GT(kinds[kind]["backward_seconds"], 0);
    }
    EXPECT_GT(kinds["convolution"]["gflops_per_second"], 0);
  }
}

TEST_F(ProgramTest, InfoTellsVersionsAndDevices) {
  const Outcome text = headrace({"info"});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.output, HasSubstr("oneDNN"));
  const json info = json::parse(headrace({"info", "--json"}).output);
  EXPECT_TRUE(info["gpus"].size() > 0 || info.contains("no_gpu_because"));
}

TEST_F(ProgramTest, EveryCommandHasHelpWithAnExample) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"train"},
                                             {"evaluate"},
                                             {"predict"},
                                             {"export"},
                                             {"index"},
                                             {"pack"},
                                             {"doctor"},
                                             {"bench", "loader"},
                                             {"bench", "train"},
                                             {"info"}}) {
    std::vector<std::string> arguments = words;
    arguments.emplace_back("--help");
    const Outcome help = headrace(arguments);
    EXPECT_EQ(help.status, 0) << words[0];
    EXPECT_THAT(help.output, HasSubstr("Example:\n  headrace " + words[0]));
    EXPECT_THAT(help.errors, IsEmpty());
  }
  EXPECT_THAT(headrace({"--version"}).output, StartsWith("headrace 0."));
}

}  // namespace
}  // namespace headrace::cli
