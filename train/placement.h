#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/train/device_id.h"
#include "headrace/train/graph.h"

namespace headrace {

// Places layers on devices by a line such as "lstm[0]=cpu:0,lstm[1]=cpu:1,concatenate=cpu:2":
// a layer's name, or one of its uses (counted from 0, as summary() does) if it is shared, or the
// beginning of names and '*'. Of several that fit the last one holds. A layer that nobody has
// placed is computed where its first input is made: to name the first layer of each part is enough.
// Throws Error{invalid_argument} naming what the model does not have or is no device.
Graph place(Graph graph, std::string_view placement);

// The same model with no layer placed anywhere.
Graph without_placement(Graph graph);

// Devices that compute what leads to the output, in their order; layers that are placed nowhere are
// on `usual`.
std::vector<DeviceId> devices_of(const Graph& graph, DeviceId usual = {});

// A node for people: its layer's name, with the number of the use ("lstm[1]") if there are several;
// of an input its field.
std::string name_of(const Graph& graph, Graph::NodeId node);

}  // namespace headrace
