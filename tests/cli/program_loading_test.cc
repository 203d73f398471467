// The program's options of loading, as a user would give them.

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "headrace/pipeline/cpu_list.h"
#include "program_runs.h"
#include "tests/support/fixtures.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class ProgramLoading : public ProgramTest {
 protected:
  // Of 204 images, those in lines 3 to 6: missing, empty, cut short, and no image at all.
  void write_damaged_list() {
    export_images();
    const std::string sound = read_file(folder() / "images/train/0/000000.jpg");
    write_text(folder() / "empty.jpg", "");
    write_text(folder() / "half.jpg", sound.substr(0, sound.size() * 3 / 4));
    write_text(folder() / "text.jpg", "this is text and no picture at all\n");
    std::string list = read_file(folder() / "train.csv");
    const auto third_line = list.find('\n', list.find('\n') + 1) + 1;
    list.insert(third_line, "none.jpg,0\nempty.jpg,1\nhalf.jpg,0\ntext.jpg,1\n");
    write_text(folder() / "damaged.csv", list);
  }

  Outcome bench(const std::string& list, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"bench", "loader",       "--data", path(list), "--epochs",
                                          "2",     "--batch-size", "16",     "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return headrace(std::move(arguments));
  }
  json bench_result(const std::string& list, const std::vector<std::string>& more) {
    const Outcome outcome = bench(list, more);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return outcome.status == 0 ? json::parse(outcome.output) : json::object();
  }
};

TEST_F(ProgramLoading, TransparentImagesArePutOverAColourThatAModelRemembers) {
  const std::string image = fixtures_folder() + "/images/alpha.png";
  write_text(folder() / "alpha.csv", "path,label\n" + image + ",0\n" + image + ",1\n");
  const auto fingerprint = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all{"--fingerprint"};
    all.insert(all.end(), more.begin(), more.end());
    return bench_result("alpha.csv", all)["fingerprint"];
  };
  const auto white = fingerprint({"--background", "white"});
  EXPECT_EQ(fingerprint({"--background", "255,255,255"}), white);
  EXPECT_EQ(fingerprint({"--background", "#FFffff"}), white);
  EXPECT_NE(fingerprint({"--background", "black"}), white);
  EXPECT_NE(fingerprint({}), white);
  const Outcome wrong = bench("alpha.csv", {"--background", "256,0,0"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.errors, HasSubstr("#fff0e6"));

  for (const std::string colour : {"white", "black"}) {
    const Outcome trained =
        headrace({"train", "--data", path("alpha.csv"), "--model", "mnist_cnn", "--background",
                  colour, "--rescale", "0.001", "--epochs", "1", "--out", path(colour)});
    ASSERT_EQ(trained.status, 0) << trained.errors;
  }
  const auto predicted = [&](const std::string& name) {
    return headrace({"predict", "--model", path(name + "/model.safetensors"), image}).output;
  };
  EXPECT_NE(predicted("white"), predicted("black"));
}

TEST_F(ProgramLoading, ABadImageEndsABenchUnlessToldOtherwise) {
  write_damaged_list();
  const Outcome outcome = bench("damaged.csv", {"--shuffle", "none"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, AllOf(HasSubstr("damaged.csv:3: none.jpg: "), HasSubstr("No such"),
                                    HasSubstr("--on-error skip goes on without such images")));
  EXPECT_EQ(json::parse(outcome.output)["errors"], 1);
}

TEST_F(ProgramLoading, SkippedImagesAreReplacedAndListed) {
  write_damaged_list();
  const std::string report = path("bad.csv");
  std::string fingerprint;
  for (const std::string threads : {"1", "2"}) {
    const Outcome outcome =
        bench("damaged.csv", {"--on-error", "skip", "--error-budget", "4", "--threads", threads,
                              "--error-report", report, "--fingerprint"});
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_THAT(outcome.errors, AllOf(HasSubstr("4 of 204 images cannot be used (4 may be bad)"),
                                      HasSubstr("8 samples replaced by others"),
                                      HasSubstr("damaged.csv:5: half.jpg: "), HasSubstr(report)));
    const json result = json::parse(outcome.output);
    EXPECT_EQ(result["images"], 408);
    EXPECT_EQ(result["errors"], 4);
    EXPECT_EQ(result["error_report"]["policy"], "skip");
    EXPECT_EQ(result["error_report"]["listed"][1]["path"], "empty.jpg");
    EXPECT_EQ(result["error_report"]["listed"][1]["line"], 4);
    if (!fingerprint.empty()) {
      EXPECT_EQ(result["fingerprint"], fingerprint);
    }
    fingerprint = result["fingerprint"];
    const std::string rows = read_file(report);
    EXPECT_EQ(count_lines(rows), 5u);
    EXPECT_THAT(rows, AllOf(StartsWith("list,line,path,reason,times\n"),
                            HasSubstr("damaged.csv,6,text.jpg,")));
  }
}

TEST_F(ProgramLoading, BlankImagesKeepTheirPlace) {
  write_damaged_list();
  const json result = bench_result("damaged.csv", {"--on-error", "blank", "--error-budget", "2%"});
  EXPECT_EQ(result["images"], 408);
  EXPECT_EQ(result["errors"], 4);
  EXPECT_EQ(result["error_report"]["policy"], "blank");
}

TEST_F(ProgramLoading, MoreBadImagesThanTheBudgetAllowsAreAnError) {
  write_damaged_list();
  for (const std::string budget : {"3", "1%"}) {
    const Outcome outcome = bench("damaged.csv", {"--on-error", "skip", "--error-budget", budget,
                                                  "--error-report", path("bad.csv")});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("the error budget allows 3: mend the data or raise"));
    EXPECT_EQ(count_lines(read_file(path("bad.csv"))), 5u);
  }
}

TEST_F(ProgramLoading, TrainingGoesOnWithoutBadImagesAndListsThem) {
  write_damaged_list();
  for (const std::string policy : {"skip", "blank"}) {
    const Outcome outcome = train(
        policy, 1, {"--data", path("damaged.csv"), "--on-error", policy, "--error-budget", "2%"});
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_EQ(count_lines(read_file(path(policy + "/errors.csv"))), 5u);
    EXPECT_THAT(outcome.output, HasSubstr("errors.csv"));
    const json run = json::parse(read_file(path(policy + "/run.json")));
    EXPECT_EQ(run["outcome"]["errors"], 4);
    EXPECT_EQ(run["options"]["on-error"], policy);
  }
  const Outcome failed = train("fail", 1, {"--data", path("damaged.csv")});
  EXPECT_EQ(failed.status, 1);
  EXPECT_FALSE(std::filesystem::exists(path("fail/errors.csv")));
  const Outcome over_budget = train(
      "again", 1, {"--data", path("damaged.csv"), "--on-error", "skip", "--error-budget", "3"});
  EXPECT_EQ(over_budget.status, 1);
  EXPECT_EQ(count_lines(read_file(path("again/errors.csv"))), 5u);
  const Outcome within = train(
      "again", 1, {"--data", path("damaged.csv"), "--on-error", "skip", "--error-budget", "4"});
  EXPECT_EQ(within.status, 0) << within.errors;
}

TEST_F(ProgramLoading, EvaluationLeavesBadImagesOut) {
  write_damaged_list();
  ASSERT_EQ(train("run", 1, {"--quiet"}).status, 0);
  const auto evaluate = [&](const std::string& list, const std::string& policy) {
    return headrace({"evaluate", "--model", path("run/model.safetensors"), "--data", path(list),
                     "--on-error", policy, "--error-budget", "4", "--json"});
  };
  const json sound = json::parse(evaluate("train.csv", "fail").output);
  const Outcome skipped = evaluate("damaged.csv", "skip");
  ASSERT_EQ(skipped.status, 0) << skipped.errors;
  EXPECT_THAT(skipped.errors, HasSubstr("4 samples left out"));
  const json result = json::parse(skipped.output);
  EXPECT_EQ(result["images"], 200);
  EXPECT_EQ(result["errors"], 4);
  EXPECT_EQ(result["accuracy"], sound["accuracy"]);
  EXPECT_NEAR(result["loss"], sound["loss"].get<double>(), 1e-5);
  EXPECT_EQ(json::parse(evaluate("damaged.csv", "blank").output)["images"], 204);
  EXPECT_EQ(evaluate("damaged.csv", "fail").status, 1);
}

TEST_F(ProgramLoading, PredictionLeavesBadImagesOutOrTheirRowsBlank) {
  write_damaged_list();
  ASSERT_EQ(train("run", 1, {"--quiet"}).status, 0);
  const auto predict = [&](const std::string& list, const std::string& policy) {
    return headrace({"predict", "--model", path("run/model.safetensors"), path(list), "--on-error",
                     policy, "--error-budget", "4", "--top", "2"});
  };
  const Outcome sound = predict("train.csv", "fail");
  const Outcome skipped = predict("damaged.csv", "skip");
  EXPECT_EQ(skipped.status, 0) << skipped.errors;
  EXPECT_EQ(skipped.output, sound.output);
  const Outcome blank = predict("damaged.csv", "blank");
  EXPECT_EQ(blank.status, 0) << blank.errors;
  EXPECT_EQ(count_lines(blank.output), 205u);
  EXPECT_THAT(blank.output, HasSubstr("\nnone.jpg,,,,\nempty.jpg,,,,\nhalf.jpg,,,,\n"));
  EXPECT_EQ(predict("damaged.csv", "fail").status, 1);
}

TEST_F(ProgramLoading, ABudgetOfMemoryThatIsTooSmallNamesTheOneThatWouldDo) {
  export_images();
  const Outcome refused = bench("train.csv", {"--memory", "10kB"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("--memory 10kB: "));
  const std::size_t end = refused.errors.find(" would do");
  ASSERT_NE(end, std::string::npos) << refused.errors;
  const std::size_t begin = refused.errors.rfind(' ', end - 1) + 1;
  const std::string enough = refused.errors.substr(begin, end - begin);
  const json result = bench_result("train.csv", {"--memory", enough});
  EXPECT_EQ(result["memory_bytes"], std::stoll(enough));
  EXPECT_LE(result["memory_used_bytes"], result["memory_bytes"]);
  EXPECT_THAT(result["memory"].get<std::string>(), HasSubstr("slots of batches"));
}

TEST_F(ProgramLoading, ACacheChangesNothingButWhereImagesComeFrom) {
  export_images();
  const json plain = bench_result("train.csv", {"--fingerprint"});
  for (const std::string what : {"encoded", "pixels", "samples"}) {
    const json cached =
        bench_result("train.csv", {"--fingerprint", "--memory", "64MiB", "--cache", what});
    EXPECT_EQ(cached["fingerprint"], plain["fingerprint"]) << what;
    EXPECT_EQ(cached["cached_images"], 200) << what;
    // Not always all of the second epoch: reading ahead may ask for one that is still being kept.
    EXPECT_GE(cached["cache_hits"], 180) << what;
  }
  const Outcome trained = train("run", 2, {"--memory", "64MiB", "--cache", "encoded"});
  EXPECT_EQ(trained.status, 0) << trained.errors;
  EXPECT_THAT(trained.errors, HasSubstr("memory for loading: "));
}

TEST_F(ProgramLoading, AnIndexChangesNoPixel) {
  export_images();
  const std::vector<std::string> command = {"index", "--data",           path("train.csv"),
                                            "--out", path("train.seek"), "--json"};
  const Outcome written = headrace(command);
  ASSERT_EQ(written.status, 0) << written.errors;
  EXPECT_EQ(json::parse(written.output)["images"], 200);
  EXPECT_EQ(json::parse(written.output)["known"], 0);
  EXPECT_EQ(json::parse(headrace(command).output)["known"], 200);
  const json plain = bench_result("train.csv", {"--fingerprint"});
  const json indexed = bench_result("train.csv", {"--fingerprint", "--index", path("train.seek")});
  EXPECT_EQ(indexed["fingerprint"], plain["fingerprint"]);
  const Outcome refused = bench("train.csv", {"--index", path("train.csv")});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("train.csv is no seek index"));
}

TEST_F(ProgramLoading, ADamagedIndexIsNotReplacedButItIsSaidHow) {
  export_images();
  const std::vector<std::string> command = {"index", "--data", path("train.csv"), "--out",
                                            path("train.seek")};
  ASSERT_EQ(headrace(command).status, 0);
  const std::string sound = read_file(path("train.seek"));
  write_text(path("train.seek"), sound.substr(0, sound.size() - 5));
  const Outcome refused = headrace(command);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, AllOf(HasSubstr("train.seek is "), HasSubstr("delete it"),
                                    Not(HasSubstr("by headrace index"))));
  EXPECT_EQ(count_lines(refused.errors), 1u);
  std::filesystem::remove(path("train.seek"));
  EXPECT_EQ(headrace(command).status, 0);
  EXPECT_EQ(read_file(path("train.seek")), sound);
}

TEST_F(ProgramLoading, SamplesThatAreDrawnAnewCannotBeKept) {
  export_images();
  const Outcome refused =
      bench("train.csv", {"--memory", "64MiB", "--cache", "samples", "--horizontal-flip"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("--cache samples: "));
}

TEST_F(ProgramLoading, DecodingAtALowerResolutionIsAnotherStream) {
  export_images();
  const auto fingerprint = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--fingerprint", "--image-size", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return bench_result("train.csv", arguments)["fingerprint"].get<std::string>();
  };
  EXPECT_NE(fingerprint({"--fast-scale"}), fingerprint({}));
}

// Photos as CIFAR has them: JPEG files with colour at half the resolution, once they are exported.
TEST_F(ProgramLoading, ColourThatIsResampledAsItIsStoredIsAnotherStream) {
  std::string batch;
  for (int i = 0; i < 60; ++i) {
    batch += static_cast<char>(i % 10);
    for (int e = 0; e < 3 * 32 * 32; ++e) {
      batch +=
          static_cast<char>(128 + 60 * std::sin(0.2 * (e % 32) + e / 1024 + 0.05 * i * e / 32));
    }
  }
  write_text(folder() / "batch.bin", batch);
  const Outcome exported = headrace({"export", "--data", path("batch.bin"), "--out", path("photos"),
                                     "--list", "p.csv", "--quality", "85"});
  ASSERT_EQ(exported.status, 0) << exported.errors;
  const auto result = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--fingerprint", "--image-size", "24"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return bench_result("photos/p.csv", arguments);
  };
  const json exact = result({});
  const json fast = result({"--fast-chroma", "--threads", "1"});
  EXPECT_FALSE(exact.contains("fast_chroma_images"));
  EXPECT_EQ(fast["fast_chroma_images"], fast["images"]);
  EXPECT_NE(fast["fingerprint"], exact["fingerprint"]);
  EXPECT_EQ(result({"--fast-chroma", "--threads", "2"})["fingerprint"], fast["fingerprint"]);
  EXPECT_EQ(result({"--fast-chroma", "--rotation", "20"})["fast_chroma_images"], 0);
}

TEST_F(ProgramLoading, WhereFastChromaCannotBeTheProgramSaysSo) {
  export_images();  // grey
  const Outcome grey = bench("train.csv", {"--fast-chroma"});
  EXPECT_EQ(grey.status, 0);
  EXPECT_THAT(grey.errors, HasSubstr("--fast-chroma made no difference"));
  const Outcome refused =
      bench("train.csv", {"--fast-chroma", "--memory", "64MiB", "--cache", "pixels"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.errors, HasSubstr("--fast-chroma: --cache pixels keeps"));
}

TEST_F(ProgramLoading, ThreadsKeepToTheCpusThatAreListed) {
  export_images();
  const std::string first = std::to_string(usable_cpus().front());
  EXPECT_EQ(bench_result("train.csv", {"--cpus", first})["threads"], 1);
  const Outcome refused = bench("train.csv", {"--cpus", "0-4095"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("--cpus 0-4095: "));
}

TEST_F(ProgramLoading, OrderIsFullNoneOrByBlocks) {
  export_images();
  std::vector<json> fingerprints;
  for (const std::string order : {"full", "none", "blocks:8", "blocks:8x2"}) {
    const json result = bench_result("train.csv", {"--fingerprint", "--shuffle", order});
    EXPECT_EQ(result["images"], 400);
    EXPECT_THAT(fingerprints, Not(testing::Contains(result["fingerprint"])));
    fingerprints.push_back(result["fingerprint"]);
  }
}

TEST_F(ProgramLoading, RanksShareTheImages) {
  export_images();
  const auto images = [&](const std::string& shard, const std::string& mode) {
    return bench_result("train.csv", {"--epochs", "1", "--batch-size", "30", "--shard", shard,
                                      "--shard-mode", mode})["images"]
        .get<int>();
  };
  EXPECT_EQ(images("0/4", "uneven") + images("1/4", "uneven") + images("2/4", "uneven") +
                images("3/4", "uneven"),
            200);
  EXPECT_EQ(images("0/3", "drop"), images("2/3", "drop"));
}

TEST_F(ProgramLoading, RanksExportListsOfTheirOwn) {
  export_images();
  std::string rows;
  for (const std::string rank : {"0", "1", "2"}) {
    const std::string list = "part-" + rank + ".csv";
    const Outcome outcome = headrace({"export", "--data", path("train.csv"), "--out", path("parts"),
                                      "--list", list, "--shard", rank + "/3"});
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    rows += read_file(path("parts/" + list));
  }
  EXPECT_EQ(count_lines(rows), 203u);
  const Outcome empty =
      headrace({"export", "--data", path("train.csv"), "--out", path("parts"), "--shard", "0/201"});
  EXPECT_EQ(empty.status, 1);
  EXPECT_THAT(empty.errors, HasSubstr("--shard 0/201: there are only 200 images"));
}

TEST_F(ProgramLoading, ATypeTakesItsShareOfMemory) {
  export_images();
  const auto slot_bytes = [&](const std::string& type) {
    return bench_result("train.csv", {"--type", type, "--image-size", "32"})["slot_bytes"]
        .get<double>();
  };
  const double f32 = slot_bytes("f32");
  EXPECT_NEAR(slot_bytes("f16") / f32, 0.5, 0.02);
  EXPECT_NEAR(slot_bytes("bf16") / f32, 0.5, 0.02);
  EXPECT_NEAR(slot_bytes("u8") / f32, 0.25, 0.02);
}

TEST_F(ProgramLoading, WholeLevelsCannotBeNormalised) {
  export_images();
  const Outcome refused = bench("train.csv", {"--type", "u8", "--rescale", "0.01"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, AllOf(HasSubstr("--rescale"), HasSubstr("--type f32")));
  const Outcome named = bench("train.csv", {"--type", "u8", "--recipe", "imagenet"});
  EXPECT_EQ(named.status, 0) << named.errors;
  EXPECT_THAT(named.errors, HasSubstr("without the recipe's rescale, channel_mean, channel_std"));
}

TEST_F(ProgramLoading, ATraceIsWrittenForPerfetto) {
  export_images();
  const Outcome outcome = bench("train.csv", {"--trace", path("trace.json")});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("events written to " + path("trace.json")));
  EXPECT_FALSE(json::parse(read_file(path("trace.json"))).empty());
  EXPECT_THAT(bench("train.csv", {"--trace", path("no/such.json")}).errors,
              AllOf(HasSubstr("--trace: "), HasSubstr("no/such.json")));
}

TEST_F(ProgramLoading, TheFirstBatchCountsFromTheStartOfTheProcess) {
  export_images();
  const json result = bench_result("train.csv", {});
  EXPECT_GT(result["first_batch_seconds"], result["loader_first_batch_seconds"]);
}

TEST_F(ProgramLoading, EmulatedAcceleratorsAreCounted) {
  export_images();
  const Outcome outcome =
      bench("train.csv", {"--epochs", "2", "--emulate", "0.002", "--emulate-run", "0.02"});
  EXPECT_EQ(outcome.status, 2);
  const auto emulate = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "bench",          "loader", "--data",        path("train.csv"),
        "--emulate",      "0.02",   "--emulate-run", "0.05",
        "--emulate-most", "2",      "--batch-size",  "10"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return headrace(arguments);
  };
  const Outcome counted = emulate({"--json"});
  ASSERT_EQ(counted.status, 0) << counted.errors;
  const json result = json::parse(counted.output);
  EXPECT_LE(result["accelerators"], 2);
  EXPECT_EQ(result["seconds_per_batch"], 0.02);
  EXPECT_EQ(result["tries"][0]["accelerators"], 1);
  EXPECT_GE(result["tries"][0]["steps"], 3);
  const Outcome text = emulate({});
  EXPECT_THAT(text.output, AllOf(HasSubstr("accelerators  utilisation"), HasSubstr("90 % busy")));
  const Outcome too_few = emulate({"--batch-size", "201"});
  EXPECT_EQ(too_few.status, 1);
  EXPECT_THAT(too_few.errors, HasSubstr("smaller --batch-size"));
}

TEST_F(ProgramLoading, EveryOptionRefusesWhatMakesNoSense) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--shuffle", "blocks:0"}, {"--on-error", "ignore"}, {"--error-budget", "101%"},
      {"--prefetch", "0"},       {"--io-threads", "-1"},   {"--read-ahead", "lots"},
      {"--memory", "2XB"},       {"--cache", "all"},       {"--cache", "encoded"},
      {"--shard", "4/4"},        {"--shard-mode", "even"}, {"--type", "f64"},
      {"--emulate", "0"},        {"--emulate-busy", "90"}, {"--emulate-run", "0"},
      {"--emulate-most", "0"},   {"--threads", "-1"},      {"--cpus", "0-"},
      {"--cpus", "one"},         {"--batch-size", "0"},
  };
  for (const std::vector<std::string>& option : wrong) {
    const Outcome outcome = bench("train.csv", option);
    EXPECT_EQ(outcome.status, 2) << option[0] << " " << option[1];
    EXPECT_THAT(outcome.errors, AllOf(StartsWith("headrace: "), HasSubstr(option[0])));
    EXPECT_THAT(outcome.output, IsEmpty());
  }
}

TEST_F(ProgramLoading, CommandsThatLoadHaveTheSameOptions) {
  for (const std::string name : {"--on-error", "--error-budget", "--error-report", "--io-threads",
                                 "--read-ahead", "--memory", "--fast-scale", "--fast-chroma",
                                 "--trace", "--prefetch", "--loader-threads", "--cpus"}) {
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"train"}, {"evaluate"}, {"predict"}, {"bench", "loader"}}) {
      std::vector<std::string> arguments = command;
      arguments.emplace_back("--help");
      EXPECT_THAT(headrace(arguments).output, HasSubstr(name)) << command[0];
    }
  }
}

}  // namespace
}  // namespace headrace::cli
