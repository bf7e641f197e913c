/** The parameter vector cut into named blocks.
 *
 *  The rows and columns of every full matrix and the entries of the gradient are
 *  ordered block after block, and in a block piece after piece; this order gives a
 *  coordinate its index. A piece is a rectangle of one parameter, row-major, so its
 *  indices are consecutive. */
#ifndef HESSE_NETWORK_PARTITION_H
#define HESSE_NETWORK_PARTITION_H

#include "hesse/parts.h"
#include "hesse/status.h"
#include "network/params.h"
#include "ops/op.h"

typedef struct hesse_piece {
    int param, block;
    hesse_rect rect;
    size_t first; /* index of its first coordinate */
} hesse_piece;

typedef struct hesse_block {
    char name[HESSE_NAME + 24];
    size_t first, size;
    int piece, pieces; /* its first piece, and how many; in the order of parameters */
} hesse_block;

/** Local. Return one piece for every parameter, with all of it; NULL when memory is
 *  exhausted. */
hesse_piece *hesse_pieces_of_all(const hesse_params *params);

typedef struct hesse_partition {
    int count, n_pieces;
    size_t size; /* coordinates in all blocks */
    hesse_block *blocks;
    hesse_piece *pieces;
} hesse_partition;

/** Local. Give every parameter a group for HESSE_CUT_GROUP in place of the one of its
 *  role: that of the globs which its name fits, "other" if it fits none.
 *
 *  table  [in]  `count` texts "NAME=GLOB", with globs as fnmatch(3) has them.
 *  Errors: HESSE_E_NOMEM; HESSE_E_JOB when a parameter is in two groups, or a glob fits
 *  no parameter. */
hesse_status hesse_params_group(hesse_params *params, const char *const *table,
                                int count, hesse_why *why);

/** Local. Cut the parameters, and keep the blocks that a list of names or globs
 *  selects.
 *
 *  only  [in]  `n_only` patterns as fnmatch(3) has them; 0: all blocks.
 *  Errors: HESSE_E_NOMEM; HESSE_E_JOB when a pattern selects nothing, with the nearest
 *  name. */
hesse_status hesse_partition_new(const hesse_params *params, hesse_cut cut,
                                 const char *const *only, int n_only,
                                 hesse_partition *partition, hesse_why *why);

/** Local. Write the name of the block of a parameter that the cut does not slice. */
void hesse_partition_name(const hesse_param *p, hesse_cut cut, char *name, size_t room);
void hesse_partition_free(hesse_partition *partition);

/** Local. True if piece b comes after piece a, or is the same, in the order of
 *  parameters. For two such pieces the columns of a give the rows of b. */
bool hesse_piece_follows(const hesse_piece *b, const hesse_piece *a);

/** Local. Return the smallest rectangle that holds both; a rectangle without rows is
 *  empty. */
hesse_rect hesse_hull(hesse_rect a, hesse_rect b);

static inline size_t hesse_area(hesse_rect r)
{
    return (size_t)r.rows * (size_t)r.cols;
}

/** Local. Copy entries from the order of theta to the order of blocks.
 *
 *  theta    [in]   params->size numbers.
 *  indexed  [out]  partition->size numbers. */
void hesse_partition_gather(const hesse_partition *partition,
                            const hesse_params *params, const double *theta,
                            double *indexed);

#endif /* HESSE_NETWORK_PARTITION_H */
