#pragma once

#include <cstddef>
#include <cstdint>

// What every file here defines: hands any bytes to a part of Headrace, which must neither crash nor
// hang nor read outside them. libFuzzer calls it (script/fuzz); replay_main.cc does so on the
// inputs that are kept, as a test.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
