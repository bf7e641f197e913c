/** How evenly the ranks of a run shared its work. */
#ifndef HESSE_OUTPUT_SHOW_RANKS_H
#define HESSE_OUTPUT_SHOW_RANKS_H

#include "output/reader.h"

#include <stdio.h>

/** Local. Print a line if some rank waited for the others for a second or longer, and
 * for more than a twentieth of its time, with the reason. `r` is open. */
void hesse_ranks_show(hesse_reader *r, FILE *out);

#endif /* HESSE_OUTPUT_SHOW_RANKS_H */
