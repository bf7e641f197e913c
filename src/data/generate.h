/** Data of the papers' tasks, drawn from a seed. */
#ifndef HESSE_DATA_GENERATE_H
#define HESSE_DATA_GENERATE_H

#include "hesse/generator.h"
#include "hesse/status.h"
#include "network/batch.h"

#include <stdbool.h>
#include <stdint.h>

enum { HESSE_PATHFINDER_SIZE = 32 };

/** Local. So many examples; example i is the same whatever their number, but for addition,
 *  where a batch has a share of sums with carries that run on.
 *
 *  gaussian, clusters  one token of `features` numbers and one of `classes` labels.
 *  regression          tokens (x, y) of `features` + 1 numbers, `examples` with y = w . x and
 *                      then the question with y = 0, of which -w . x is wanted: the sign of
 *                      Ahn et al.
 *  addition            18 ids: digits, 10 for plus and 11 for the sign of equality; the
 *                      labels of tokens 11 to 16 are the six digits of the sum, the others
 *                      are ignored.
 *  pathfinder          grey images of 32 x 32 pixels, from 0 to 1, labelled 1 when both
 *                      markers are on one contour.
 *  count     [in]   examples.
 *  together  [in]   addition: examples of a batch; 0: all.
 *  Errors: HESSE_E_JOB for numbers out of range, or where no contour of that length is
 *  found; HESSE_E_NOMEM.
 *  Sources: Zhang et al., arXiv:2402.16788; Ahn et al., arXiv:2310.01082; Quirke & Barez,
 *  arXiv:2310.13121; Linsley et al., arXiv:1805.08315, with the sizes of Tay et al.,
 *  arXiv:2011.04006. */
hesse_status hesse_generate(const hesse_recipe *recipe, int count, int together,
                            uint64_t seed, hesse_batch *batch, hesse_why *why);

/** Local. One image of pathfinder, row by row, and its label. False: none was found. */
bool hesse_pathfinder_draw(int contour, uint64_t seed, uint64_t image,
                           unsigned char *pixels, int *label);

#endif /* HESSE_DATA_GENERATE_H */
