// A batch is read only: other readers, and the fingerprint of a run, rely on what was filled.
#include "headrace/pipeline/batch.h"

void clear_first(const headrace::Batch& batch) {
  const headrace::FieldView image = batch.field("image");
  image.as<float>()[0] = 0;
}
