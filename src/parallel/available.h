/** What memory there is. */
#ifndef HESSE_PARALLEL_AVAILABLE_H
#define HESSE_PARALLEL_AVAILABLE_H

#include "parallel/team.h"

/** Collective. Bytes that a rank may still use: what is free on its machine, or left to
 *  its control group, shared by the team's ranks there; the least of all ranks. */
size_t hesse_team_available(hesse_team *team);

/** Collective. Bytes that the program and its libraries take of a rank's memory: what
 * is in memory now, the most of all ranks, and what the libraries are found to take
 * later on. */
size_t hesse_team_program(hesse_team *team);

/** Local. Bytes that this process has had in memory at most, the program and the
 * libraries among them; 0 where the system does not tell. */
double hesse_memory_peak(void);

#endif /* HESSE_PARALLEL_AVAILABLE_H */
