#pragma once

#include <memory>

#include "headrace/formats/decode_options.h"
#include "headrace/pipeline/decoder.h"

namespace headrace {

// As make_jpeg_decoder(), by libjpeg alone: what the other is compared with. Private to formats.
std::shared_ptr<const Decoder> make_libjpeg_decoder(const DecodeOptions& options = {});

}  // namespace headrace
