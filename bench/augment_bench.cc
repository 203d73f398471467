// Augmentation of images in memory on one core: what a recipe costs, by each set of vector
// instructions that this CPU has. Plans are drawn beforehand, except where "plan" is measured.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "headrace/augment/keras.h"
#include "headrace/augment/kernels.h"
#include "headrace/augment/named_recipes.h"
#include "headrace/augment/recipe.h"
#include "headrace/augment/recipe_augmenter.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

constexpr std::size_t alignment = 64;    // of a batch
constexpr std::size_t image_count = 64;  // drawn plans, and small images to take turns with

struct AlignedDelete {
  void operator()(std::byte* bytes) const {
    ::operator delete (bytes, std::align_val_t{alignment});
  }
};

struct Bench {
  std::string name;
  ImageShape source;
  Recipe recipe;
};

Recipe keras_recipe(ImageShape shape) {
  Recipe recipe(shape);
  recipe.set("width_shift", 0.1).set("height_shift", 0.1).set("horizontal_flip", true);
  recipe.set("mean", "pixel").set_mean(std::vector<float>(shape.elements(), 120.5f));
  return recipe;
}

// Rotation, shifts, shear, zoom, flip, brightness, rescale; bilinear.
Recipe full_keras_recipe(ImageShape shape) {
  KerasImageDataGenerator keras;
  keras.rotation_range = 20;
  keras.width_shift_range = 0.1;
  keras.height_shift_range = 0.1;
  keras.shear_range = 10;
  keras.zoom_range = 0.1;
  keras.horizontal_flip = true;
  keras.brightness_range = {0.8, 1.2};
  keras.rescale = 1 / 255.0;
  return keras.recipe(shape);
}

Recipe turning(ImageShape shape, const char* fill_mode, const char* resize) {
  Recipe recipe(shape, ElementType::u8);
  recipe.set("rotation", 20.0).set("fill_mode", fill_mode).set("resize", resize);
  return recipe;
}

// From levels to levels, as the functions of other libraries.
Recipe of_one(ImageShape shape, const char* name, const char* value) {
  Recipe recipe(shape, ElementType::u8);
  recipe.set(name, parse_value(recipe_parameter(name), value));
  return recipe;
}

Recipe photo_recipe() {
  Recipe recipe({224, 224, 3});
  recipe.set("horizontal_flip", true).set("rescale", 1 / 255.0).set("mean", "channel");
  recipe.set_mean(std::vector<float>{0.485f, 0.456f, 0.406f});
  return recipe;
}

Recipe narrow(Recipe recipe, const char* resize) {
  recipe.set("resize", resize);
  return recipe;
}

Recipe planes(Recipe recipe) {
  recipe.set("layout", "nchw");
  return recipe;
}

Recipe half(Recipe recipe) {
  recipe.update_from_json(
      R"({"output": {"height": 224, "width": 224, "channels": 3, "type": "f16"}})");
  return recipe;
}

std::vector<Bench> benches() {
  return {
      {"28x28x1/shift_flip_mean", {28, 28, 1}, keras_recipe({28, 28, 1})},
      {"32x32x3/shift_flip_mean", {32, 32, 3}, keras_recipe({32, 32, 3})},
      {"32x32x3/mean", {32, 32, 3}, keras_recipe({32, 32, 3}).for_inference()},
      {"375x500x3_to_224/imagenet", {375, 500, 3}, named_recipe("imagenet")},
      {"375x500x3_to_224/imagenet_nchw", {375, 500, 3}, planes(named_recipe("imagenet"))},
      {"375x500x3_to_224/imagenet_f16", {375, 500, 3}, half(named_recipe("imagenet"))},
      {"375x500x3_to_224/imagenet_inference",
       {375, 500, 3},
       named_recipe("imagenet").for_inference()},
      {"375x500x3_to_224/antialias_flip_mean", {375, 500, 3}, photo_recipe()},
      {"375x500x3_to_224/linear_flip_mean", {375, 500, 3}, narrow(photo_recipe(), "linear")},
      {"32x32x3/keras", {32, 32, 3}, full_keras_recipe({32, 32, 3})},
      {"32x32x3/rotate", {32, 32, 3}, turning({32, 32, 3}, "nearest", "linear")},
      {"32x32x3/rotate_reflect", {32, 32, 3}, turning({32, 32, 3}, "reflect", "linear")},
      {"28x28x1/rotate", {28, 28, 1}, turning({28, 28, 1}, "nearest", "linear")},
      {"32x32x3/rotate_nearest", {32, 32, 3}, turning({32, 32, 3}, "nearest", "nearest")},
      {"224x224x3/keras", {224, 224, 3}, full_keras_recipe({224, 224, 3})},
      {"224x224x3/rotate", {224, 224, 3}, turning({224, 224, 3}, "nearest", "linear")},
      {"224x224x3/rotate_reflect", {224, 224, 3}, turning({224, 224, 3}, "reflect", "linear")},
      {"224x224x3/rotate_cubic", {224, 224, 3}, turning({224, 224, 3}, "nearest", "cubic")},
      {"256x256x3_to_224/random_resized_crop",
       {256, 256, 3},
       of_one({224, 224, 3}, "random_resized_crop", "0.08,1")},
      {"224x224x3/brightness", {224, 224, 3}, of_one({224, 224, 3}, "brightness", "0.6,1.4")},
      {"224x224x3/contrast", {224, 224, 3}, of_one({224, 224, 3}, "contrast", "0.6,1.4")},
      {"224x224x3/saturation", {224, 224, 3}, of_one({224, 224, 3}, "saturation", "0.6,1.4")},
      {"224x224x3/hue", {224, 224, 3}, of_one({224, 224, 3}, "hue", "-0.1,0.1")},
      {"224x224x3/grey", {224, 224, 3}, of_one({224, 224, 3}, "grey", "1")},
      {"224x224x3/blur", {224, 224, 3}, of_one({224, 224, 3}, "blur", "5,0.1,2")},
      {"224x224x3/sharpen", {224, 224, 3}, of_one({224, 224, 3}, "sharpen", "2,1")},
      {"224x224x3/posterize", {224, 224, 3}, of_one({224, 224, 3}, "posterize", "4,1")},
      {"224x224x3/solarize", {224, 224, 3}, of_one({224, 224, 3}, "solarize", "128,1")},
      {"224x224x3/equalize", {224, 224, 3}, of_one({224, 224, 3}, "equalize", "1")},
      {"224x224x3/autocontrast", {224, 224, 3}, of_one({224, 224, 3}, "autocontrast", "1")},
      {"224x224x3/invert", {224, 224, 3}, of_one({224, 224, 3}, "invert", "1")},
      {"224x224x3/random_erasing", {224, 224, 3}, of_one({224, 224, 3}, "random_erasing", "1")},
      {"224x224x3/perspective", {224, 224, 3}, of_one({224, 224, 3}, "perspective", "0.5,1")},
      {"224x224x3/elastic", {224, 224, 3}, of_one({224, 224, 3}, "elastic", "50,5")},
      {"224x224x3/rand_augment", {224, 224, 3}, of_one({224, 224, 3}, "rand_augment", "2,9")},
  };
}

std::vector<SamplePlan> draw_plans(const RecipeAugmenter& augmenter, ImageSize source) {
  std::vector<SamplePlan> plans;
  for (std::uint64_t sample = 0; sample < image_count; ++sample) {
    plans.push_back(augmenter.plan(source, Rng(1, 0).for_sample(sample)));
  }
  return plans;
}

void render(benchmark::State& state, const Bench& bench, const Kernels& kernels) {
  const RecipeAugmenter augmenter(bench.recipe, kernels);
  const std::vector<SamplePlan> plans = draw_plans(augmenter, bench.source.size());
  std::vector<Image> images;
  for (std::size_t i = 0; i < 8; ++i) {
    Image& image = images.emplace_back(bench.source);
    Rng rng(i, 0);
    for (std::size_t e = 0; e < bench.source.elements(); ++e) {
      image.data()[e] = static_cast<std::byte>(rng.below(256));
    }
  }
  const Region all{0, 0, bench.source.height, bench.source.width};
  const std::size_t row_bytes = augmenter.output().row_bytes();
  // Stores go to memory as in a loader.
  const std::unique_ptr<std::byte, AlignedDelete> batch(static_cast<std::byte*>(
      ::operator new (image_count* row_bytes, std::align_val_t{alignment})));
  std::fill_n(batch.get(), image_count * row_bytes, std::byte{0});  // the first touch is slow
  RenderScratch scratch;
  std::size_t i = 0;
  for (auto _ : state) {
    augmenter.render(plans[i], images[i % images.size()].view(), all, batch.get() + i * row_bytes,
                     scratch);
    benchmark::ClobberMemory();
    i = (i + 1) % image_count;
  }
  state.SetItemsProcessed(state.iterations());
}

void plan(benchmark::State& state, const Bench& bench) {
  const RecipeAugmenter augmenter(bench.recipe);
  std::uint64_t sample = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(augmenter.plan(bench.source.size(), Rng(1, 0).for_sample(sample++)));
  }
  state.SetItemsProcessed(state.iterations());
}

const bool registered = [] {
  for (const Bench& bench : benches()) {
    for (const Kernels* kernels : available_kernels()) {
      benchmark::RegisterBenchmark(
          ("render/" + bench.name + "/" + kernels->name).c_str(),
          [=](benchmark::State& state) { render(state, bench, *kernels); });
    }
    benchmark::RegisterBenchmark(("plan/" + bench.name).c_str(),
                                 [=](benchmark::State& state) { plan(state, bench); });
  }
  return true;
}();

}  // namespace
}  // namespace headrace
