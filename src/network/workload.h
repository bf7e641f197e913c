/** The work of sweeps is counted here without making them ready.
 *
 *  What a sweep has to do from a value on, past which every path to the loss leads,
 * depends on that value alone; so it is counted once, and to ask of every parameter of
 * a deep network takes time in proportion to its depth. */
#ifndef HESSE_NETWORK_WORKLOAD_H
#define HESSE_NETWORK_WORKLOAD_H

#include "network/partition.h"
#include "network/tape.h"

/** Amounts of work. */
typedef struct hesse_work {
    double products; /* floating-point operations in products of matrices      */
    double elements; /* numbers that operators without products read and write */
} hesse_work;

/** Local. a + factor b. */
static inline hesse_work hesse_work_add(hesse_work a, double factor, hesse_work b)
{
    return (hesse_work){a.products + factor * b.products,
                        a.elements + factor * b.elements};
}

/** A parameter, and which rectangle of it is wanted. */
typedef struct hesse_want {
    int param;
    hesse_rect rect;
} hesse_want;

typedef struct hesse_workload hesse_workload;

/** Local. A workload of a tape, which is borrowed, for so many shares. Directions are
 * dense vectors or unit vectors. Returns NULL when memory is exhausted. */
hesse_workload *hesse_workload_new(const hesse_tape *tape, int shares, bool dense);
void hesse_workload_free(hesse_workload *w);

/** Local. Bytes that it takes. */
size_t hesse_workload_bytes(const hesse_tape *tape);

/** Local. Say what is wanted from now on.
 *
 *  wants  [in]  the parameters ascend; borrowed until the next call. */
void hesse_workload_want(hesse_workload *w, const hesse_want *wants, int count);

/** Local. The work for one direction of all parameters that are wanted. */
hesse_work hesse_workload_all(hesse_workload *w);

/** Local. The work for one direction of parameter wants[i], of which `rect` is wanted,
 * and of the parameters after it what was said; and the rows of its result.
 *
 *  An output direction is a unit vector of what the parameter's operator puts out, at
 * one of the tokens first ... first + count - 1 of a sequence, as it is swept together
 * with those at the others of them: what they cannot reach is left out. */
hesse_work hesse_workload_column(hesse_workload *w, int i, hesse_rect rect);
hesse_work hesse_workload_output(hesse_workload *w, int i, hesse_rect rect, int first,
                                 int count);
size_t hesse_workload_rows(const hesse_workload *w, int i, hesse_rect rect);

/** Local. Whether anything that is wanted of wants[i] and those after it is read before
 * wants[i] is. */
bool hesse_workload_wants_before(const hesse_workload *w, int i);

/** Local. Nodes that were visited so far, for tests. */
size_t hesse_workload_visits(const hesse_workload *w);

/** Local. Sort a list of wants by parameter and put those of one parameter together:
 * their hull. Returns how many are left. */
int hesse_wants_merge(hesse_want *wants, int count);

#endif /* HESSE_NETWORK_WORKLOAD_H */
