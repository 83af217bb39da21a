/* Where a step's request goes. For plan/script_step.c only. Main thread. */
#pragma once

#include "plan/script_step.h"

/* Finds the origin out, and the target, as far as they are the same always: `base`, `folder`, `target`, `is_reference`, `is_address` and the request's origin. Faults
 * go to the findings. */
void script_target_make(struct step_making *making);
