/* What the analysis has of earlier runs, and leaves to later ones. A matrix that is to be
   shown is not kept, only its panels; so where matrices are shown nothing else is known. */
#include "curvature/dense_inner.h"

#include <math.h>

/* Solutions of smaller order take about a second at most. */
enum { LONG = 2000 };

/* Seconds of panels that are not worth the writing, whatever the stretch. */
static const double SHORT = 10;

static hesse_record record_of(const hesse_dense *x, int share, int block)
{
    if (block < 0)
        return (hesse_record){
            .kind = HESSE_RECORD_WHOLE, .share = share, .blocks = x->partition->count};
    return (hesse_record){
        .kind = HESSE_RECORD_BLOCK, .share = share, .block = block, .blocks = 1};
}

static int order_of(const hesse_dense *x, int block)
{
    return (int)(block < 0 ? x->partition->size : x->partition->blocks[block].size);
}

static bool known(const hesse_dense *x, int share, int block)
{
    const hesse_record what = record_of(x, share, block);
    return !hesse_shows_matrices(x) &&
           hesse_share_results_known(&x->found[share], x->options->checkpoint, &what,
                                     order_of(x, block), x->options->vectors);
}

static hesse_status recall(hesse_dense *x, int share, int block, hesse_why *why)
{
    const hesse_record what = record_of(x, share, block);
    return hesse_share_results_recall(&x->found[share], x->options->checkpoint, &what,
                                      order_of(x, block), x->options->vectors, why);
}

static hesse_status keep(const hesse_dense *x, int share, int block, hesse_why *why)
{
    const hesse_record what = record_of(x, share, block);
    if (!x->options->checkpoint) return HESSE_OK;
    return hesse_share_results_keep(&x->found[share], x->options->checkpoint, &what,
                                    why);
}

bool hesse_block_known(const hesse_dense *x, int block)
{
    bool all = true;
    for (int s = 0; all && s < hesse_shares_of(x); s++) all = known(x, s, block);
    return all;
}

bool hesse_whole_known(const hesse_dense *x, int share)
{
    return known(x, share, -1);
}

hesse_status hesse_recall_block(hesse_dense *x, int block, hesse_why *why)
{
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < hesse_shares_of(x); s++)
        status = recall(x, s, block, why);
    return status;
}

hesse_status hesse_recall_whole(hesse_dense *x, int share, hesse_why *why)
{
    return recall(x, share, -1, why);
}

hesse_status hesse_keep_block(const hesse_dense *x, const hesse_task *task,
                              hesse_why *why)
{
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < hesse_shares_of(x); s++)
        status = keep(x, s, task->block, why);
    if (!status && hesse_keeps_panels(x, task))
        status = hesse_checkpoint_make_safe(x->options->checkpoint, why);
    return status;
}

hesse_status hesse_keep_whole(const hesse_dense *x, int share, hesse_why *why)
{
    return keep(x, share, -1, why);
}

bool hesse_keeps_panels(const hesse_dense *x, const hesse_task *task)
{
    const hesse_checkpoint *c = x->options->checkpoint;
    return c && (task->assembly > fmin(hesse_checkpoint_stretch(c), SHORT) ||
                 hesse_shows_matrices(x));
}

void hesse_drop_panels(const hesse_dense *x, int block)
{
    if (!hesse_shows_matrices(x))
        hesse_checkpoint_drop_panels(x->options->checkpoint, block, 1);
}

hesse_status hesse_go_on(const hesse_dense *x, hesse_why *why)
{
    return hesse_checkpoint_continue(x->options->checkpoint, why);
}

hesse_status hesse_seal(const hesse_dense *x, int n, hesse_why *why)
{
    if (n <= LONG) return HESSE_OK;
    return hesse_checkpoint_begin_uninterruptible(x->options->checkpoint, why);
}

void hesse_unseal(const hesse_dense *x)
{
    hesse_checkpoint_end_uninterruptible(x->options->checkpoint);
}
