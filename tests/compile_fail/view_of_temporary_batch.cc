// A view lives no longer than its batch, so it cannot be taken of one that is about to go.
#include "headrace/pipeline/loader.h"

headrace::FieldView labels_of_first_batch(const headrace::Sequence& sequence) {
  return headrace::make_batch(sequence, 0, 0, 32).field("label");
}
