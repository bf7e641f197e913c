/** The position table of patches, interpolated to another size of image. */
#ifndef HESSE_NETWORK_FAMILIES_GRID_H
#define HESSE_NETWORK_FAMILIES_GRID_H

#include "network/graph.h"

/** The table has a row for each of the first tokens, which are no patches, and then for
 *  each of stored x stored patches. The image has rows x cols patches. */
typedef struct hesse_grid {
    int stored, first, rows, cols;
} hesse_grid;

/** Local. Return the number of rows of the table. */
int hesse_grid_stored(const hesse_grid *grid);

/** Local. Append the matrix that makes the position of every token from the rows of the
 *  table: the rows of the first tokens stay, and the others are interpolated as in
 *  PyTorch's interpolate(mode="bicubic", align_corners=False), which transformers calls
 *  in interpolate_pos_encoding. Returns its value. */
int hesse_grid_map(hesse_graph *graph, const hesse_grid *grid);

#endif /* HESSE_NETWORK_FAMILIES_GRID_H */
