/** Finished work goes to a keeper, and a later run takes it from there. */
#ifndef HESSE_CHECKPOINT_KEEP_H
#define HESSE_CHECKPOINT_KEEP_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum hesse_record_kind {
    HESSE_RECORD_PANEL = 1, /* numbers of a panel                            */
    HESSE_RECORD_BLOCK,     /* what was found of a block                     */
    HESSE_RECORD_WHOLE,     /* what was found of the whole                   */
    HESSE_RECORD_PROBE,     /* a probe of a quadrature of a block; of the whole (-1) */
    HESSE_RECORD_EXTREMES,  /* extreme eigenpairs of one of these                    */
    HESSE_RECORD_HUTCHINSON /* and its trace, norm and diagonal                      */
} hesse_record_kind;

/** What a record is of. Of a panel: columns first ... first + count - 1 of a piece, of the
 *  part of `blocks` blocks that begins with `block`; of a probe its number, `first`. What
 *  has no meaning is 0. */
typedef struct hesse_record {
    int kind, share, block, blocks, piece, first, count;
} hesse_record;

/** All functions are Local. */
typedef struct hesse_keeper {
    void *context;
    double stretch; /* seconds: the most work on panels that may be lost */

    /** Whether earlier runs have left a record of so many numbers; the same on all ranks
     *  that ask. */
    bool (*has)(void *context, const hesse_record *what, size_t count);

    /** Read such a record. Errors: HESSE_E_OUTPUT. */
    hesse_status (*recall)(void *context, const hesse_record *what, size_t count,
                           double *numbers, hesse_why *why);

    /** Keep a record. It is safe after a stretch, or, of a block, after a second.
     *  Errors: HESSE_E_OUTPUT. */
    hesse_status (*keep)(void *context, const hesse_record *what, size_t count,
                         const double *numbers, hesse_why *why);

    /** Make all safe that was kept. Errors: HESSE_E_OUTPUT. */
    hesse_status (*secure)(void *context, hesse_why *why);

    /** From here to the next call, with false, the program may end at any moment: all is
     *  safe, and what comes takes long and cannot be interrupted. */
    void (*seal)(void *context, bool sealed);

    /** Panels of a part are of no more use. */
    void (*drop)(void *context, int block, int blocks);

    /** Asked between panels. Errors: HESSE_E_STOPPED when somebody wants the run to end;
     *  all is safe then. HESSE_E_OUTPUT. */
    hesse_status (*go_on)(void *context, hesse_why *why);
} hesse_keeper;

#endif /* HESSE_CHECKPOINT_KEEP_H */
