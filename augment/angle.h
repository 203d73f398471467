#pragma once

namespace headrace {

// Of degrees; the same to the last bit on every machine, which the C library's are not, and exact
// at multiples of 90.
double sine(double degrees);
double cosine(double degrees);

}  // namespace headrace
