#pragma once

#include <memory>
#include <string_view>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Opens the data set at `location`, a path that says by itself what it is:
//
//   *.csv *.tsv *.txt *.lst     a list of images and labels           (file_list.h)
//   *.jsonl *.ndjson            the same, an object in JSON a line    (file_list.h)
//   a folder of class folders   each class a folder of images         (directory.h)
//   a folder of images          without labels, to predict from       (directory.h)
//   *idx3-ubyte[.gz] *.idx[.gz] images and labels in IDX files        (idx.h)
//   *.bin, or a folder of them  CIFAR-10 or CIFAR-100, binary version (cifar.h)
//   a file of headrace pack     whatever its name                     (pack.h)
//   *.tar, or a folder of them  shards in WebDataset's convention     (tar_shards.h)
//   *.npz *.npy                 arrays of images and labels           (numpy.h)
//   *.h5 *.hdf5                 the same, or files of images          (hdf5.h)
//   a manifest                  what headrace doctor looked at, but for
//                               what it found bad                     (manifest.h)
//
// The prefixes "list:", "directory:", "idx:", "cifar:", "pack:", "tar:", "numpy:" and "hdf5:" say
// it where the path cannot. After "idx:" and "cifar:", commas part several files:
// "idx:IMAGES,LABELS", "cifar:a.bin,b.bin". Names of shards may have braces and wildcards.
//
// A '#' stands before what is taken of the data, if that is not all: a split of a list, fields of
// shards, arrays: "all.csv#val", "train-{000..099}.tar#jpg,cls", "mnist.npz#test".
//
// Prefixes of views (views.h) stand before all that: "union:A + B", "mix:0.7 A + 0.3 B" (as many
// records as it takes for each to be there), "balanced:A", "repeat:3:A", and "split:0.9:A" with
// "rest:0.9:A", its other part. Classes are those of the first data set.
//
// Throws Error{io} if there is nothing, Error{invalid_argument} listing what is recognised if it is
// of no known kind, and what the opening of that kind throws.
std::shared_ptr<const Dataset> open_dataset(std::string_view location,
                                            const DataOptions& options = {});

}  // namespace headrace
