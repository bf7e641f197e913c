/** Panels: a few columns of a principal part of the Hessian, computed by one rank.
 *
 *  The columns of a panel lie in one piece of the partition; its rows are those of that
 *  piece and of the pieces that follow it in the order of parameters, within the part:
 *  one triangle, and both of the piece itself.  docs/math.md, section 4. */
#ifndef HESSE_CURVATURE_PANELS_H
#define HESSE_CURVATURE_PANELS_H

#include "checkpoint/record.h"
#include "hesse/spectrum.h"
#include "network/partition.h"
#include "network/sweep.h"
#include "network/workload.h"
#include "parallel/put.h"

/** How the columns of a piece are computed: one sweep for each; or, of the weight of a
 *  linear operator, one sweep for each token and output channel, which give the columns
 *  of all inputs. Auto takes what needs fewer operations; columns where tokens do not
 *  apply. docs/math.md, section 4. */
typedef enum hesse_way {
    HESSE_WAY_AUTO,
    HESSE_WAY_COLUMNS,
    HESSE_WAY_TOKENS
} hesse_way;

/** What is asked of the Hessian: how wide panels are, and the shares. */
typedef struct hesse_panel_options {
    int panel; /* directions of a sweep                         */
    hesse_way way;
    int shares;               /* matrices computed side by side                */
    const hesse_kinds *kinds; /* of every share                                */
    bool whole;               /* parts may be of many blocks; false: of one     */
    const bool *left_out;     /* blocks that will be no part; NULL: none        */
    bool outline;             /* nothing is to be computed: panels take no memory
                                 and only tell their work                      */
} hesse_panel_options;

/** A principal part: consecutive blocks of the partition. */
typedef struct hesse_part {
    int block, blocks;
} hesse_part;

typedef struct hesse_panels hesse_panels;

/** Local. Panels of a tape that has been run; all arguments are borrowed.
 *  Errors: HESSE_E_NOMEM, with the bytes: all memory that any panel needs is there. */
hesse_status hesse_panels_new(hesse_tape *tape, const hesse_params *params,
                              const hesse_partition *partition,
                              const hesse_panel_options *request, hesse_panels **panels,
                              hesse_why *why);
void hesse_panels_free(hesse_panels *p);

/** Local. Bytes that such panels take, or would take if they were no outline. */
size_t hesse_panels_bytes(const hesse_panels *p);

/** Local. Numbers in the largest panel of one share. */
size_t hesse_panels_numbers(const hesse_panels *p);

/** Local. The part to work on from now on. Returns its panels' number. */
int hesse_panels_begin(hesse_panels *p, hesse_part part);

/** Local. Whether a piece of the partition is computed by tokens. */
bool hesse_panels_by_tokens(const hesse_panels *p, int piece);

/** Local. What panels were made for: the part begun last, whether it is one piece,
 *  directions of a sweep, and shares. */
hesse_part hesse_panels_part(const hesse_panels *p);
bool hesse_panels_one_piece(const hesse_panels *p);
int hesse_panels_width(const hesse_panels *p);
int hesse_panels_shares(const hesse_panels *p);

/** Local. The work of all panels of the part, and the numbers in them, of one share. */
hesse_work hesse_panels_work(hesse_panels *p, double *numbers);

/** Local. Compute panel i of the part, of every share. */
void hesse_panels_compute(hesse_panels *p, int i);

/** Local. What a panel of the part is called in the records of a share, and how many
 *  numbers it has. Where numbers of an earlier run go: the panel counts as computed
 * then. */
hesse_record hesse_panels_record(const hesse_panels *p, int i, int share);
size_t hesse_panels_size(hesse_panels *p, int i);
double *hesse_panels_recall(hesse_panels *p, int i, int share);

/** Local. The computed panel of a share. */
const double *hesse_panels_values(const hesse_panels *p, int share);

/** Local. Panel i of the part, of a share, as patches, whose rows and columns count
 * from the first index of the part. They have values if that panel was computed last.
 * Valid until the next call for these panels. Returns their number. */
int hesse_panels_patches(const hesse_panels *p, int i, int share,
                         const hesse_patch **patches);

/** What is summed up while panels pass. */
typedef struct hesse_tally {
    hesse_sums *blocks; /* one a block of the partition                              */
    double *coupling;   /* blocks x blocks of the part: sums of squares; NULL: none  */
    hesse_sums all;     /* of the part                                               */
} hesse_tally;

/** Local. Add the computed panel of a share to a tally, and look whether its sums are
 * finite still. Errors: HESSE_E_NUMERIC naming the block, the operator and the sequence
 * from which the first number comes that is not. */
hesse_status hesse_panels_tally(hesse_panels *p, int share, hesse_tally *tally,
                                hesse_why *why);

enum { HESSE_SAMPLE = 8 };

/** Local. Entries of a few sampled rows and columns of the part, by dense directions
 *  through the whole tape: another way than that of the panels.
 *
 *  index   [in]   `count` indices of the part, ascending; count <= panel, HESSE_SAMPLE.
 *  sample  [out]  count x count: entry (i, j) is H[index[i], index[j]]. */
void hesse_panels_sample(hesse_panels *p, int share, int count, const size_t *index,
                         double *sample);

#endif /* HESSE_CURVATURE_PANELS_H */
