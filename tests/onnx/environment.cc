// The tests write some thousand small files, each synced to disk: memory is fast at that.
#include <unistd.h>

#include <cstdlib>

namespace {
[[maybe_unused]] const bool kInMemory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;
}  // namespace
