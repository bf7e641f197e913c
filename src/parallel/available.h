/** The memory of a machine and of the program. */
#ifndef HESSE_PARALLEL_AVAILABLE_H
#define HESSE_PARALLEL_AVAILABLE_H

#include "parallel/team.h"

/** Collective. Return the bytes that a rank may still use: the free memory of its
 * machine, or of its control group, shared by the ranks of the team there. It is the
 * least of all ranks. */
size_t hesse_team_available(hesse_team *team);

/** Collective. Return the bytes that the program and its libraries take of a rank's
 * memory: those in memory now, the most of all ranks, and those that the libraries take
 * later on, as measured. */
size_t hesse_team_program(hesse_team *team);

/** Local. Return the most bytes that this process has had in memory, including the
 * program and the libraries, or 0 if the system does not tell. */
double hesse_memory_peak(void);

#endif /* HESSE_PARALLEL_AVAILABLE_H */
