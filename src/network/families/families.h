/** Networks of all families: their needs of data, their parameters and their graphs. */
#ifndef HESSE_NETWORK_FAMILIES_FAMILIES_H
#define HESSE_NETWORK_FAMILIES_FAMILIES_H

#include "network/families/family.h"

/** Local. Return true if the family exists and all enumerations and counts of an
 *  architecture are in range; every function that takes an architecture expects that.
 */
bool hesse_arch_is_sound(const hesse_arch *arch);

/** Local. Return the properties that a network needs its data to have, and the form in
 *  which it reads them. */
hesse_data_needs hesse_family_needs(const hesse_arch *arch);
hesse_reads hesse_family_reads(const hesse_arch *arch);

/** Local. Set the sizes that an architecture leaves open (0) to those of the data.
 *  Errors: HESSE_E_JOB, with what the family reads and what the data are. */
hesse_status hesse_family_fit(hesse_arch *arch, const hesse_batch *batch,
                              hesse_why *why);

/** Local. Check that an architecture says all sizes of the data.
 *  Errors: HESSE_E_JOB for a size that it leaves open. */
hesse_status hesse_family_is_told(const hesse_arch *arch, hesse_why *why);

/** Local. Return the layout that a family's checkpoints usually have. */
hesse_layout hesse_layout_of(const hesse_arch *arch);

/** Local. Make the graph of a network for examples of `tokens` tokens.
 *  Errors: HESSE_E_JOB when the sizes do not fit one another or the examples are longer
 *  than the network's positions, HESSE_E_NOMEM. */
hesse_status hesse_family_graph(const hesse_arch *arch, int tokens, hesse_graph **graph,
                                hesse_why *why);

/** Local. Make the tape of a network on a batch (network/graph.h, hesse_graph_tape). */
hesse_status hesse_family_build_tape(const hesse_arch *arch, const hesse_batch *batch,
                                     const double *constants,
                                     const hesse_weighting *weighting,
                                     hesse_tape **tape, hesse_why *why);

#endif /* HESSE_NETWORK_FAMILIES_FAMILIES_H */
