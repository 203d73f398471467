#pragma once

#include <string>

#include "headrace/pipeline/image.h"
#include "headrace/train/graph.h"
#include "headrace/train/loss.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// What --model names: a model that Headrace knows, or one that Keras has written to a file, as
// model.to_json() gives it or as model.save() does.

// --model
void add_model(CLI::App& command, std::string& value, const std::string& group);

// --place: see place(). `rest` ends its help.
void add_placement(CLI::App& command, std::string& value, const std::string& rest,
                   const std::string& group);

// The images it takes: what a file says, and `natural` where nothing is said.
ImageShape input_size(const std::string& model, const ImageShape& natural);

// The model for images of that shape. Throws Error naming the file if the model in it does not take
// such images, or has another number of outputs than there are classes.
Graph choose_model(const std::string& model, const ImageShape& shape, int classes);
// The model where there are no data to fit it to: for the size that --image-size says and so many
// classes, or, if these are empty and 0, those that the file says or that are usual.
Graph choose_model(const std::string& model, const std::string& image_size, int classes);

// Cross-entropy of what the model ends in: probabilities of classes, of one answer, or logits.
Loss loss_of(const Graph& graph);

// --micro-batches
void add_micro_batches(CLI::App& command, int& value);
// The model with its layers on these devices. Throws Error{invalid_argument} if there is one device
// and several micro-batches.
Graph placed(Graph graph, const std::string& placement, int micro_batches);

}  // namespace headrace::cli
