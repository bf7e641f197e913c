/** Panels: a few columns of a principal part of the Hessian, computed by one rank.
 *
 *  The columns of a panel lie in one piece of the partition. Its rows lie in that piece
 *  and in the pieces that follow it in the order of parameters, within the part. So
 *  panels hold one triangle of the part, and both triangles of each piece.
 *  docs/math.md, section 4. */
#ifndef HESSE_CURVATURE_PANELS_H
#define HESSE_CURVATURE_PANELS_H

#include "checkpoint/record.h"
#include "hesse/spectrum.h"
#include "network/partition.h"
#include "network/sweep.h"
#include "network/workload.h"
#include "parallel/put.h"

/** The ways to compute the columns of a piece. HESSE_WAY_COLUMNS takes one sweep for
 * each column. HESSE_WAY_TOKENS is for the weight of a linear operator: it takes one
 * sweep for each token and output channel, which gives the columns of all inputs.
 * HESSE_WAY_AUTO takes the way that needs fewer operations, and columns if tokens do
 * not apply. docs/math.md, section 4. */
typedef enum hesse_way {
    HESSE_WAY_AUTO,
    HESSE_WAY_COLUMNS,
    HESSE_WAY_TOKENS
} hesse_way;

/** The requested shares of the Hessian, and the width and kind of panels. */
typedef struct hesse_panel_options {
    int panel; /* directions of a sweep                         */
    hesse_way way;
    int shares;               /* matrices computed side by side                */
    const hesse_kinds *kinds; /* of every share                                */
    /* The first `computed` shares come from sweeps (0: all). Share computed + i is a
       scaled copy of share i: entry (j, k) times scale[i][j] scale[i][k]. The factors
       have the order of the partition; an outline does not read them. */
    int computed;
    const double *const *scale;
    bool whole;           /* parts may have many blocks; false: they have one */
    const bool *left_out; /* blocks that are never a part; NULL: none */
    bool outline; /* panels are not computed: they take no memory and only tell their
                     work */
} hesse_panel_options;

/** A principal part: consecutive blocks of the partition. */
typedef struct hesse_part {
    int block, blocks;
} hesse_part;

typedef struct hesse_panels hesse_panels;

/** Local. Make panels of a tape that has been run. All arguments are borrowed.
 *  Errors: HESSE_E_NOMEM, with the bytes. Later, panels need no more memory. */
hesse_status hesse_panels_new(hesse_tape *tape, const hesse_params *params,
                              const hesse_partition *partition,
                              const hesse_panel_options *request, hesse_panels **panels,
                              hesse_why *why);
void hesse_panels_free(hesse_panels *p);

/** Local. Return the bytes of such panels, or of panels in single precision. For an
 * outline, these are the bytes that real panels would take. */
double hesse_panels_bytes(const hesse_panels *p, bool single);

/** Local. Return how many numbers the largest panel of one share has. */
size_t hesse_panels_numbers(const hesse_panels *p);

/** Local. Begin a part: later calls are for its panels. Returns the number of its
 * panels. */
int hesse_panels_begin(hesse_panels *p, hesse_part part);

/** Local. Return true if a piece of the partition is computed by tokens. */
bool hesse_panels_by_tokens(const hesse_panels *p, int piece);

/** Local. Return a property of panels: the part begun last, if it is one piece, the
 * directions of a sweep, or the number of shares. */
hesse_part hesse_panels_part(const hesse_panels *p);
bool hesse_panels_one_piece(const hesse_panels *p);
int hesse_panels_width(const hesse_panels *p);
int hesse_panels_shares(const hesse_panels *p);

/** Local. Return the largest factor by which an entry of the part is multiplied in a
 * share: 1 if the share is not scaled. */
double hesse_panels_largest_factor(const hesse_panels *p, int share);

/** Local. Return the work of all panels of the part. `numbers` is how many numbers they
 * have, for one share. */
hesse_work hesse_panels_work(hesse_panels *p, double *numbers);

/** Local. Compute panel i of the part, of every share. */
void hesse_panels_compute(hesse_panels *p, int i);

/** Local. Return the name and the size of a panel of the part in the records of a
 * share. Or return the place for numbers of an earlier run: then the panel counts as
 * computed. */
hesse_record hesse_panels_record(const hesse_panels *p, int i, int share);
size_t hesse_panels_size(hesse_panels *p, int i);
real *hesse_panels_recall(hesse_panels *p, int i, int share);

/** Local. Return the computed panel of a share. */
const real *hesse_panels_values(const hesse_panels *p, int share);

/** Local. List panel i of the part, of a share, as patches, whose rows and columns
 * count from the first index of the part. They have values if that panel was computed
 * last. They are valid until the next call for these panels. Returns their number. */
int hesse_panels_patches(const hesse_panels *p, int i, int share,
                         const hesse_patch **patches);

/** Sums that grow while panels are computed. */
typedef struct hesse_tally {
    hesse_sums *blocks; /* one for each block of the partition */
    double *coupling;   /* blocks x blocks of the part: sums of squares; NULL: none  */
    hesse_sums all;     /* of the part                                               */
} hesse_tally;

/** Local. Add the computed panel of a share to a tally, and check that its sums are
 * still finite. Errors: HESSE_E_NUMERIC, naming the block, and the operator and the
 * sequence that give the first number that is not finite. */
hesse_status hesse_panels_tally(hesse_panels *p, int share, hesse_tally *tally,
                                hesse_why *why);

enum { HESSE_SAMPLE = 8 };

/** Local. Compute entries of a few sampled rows and columns of the part, by dense
 * directions through the whole tape. This is another way than the one of the panels.
 *
 *  index   [in]   `count` indices of the part, ascending; count <= panel, HESSE_SAMPLE.
 *  sample  [out]  count x count: entry (i, j) is H[index[i], index[j]]. */
void hesse_panels_sample(hesse_panels *p, int share, int count, const size_t *index,
                         real *sample);

#endif /* HESSE_CURVATURE_PANELS_H */
