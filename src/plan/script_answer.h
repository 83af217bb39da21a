/* What a step asserts of an answer and extracts from it, made ready. For plan/script_step.c only. Main thread. */
#pragma once

#include "plan/script_step.h"

/* Compiles pointers and patterns. Faults go to the findings. */
void script_answer_make(struct step_making *making);
