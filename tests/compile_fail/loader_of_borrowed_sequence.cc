// A loader shares in owning its sequence, since its threads use it: borrowing is refused.
#include "headrace/pipeline/loader.h"

headrace::Loader loader_of(const headrace::Sequence& sequence) {
  return headrace::Loader(sequence, {.batch_size = 32});
}
