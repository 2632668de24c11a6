#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autogo/data/dataset.h"

namespace autogo {

// One function for each layout: nothing when `path` does not look like it, an Error when it does
// but is wrong. Const calls of the sets are thread-safe.

/// data_batch_*.bin and test_batch.bin, or train.bin and test.bin; also in cifar-10-batches-bin/,
/// cifar-100-binary/ under `path`.
std::unique_ptr<Data> open_cifar(const std::string& path);
/// train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-... or test-..., each plain or .gz.
std::unique_ptr<Data> open_idx(const std::string& path);
/// train/CLASS/*.jpg and val/ or test/; or CLASS/*.jpg alone: a tenth is held out.
std::unique_ptr<Data> open_class_folders(const std::string& path);
/// Images, or pairs of them, for super-resolution and denoising.
std::unique_ptr<Data> open_images(const std::string& path);
/// Cityscapes, or images/ and masks/.
std::unique_ptr<Data> open_masks(const std::string& path, std::int64_t num_classes);
/// MPII as JSON.
std::unique_ptr<Data> open_key_points(const std::string& path);

/// Test sets that the user names; of the same kind as `data`.
DataSplit open_test_images(const std::string& path);
DataSplit open_test_classes(const std::string& path, const Data& data);

/// Splits off the tenth of the samples whose names hash so: the same choice on every machine.
void hold_out_tenth(Data& data);

// Folders, sorted by name.
std::vector<std::string> list_folders(const std::string& path);  ///< names
std::vector<std::string> list_images(const std::string& path);   ///< names
bool folder_exists(const std::string& path);
bool file_exists(const std::string& path);
std::string base_name(const std::string& path);  ///< "Set5" of "sr/Set5/"

}  // namespace autogo
