/** The work of sweeps is counted here without making them ready.
 *
 *  In some places every path to the loss leads through a single value. The work of a
 *  sweep after such a value depends on that value alone. So this work is counted once,
 *  and counting the work for every parameter of a deep network takes time in proportion
 *  to its depth. */
#ifndef HESSE_NETWORK_WORKLOAD_H
#define HESSE_NETWORK_WORKLOAD_H

#include "network/partition.h"
#include "network/tape.h"

/** Amounts of work. */
typedef struct hesse_work {
    double products; /* floating-point operations in products of matrices      */
    double elements; /* numbers that operators without products read and write */
} hesse_work;

/** Local. Return a + factor b. */
static inline hesse_work hesse_work_add(hesse_work a, double factor, hesse_work b)
{
    return (hesse_work){a.products + factor * b.products,
                        a.elements + factor * b.elements};
}

/** A parameter, and the rectangle of it that is wanted. */
typedef struct hesse_want {
    int param;
    hesse_rect rect;
} hesse_want;

typedef struct hesse_workload hesse_workload;

/** Local. Make a workload of a tape, which is borrowed, for a number of shares.
 *  Directions are dense vectors or unit vectors. Returns NULL when memory is
 *  exhausted. */
hesse_workload *hesse_workload_new(const hesse_tape *tape, int shares, bool dense);
void hesse_workload_free(hesse_workload *w);

/** Local. Return the bytes that a workload takes. */
size_t hesse_workload_bytes(const hesse_tape *tape);

/** Local. Set the parameters that are wanted from now on.
 *
 *  wants  [in]  the parameters ascend; borrowed until the next call. */
void hesse_workload_want(hesse_workload *w, const hesse_want *wants, int count);

/** Local. Return the work for one direction of all parameters that are wanted. */
hesse_work hesse_workload_all(hesse_workload *w);

/** Local. Return the work for one direction of parameter wants[i], or, in the last
 *  function, the rows of its result. Wanted are `rect` of this parameter and, of the
 *  parameters after it, the rectangles in the list.
 *
 *  hesse_workload_output counts an output direction: a unit vector of the output of the
 *  parameter's operator, at one of the tokens first ... first + count - 1 of a
 *  sequence. It is swept together with the directions at the other tokens of this
 *  range; tokens that they cannot reach are left out. */
hesse_work hesse_workload_column(hesse_workload *w, int i, hesse_rect rect);
hesse_work hesse_workload_output(hesse_workload *w, int i, hesse_rect rect, int first,
                                 int count);
size_t hesse_workload_rows(const hesse_workload *w, int i, hesse_rect rect);

/** Local. Return true if wants[i] or a parameter after it in the list is read before
 *  wants[i]. */
bool hesse_workload_wants_before(const hesse_workload *w, int i);

/** Local. Return the number of nodes that were visited so far, for tests. */
size_t hesse_workload_visits(const hesse_workload *w);

/** Local. Sort a list of wants by parameter and merge the wants of one parameter into
 *  their hull. Returns how many are left. */
int hesse_wants_merge(hesse_want *wants, int count);

#endif /* HESSE_NETWORK_WORKLOAD_H */
