#pragma once

namespace autogo {

/// Makes malloc keep freed memory instead of returning it to the system, for the whole process. A
/// training step takes and gives back tens of MB in pieces of a few hundred KB; with malloc's
/// defaults a third of its time is page faults. Call it before the threads that allocate.
void keep_freed_memory();

}  // namespace autogo
