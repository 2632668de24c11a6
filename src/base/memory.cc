#include "autogo/base/memory.h"

#include <malloc.h>

namespace autogo {

void keep_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  // Threads' own arenas are made of 64 MB pieces that are unmapped when empty.
  ::mallopt(M_ARENA_MAX, 1);
#endif
}

}  // namespace autogo
