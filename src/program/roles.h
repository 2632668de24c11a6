#pragma once

#include "autogo/program/program.h"

namespace autogo {

/// Says of every constant of a program whether it is trained.
void assign_roles(Program& program);

}  // namespace autogo
