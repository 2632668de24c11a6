// Tested by tests/predict/archive_test.cc.

#include "archive.h"

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "tensors/torch_tensors.h"

namespace autogo {

void write_archive(const std::string& path, const TensorFileKind& kind, const Archive& archive) {
  TensorFile file;
  file.header = archive.header;
  for (const auto& [name, tensor] : archive.tensors) file.tensors[name] = to_stored(tensor);
  write_tensor_file(path, kind, file);
}

Archive read_archive(const std::string& path, const TensorFileKind& kind) {
  TensorFile file = read_tensor_file(path, kind);
  Archive archive;
  archive.header = std::move(file.header);
  for (const auto& [name, tensor] : file.tensors) {
    try {
      archive.tensors[name] = to_torch(tensor);
    } catch (Error& e) {
      e.prepend(path + ": tensor '" + name + "'");
      throw;
    }
    archive.content_hash = hash_combine(archive.content_hash, hash_bytes(name.data(), name.size()));
    archive.content_hash =
        hash_combine(archive.content_hash, hash_bytes(tensor.bytes.data(), tensor.bytes.size()));
  }
  return archive;
}

torch::Tensor archive_tensor(const Archive& archive, const std::string& name,
                             torch::ScalarType type, std::int64_t size, const std::string& path) {
  const auto it = archive.tensors.find(name);
  const std::string where = path + ": tensor '" + name + "'";
  AUTOGO_REQUIRE(it != archive.tensors.end(), ErrorKind::kInput, where + " is missing");
  const torch::Tensor& tensor = it->second;
  AUTOGO_REQUIRE(tensor.scalar_type() == type && tensor.dim() == 1, ErrorKind::kInput,
                 where + " is no list of " + dtype_name(dtype_of(type)));
  AUTOGO_REQUIRE(size < 0 || tensor.numel() == size, ErrorKind::kInput,
                 where + " has " + std::to_string(tensor.numel()) + " elements, expected " +
                     std::to_string(size));
  return tensor;
}

torch::Tensor finite_tensor(const Archive& archive, const std::string& name, torch::ScalarType type,
                            std::int64_t size, const std::string& path) {
  const torch::Tensor tensor = archive_tensor(archive, name, type, size, path);
  AUTOGO_REQUIRE(tensor.isfinite().all().item<bool>(), ErrorKind::kInput,
                 path + ": tensor '" + name + "' holds a number that is not finite");
  return tensor;
}

}  // namespace autogo
