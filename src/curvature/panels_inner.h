/** What the files of the panels share; no other file includes it. */
#ifndef HESSE_CURVATURE_PANELS_INNER_H
#define HESSE_CURVATURE_PANELS_INNER_H

#include "curvature/panels.h"

/** Rows of a panel by tokens that stay in the cache for a product. */
enum { HESSE_NEAR_ROWS = 64 };

/** A panel: columns of a piece that are neighbours; or, of a piece that is done by
 *  tokens, all columns of output channels that are neighbours. */
typedef struct hesse_panel {
    int piece, first, count; /* first: within the piece              */
    int stride;              /* numbers of a row of what is computed */
} hesse_panel;

/** The most that any part needs. */
typedef struct hesse_room {
    size_t numbers;    /* of a panel                                */
    size_t raw;        /* of what sweeps by tokens give; 0: none    */
    size_t directions; /* of a sample, which moves whole parameters */
    size_t channels;   /* of a panel; 1 without any                 */
    size_t near;       /* of a row of those by tokens               */
} hesse_room;

struct hesse_panels {
    hesse_tape *tape;
    const hesse_params *params;
    const hesse_partition *partition;
    hesse_panel_options request;
    hesse_part part;
    size_t origin; /* index of the part's first coordinate */
    hesse_room room;
    hesse_sweep *sweep;
    int planned;        /* piece that the sweep is planned for; -1: none     */
    int *channels;      /* [pieces] of a panel by tokens; 0: by columns      */
    bool *moves;        /* [params]                                          */
    hesse_rect *hulls;  /* [params] of the pieces of the part                */
    hesse_rect *want;   /* [params]                                          */
    hesse_rect *follow; /* [pieces] of it and those after it in its parameter */

    /* An outline has none of these. */
    hesse_panel *list;
    int n_list, now; /* panels of the part; the computed one */
    int *unit;       /* directions of a sweep                */
    double *dense;   /* directions of a sample               */
    double **values; /* [shares] the computed panel          */
    hesse_patch *patches;

    /* And only who computes by tokens has these. */
    double **raw;    /* [shares] what sweeps give, of all tokens of a sequence        */
    double **window; /* [shares] where in it a sweep writes                           */
    double *near;    /* a few rows of it, in the order of tokens                      */
};

static inline int hesse_least(int a, int b)
{
    return a < b ? a : b;
}

/** The pieces of the part are a range, for blocks are consecutive. */
static inline const hesse_piece *hesse_first_piece(const hesse_panels *p)
{
    return p->partition->pieces + p->partition->blocks[p->part.block].piece;
}

static inline const hesse_piece *hesse_end_of_pieces(const hesse_panels *p)
{
    const hesse_block *last = &p->partition->blocks[p->part.block + p->part.blocks - 1];
    return p->partition->pieces + last->piece + last->pieces;
}

/** Local. The rectangle of a parameter that a panel of a piece has rows of. */
hesse_rect hesse_panels_want(const hesse_panels *p, int piece, int param);

/** Local. Find out where the computed panel of a share, whose sums are not finite, goes wrong;
 *  HESSE_OK when all its numbers are finite, though their squares are not. */
hesse_status hesse_panels_blame(hesse_panels *p, int share, hesse_why *why);

/** Local. Plan the sweep for `moves` and `want`; memory was made sure of before, for the
 *  largest plan there is. */
void hesse_panels_plan(hesse_panels *p);

/** Local. Output channels of a piece of a weight, its inputs, and tokens of a sequence of the
 *  operator that alone reads it. */
int hesse_tokens_outputs(const hesse_panels *p, const hesse_piece *x);
int hesse_tokens_inputs(const hesse_panels *p, const hesse_piece *x);
int hesse_tokens_number(const hesse_panels *p, const hesse_piece *x);

/** Local. Output channels of a panel of a piece of which so many rows are wanted; 0: the
 *  panel would be too large. */
int hesse_tokens_channels(const hesse_panels *p, const hesse_piece *x, size_t rows);

/** Local. What all columns of the piece take that the sweep is planned for; infinite
 *  products where they cannot be had by tokens. */
hesse_work hesse_tokens_work(const hesse_panels *p, const hesse_piece *x);

/** Local. Compute a panel of the piece that the sweep is planned for: rows x (channels x
 *  inputs) values. */
void hesse_tokens_compute(hesse_panels *p, const hesse_panel *x);

#endif /* HESSE_CURVATURE_PANELS_INNER_H */
