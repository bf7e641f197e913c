/* The columns of a panel lie in strips of the matrix, its rows in bands: a piece of rows
   that is narrower than what the sweep gives of its parameter is a band for each of its
   own rows. A patch is where a strip meets a band. */
#include "curvature/panels_inner.h"

#include <math.h>

/* Columns of a panel, counted from the first of their piece. */
typedef struct strip {
    int first, count, apart;
} strip;

/* By tokens, the inputs of a channel are a row of a weight that stores its outputs as
   rows, and a column of any other. */
static strip strip_of(const hesse_panels *p, const hesse_panel *x, int i)
{
    const hesse_piece *from = &p->partition->pieces[x->piece];
    if (!p->channels[x->piece]) return (strip){x->first, x->count, 1};
    const int inputs = hesse_tokens_inputs(p, from), channel = x->first + i;
    if (p->params->list[from->param].out_rows)
        return (strip){channel * inputs, inputs, 1};
    return (strip){channel, inputs, from->rect.cols};
}

static int strips_of(const hesse_panels *p, const hesse_panel *x)
{
    return p->channels[x->piece] ? x->count : 1;
}

/* The patches of one piece of rows; without values, only where they go. */
static int patches_of(const hesse_panels *p, const hesse_panel *x,
                      const hesse_piece *to, const double *values, hesse_patch *patches)
{
    const hesse_rect want = hesse_panels_want(p, x->piece, to->param), r = to->rect;
    const int origin = (int)(p->partition->pieces[x->piece].first - p->origin);
    const int strips = strips_of(p, x), width = strip_of(p, x, 0).count;
    const size_t k = (size_t)x->stride;
    const bool whole = r.cols == want.cols;
    const int bands = whole ? 1 : r.rows, rows = whole ? r.rows * r.cols : r.cols;
    const size_t corner =
        (size_t)(r.row - want.row) * (size_t)want.cols + (size_t)(r.col - want.col);
    const double *at =
        values ? values + (hesse_sweep_row_of(p->sweep, to->param) + corner) * k : NULL;
    for (int i = 0; i < bands; i++)
        for (int j = 0; j < strips; j++) {
            const strip s = strip_of(p, x, j);
            const size_t row = (size_t)i * (size_t)want.cols;
            *patches++ =
                (hesse_patch){.row = (int)(to->first - p->origin) + i * rows,
                              .rows = rows,
                              .col = origin + s.first,
                              .cols = s.count,
                              .apart = s.apart,
                              .lower = x->piece == to - p->partition->pieces,
                              .stride = k,
                              .values = at ? at + row * k + (size_t)(j * width) : NULL};
        }
    return bands * strips;
}

int hesse_panels_patches(const hesse_panels *p, int i, int share,
                         const hesse_patch **patches)
{
    const hesse_panel *x = &p->list[i];
    const double *values = i == p->now ? p->values[share] : NULL;
    const hesse_piece *from = &p->partition->pieces[x->piece];
    const hesse_piece *end = hesse_end_of_pieces(p);
    int count = 0;
    for (const hesse_piece *to = hesse_first_piece(p); to < end; to++)
        if (hesse_piece_follows(to, from))
            count += patches_of(p, x, to, values, p->patches + count);
    *patches = p->patches;
    return count;
}

static void add_to(hesse_sums *to, const hesse_sums *more)
{
    to->trace += more->trace;
    to->squares += more->squares;
    to->abs += more->abs;
    to->abs_diagonal += more->abs_diagonal;
}

/* Sums over a patch and its mirror image; where they are one and the same region, the
   lower triangle counts for both. */
static hesse_sums sums_of(const hesse_patch *x, bool own)
{
    hesse_sums s = {0};
    for (int i = 0; i < x->rows; i++) {
        const double *row = x->values + (size_t)i * x->stride;
        const int left =
            x->row + i - x->col; /* columns from the first to the diagonal */
        const int below = left <= 0 ? 0 : (left - 1) / x->apart + 1;
        const int end = own ? hesse_least(x->cols, below) : x->cols;
        for (int j = 0; j < end; j++) {
            s.squares += 2 * row[j] * row[j];
            s.abs += 2 * fabs(row[j]);
        }
        const bool diagonal = left >= 0 && left % x->apart == 0 && below < x->cols;
        if (!own || !diagonal) continue;
        s.trace += row[below];
        s.squares += row[below] * row[below];
        s.abs += fabs(row[below]);
        s.abs_diagonal += fabs(row[below]);
    }
    return s;
}

static void add_panel(const hesse_panels *p, int share, hesse_tally *tally)
{
    const hesse_panel *x = &p->list[p->now];
    const hesse_piece *from = &p->partition->pieces[x->piece];
    const size_t blocks = (size_t)p->part.blocks;
    const size_t b = (size_t)(from->block - p->part.block);
    for (const hesse_piece *to = hesse_first_piece(p); to < hesse_end_of_pieces(p);
         to++) {
        if (!hesse_piece_follows(to, from)) continue;
        const int count = patches_of(p, x, to, p->values[share], p->patches);
        const size_t a = (size_t)(to->block - p->part.block);
        for (int i = 0; i < count; i++) {
            const hesse_sums s = sums_of(&p->patches[i], to == from);
            add_to(&tally->all, &s);
            if (a == b) add_to(&tally->blocks[from->block], &s);
            if (!tally->coupling) continue;
            tally->coupling[a * blocks + b] += a == b ? s.squares : s.squares / 2;
            if (a != b) tally->coupling[b * blocks + a] += s.squares / 2;
        }
    }
}

hesse_status hesse_panels_tally(hesse_panels *p, int share, hesse_tally *tally,
                                hesse_why *why)
{
    const bool before = isfinite(tally->all.squares);
    add_panel(p, share, tally);
    return before && !isfinite(tally->all.squares) ? hesse_panels_blame(p, share, why)
                                                   : HESSE_OK;
}
