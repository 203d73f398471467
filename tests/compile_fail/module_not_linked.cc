// A module's headers are found only by those who link it.
#include "headrace/pipeline/error.h"
