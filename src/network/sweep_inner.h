/** Types that the two files of the sweep and network/fault.c share. */
#ifndef HESSE_NETWORK_SWEEP_INNER_H
#define HESSE_NETWORK_SWEEP_INNER_H

#include "network/sweep.h"

/** An entry for every value of the tape. */
typedef struct hesse_slot {
    bool moves, wanted; /* depends on what moves, on what is wanted              */
    real *d, *c;        /* tangents and cotangents of one stretch; NULL: none    */
    int first_writer;   /* node that zeroes c before it adds, going up           */
    hesse_rect rect;    /* of a parameter: its wanted part                       */
    size_t row, from;   /* of a parameter: first row of results, of directions   */
} hesse_slot;

/** A part of the arena that is in use. */
typedef struct hesse_hold {
    size_t at, size;
} hesse_hold;

struct hesse_sweep {
    hesse_tape *t;
    int k, stretch, near; /* directions; sequences, and tokens, that go together */
    size_t rows;
    hesse_slot *slots; /* one for every value */
    hesse_hold *held;  /* memory of every value's cotangents, while planning */
    real *arena;
    size_t room;
};

/** Local. Return true if a node reads a parameter that moves. */
static inline bool hesse_reads_what_moves(const hesse_sweep *s, const hesse_node *n)
{
    bool any = false;
    for (int i = n->op->activations; i < hesse_inputs(n); i++)
        any |= s->slots[n->in[i]].moves;
    return any;
}

#endif /* HESSE_NETWORK_SWEEP_INNER_H */
