#include "headrace/train/layers/lstm.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {
namespace {

constexpr std::int64_t most_units = 1 << 20;

}  // namespace

LSTM::LSTM(std::int64_t units, bool return_sequences, bool use_bias, bool unit_forget_bias,
           Initializer kernel_initializer, Initializer recurrent_initializer)
    : units_(units),
      return_sequences_(return_sequences),
      use_bias_(use_bias),
      unit_forget_bias_(unit_forget_bias),
      kernel_initializer_(kernel_initializer),
      recurrent_initializer_(recurrent_initializer) {
  if (units < 1 || units > most_units) {
    throw Error(ErrorCode::invalid_argument, "LSTM: needs between 1 and " +
                                                 std::to_string(most_units) + " units, not " +
                                                 std::to_string(units));
  }
}

std::shared_ptr<const Layer> LSTM::from(const Attributes& attributes) {
  AttributeReader read("LSTM", attributes);
  const std::int64_t units = read.integer("units");
  const bool return_sequences = read.flag("return_sequences", false);
  const bool use_bias = read.flag("use_bias", true);
  const bool unit_forget_bias = read.flag("unit_forget_bias", true);
  const Initializer kernel = read.initializer("kernel_initializer", Initializer::glorot_uniform);
  const Initializer recurrent = read.initializer("recurrent_initializer", Initializer::orthogonal);
  read.finish();
  return std::make_shared<LSTM>(units, return_sequences, use_bias, unit_forget_bias, kernel,
                                recurrent);
}

Shape LSTM::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  if (input.rank() != 2) {
    throw Error(ErrorCode::invalid_argument,
                "needs a sequence (time, features), got " + input.to_string());
  }
  if (return_sequences_) return {input[0], units_};
  return {units_};
}

std::vector<ParameterSpec> LSTM::parameters(std::span<const Shape> inputs) const {
  std::vector<ParameterSpec> specs{
      {"kernel", {single_input(inputs)[1], 4 * units_}, kernel_initializer_},
      {"recurrent_kernel", {units_, 4 * units_}, recurrent_initializer_}};
  if (use_bias_) {
    specs.push_back({"bias",
                     {4 * units_},
                     unit_forget_bias_ ? Initializer::unit_forget_bias : Initializer::zeros});
  }
  return specs;
}

std::int64_t LSTM::multiply_adds(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  return input[0] * (input[1] + units_) * 4 * units_;
}

Attributes LSTM::attributes() const {
  return {{"units", units_},
          {"return_sequences", return_sequences_},
          {"use_bias", use_bias_},
          {"unit_forget_bias", unit_forget_bias_},
          {"kernel_initializer", kernel_initializer_.name()},
          {"recurrent_initializer", recurrent_initializer_.name()}};
}

}  // namespace headrace
