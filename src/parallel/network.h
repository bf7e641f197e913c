/** How fast the ranks of a team exchange numbers. */
#ifndef HESSE_PARALLEL_NETWORK_H
#define HESSE_PARALLEL_NETWORK_H

#include "hesse/team.h"

/** Collective. Measure the network between the ranks of a team of two or more, while
 * all of them use it. The best of several runs counts. It takes 20 ms in the memory of
 * one machine, and 0.2 s at 1 Gbit/s. Memory: 8 MB.
 *
 *  bandwidth  [out]  bytes a second that leave a rank, and as many enter it.
 *  latency    [out]  seconds of a short message.
 *
 * Errors: HESSE_E_NOMEM. */
hesse_status hesse_network_measure(hesse_team *team, double *bandwidth,
                                   double *latency);

#endif /* HESSE_PARALLEL_NETWORK_H */
