#include "headrace/pipeline/function_augmenter.h"

#include <string>
#include <tuple>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

class FunctionAugmenter final : public Augmenter {
 public:
  FunctionAugmenter(std::shared_ptr<const Augmenter> recipe, ImageFunction function)
      : recipe_(std::move(recipe)),
        function_(std::move(function)),
        stream_(stream_id(function_.name)) {}

  const FieldSpec& output() const override { return recipe_->output(); }
  int channels() const override { return recipe_->channels(); }
  bool is_random() const override { return function_.draws > 0 || recipe_->is_random(); }

  SamplePlan plan(ImageSize source, const Rng& sample) const override {
    SamplePlan plan = recipe_->plan(source, sample);
    PlannedOperation operation{.kind = stream_, .values = {}};
    Rng rng = sample.for_operation(stream_);
    for (int i = 0; i < function_.draws; ++i) {
      operation.values[static_cast<std::size_t>(i)] =
          static_cast<float>(rng.next_u64() >> 40) * 0x1p-24f;
    }
    plan.add(operation);
    return plan;
  }

  void render(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
              std::byte* destination, RenderScratch& scratch) const override {
    if (plan.operation_count == 0 || plan.operations().back().kind != stream_) {
      throw Error(ErrorCode::invalid_argument,
                  "a plan that does not end with \"" + function_.name + "\"");
    }
    SamplePlan of_recipe = plan;
    --of_recipe.operation_count;
    recipe_->render(of_recipe, pixels, decoded, destination, scratch);
    const auto elements = static_cast<std::size_t>(output().elements());
    const std::span<const float> draws(plan.operations().back().values);
    function_.apply({reinterpret_cast<float*>(destination), elements},
                    draws.first(static_cast<std::size_t>(function_.draws)));
  }

  std::uint64_t fingerprint() const override {
    return Fingerprint()
        .add(recipe_->fingerprint())
        .add(function_.name)
        .add(function_.draws)
        .value();
  }

 private:
  std::shared_ptr<const Augmenter> recipe_;
  ImageFunction function_;
  std::uint32_t stream_;
};

}  // namespace

std::shared_ptr<const Augmenter> with_function(std::shared_ptr<const Augmenter> recipe,
                                               ImageFunction function) {
  const auto need = [&](bool good, const std::string& what) {
    if (!good) {
      throw Error(ErrorCode::invalid_argument, "image function \"" + function.name + "\": " + what);
    }
  };
  need(recipe != nullptr, "it needs a recipe that makes the image");
  need(!function.name.empty(), "it needs a name");
  need(function.apply != nullptr, "there is nothing to call");
  constexpr int most_draws = std::tuple_size_v<decltype(PlannedOperation::values)>;
  need(function.draws >= 0 && function.draws <= most_draws,
       std::to_string(function.draws) + " draws: it may have 0 to " + std::to_string(most_draws));
  need(recipe->output().type == ElementType::f32,
       "the recipe gives " + std::string(to_string(recipe->output().type)) +
           ": set its type to f32");
  return std::make_shared<FunctionAugmenter>(std::move(recipe), std::move(function));
}

}  // namespace headrace
