/** Networks of all families: what they need of data, their parameters and their graphs.
 */
#ifndef HESSE_NETWORK_FAMILIES_FAMILIES_H
#define HESSE_NETWORK_FAMILIES_FAMILIES_H

#include "network/families/family.h"

/** Local. Whether the family exists and all enumerations and counts of an architecture
 * are in range; every function that takes an architecture expects that. */
bool hesse_arch_is_sound(const hesse_arch *arch);

/** Local. What a network needs of its data. */
hesse_data_needs hesse_family_needs(const hesse_arch *arch);

/** Local. Set the sizes that an architecture leaves open (0) to those of the data.
 *  Errors: HESSE_E_JOB, with what the family reads and what the data are. */
hesse_status hesse_family_fit(hesse_arch *arch, const hesse_batch *batch,
                              hesse_why *why);

/** Local. Errors: HESSE_E_JOB for a size of the data that an architecture leaves open.
 */
hesse_status hesse_family_is_told(const hesse_arch *arch, hesse_why *why);

/** Local. The names of a family's checkpoints where there is none. */
hesse_layout hesse_layout_of(const hesse_arch *arch);

/** Local. The graph of a network for examples of so many tokens.
 *  Errors: HESSE_E_JOB when the sizes do not fit one another or the examples are longer
 *  than the network's positions, HESSE_E_NOMEM. */
hesse_status hesse_family_graph(const hesse_arch *arch, int tokens, hesse_graph **graph,
                                hesse_why *why);

/** Local. The same on a batch (network/graph.h, hesse_graph_tape). */
hesse_status hesse_family_build_tape(const hesse_arch *arch, const hesse_batch *batch,
                                     const double *constants,
                                     const hesse_weighting *weighting,
                                     hesse_tape **tape, hesse_why *why);

#endif /* HESSE_NETWORK_FAMILIES_FAMILIES_H */
