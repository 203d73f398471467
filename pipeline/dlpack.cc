#include "headrace/pipeline/dlpack.h"

#include <dlpack/dlpack.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "headrace/pipeline/device_rows.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

// A tensor, and all that it keeps.
struct Exported {
  DLManagedTensor tensor{};
  std::vector<std::int64_t> shape;
  std::shared_ptr<const Batch> batch;
  Device* device = nullptr;  // of `memory`
  std::byte* memory = nullptr;

  Exported() = default;
  // Freeing waits for work that reads it.
  ~Exported() {
    if (memory != nullptr) device->deallocate(memory);
  }
  Exported(const Exported&) = delete;
  Exported& operator=(const Exported&) = delete;
};

std::uint8_t code_of(ElementType type) {
  switch (type) {
    case ElementType::u8: return kDLUInt;
    case ElementType::i32:
    case ElementType::i64: return kDLInt;
    case ElementType::bf16: return kDLBfloat;
    default: return kDLFloat;
  }
}

std::unique_ptr<Exported> describe(std::shared_ptr<const Batch> batch, std::size_t index) {
  if (index >= batch->spec().fields.size()) {
    throw Error(ErrorCode::invalid_argument,
                "field " + std::to_string(index) + " of a batch that has " +
                    std::to_string(batch->spec().fields.size()) + " fields");
  }
  const FieldSpec& field = batch->spec().fields[index];
  auto exported = std::make_unique<Exported>();
  exported->shape = {batch->size()};
  exported->shape.insert(exported->shape.end(), field.shape.begin(), field.shape.end());
  exported->batch = std::move(batch);
  exported->tensor.manager_ctx = exported.get();
  exported->tensor.deleter = [](DLManagedTensor* self) {
    delete static_cast<Exported*>(self->manager_ctx);
  };
  DLTensor& tensor = exported->tensor.dl_tensor;
  tensor.device = {kDLCPU, 0};
  tensor.ndim = static_cast<int>(exported->shape.size());
  tensor.shape = exported->shape.data();
  tensor.dtype = {code_of(field.type), static_cast<std::uint8_t>(8 * size_of(field.type)), 1};
  return exported;
}

}  // namespace

DLManagedTensor* to_dlpack(std::shared_ptr<const Batch> batch, std::size_t field) {
  auto exported = describe(std::move(batch), field);
  // DLPack has no constant tensors; the batch is the consumer's alone.
  exported->tensor.dl_tensor.data = const_cast<std::byte*>(exported->batch->field(field).data);
  return &exported.release()->tensor;
}

DLManagedTensor* to_dlpack(std::shared_ptr<const Batch> batch, std::size_t field,
                           Device::Stream stream) {
  auto exported = describe(std::move(batch), field);
  const DeviceRows* const rows = exported->batch->device();
  if (rows == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "this batch lies on the host: export it without a stream, or load it to a GPU "
                "(LoaderOptions::device)");
  }
  DeviceTarget target;
  target.bytes = rows->bytes(field, target);
  if (target.bytes > 0) {
    exported->device = &rows->device();
    exported->memory = exported->device->allocate(target.bytes);
    target.data = exported->memory;
    rows->deliver(field, target, stream);
  }
  exported->tensor.dl_tensor.data = exported->memory;
  exported->tensor.dl_tensor.device = {kDLCUDA, rows->device().index()};
  return &exported.release()->tensor;
}

}  // namespace headrace
