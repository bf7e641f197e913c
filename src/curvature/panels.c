/* Indices of a piece are consecutive, so a panel is a range of columns and a list of
   patches. The sweep gives, of every parameter, one rectangle that holds all wanted
   pieces of it; a piece narrower than that is a patch for each of its rows. */
#include "curvature/panels.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A range of columns within a piece. */
typedef struct panel {
    int piece, first, count; /* first: within the piece */
} panel;

struct hesse_panels {
    const hesse_tape *tape;
    const hesse_params *params;
    const hesse_partition *partition;
    hesse_request request;
    hesse_part part;
    size_t origin;           /* index of the part's first coordinate       */
    size_t rows, directions; /* of the largest panel; of the largest sample */
    hesse_sweep *sweep;
    panel *list;
    int n_list, now;    /* panels of the part; the computed one              */
    int planned;        /* piece that the sweep is planned for; -1: none     */
    bool *moves;        /* [params] */
    hesse_rect *hulls;  /* [params] of the pieces of the part                 */
    hesse_rect *want;   /* [params]                                           */
    hesse_rect *follow; /* [pieces] of it and those after it in its parameter */
    int *unit;
    double *dense;   /* directions of a sample */
    double **values; /* [shares] */
    hesse_patch *patches;
};

static size_t area(hesse_rect r)
{
    return (size_t)r.rows * (size_t)r.cols;
}

static size_t piece_size(const hesse_piece *p)
{
    return area(p->rect);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* The smallest rectangle that holds both; one without rows holds nothing. */
static hesse_rect hull(hesse_rect a, hesse_rect b)
{
    if (!a.rows) return b;
    const int row = least(a.row, b.row), col = least(a.col, b.col);
    const int row_end = -least(-a.row - a.rows, -b.row - b.rows);
    const int col_end = -least(-a.col - a.cols, -b.col - b.cols);
    return (hesse_rect){row, row_end - row, col, col_end - col};
}

/* The pieces of the part: a range, for blocks are consecutive. */
static int first_of(const hesse_panels *p)
{
    return p->partition->blocks[p->part.block].piece;
}

static int end_of(const hesse_panels *p)
{
    const hesse_block *last = &p->partition->blocks[p->part.block + p->part.blocks - 1];
    return last->piece + last->pieces;
}

static const hesse_piece *first_piece(const hesse_panels *p)
{
    return p->partition->pieces + first_of(p);
}

static const hesse_piece *end_of_pieces(const hesse_panels *p)
{
    return p->partition->pieces + end_of(p);
}

/* What is wanted of each parameter by the first panel of the part, and by each piece. */
static void outline(hesse_panels *p)
{
    memset(p->hulls, 0, (size_t)p->params->count * sizeof *p->hulls);
    for (int i = end_of(p); i-- > first_of(p);) {
        const hesse_piece *x = &p->partition->pieces[i];
        p->follow[i] = p->hulls[x->param] = hull(p->hulls[x->param], x->rect);
    }
}

/* Rows of the largest panel; and of the directions of the largest sample, which moves
   whole parameters. */
static void measure(hesse_panels *p)
{
    const int parts = p->request.whole ? 1 : p->partition->count;
    p->rows = p->directions = 0;
    for (int b = 0; b < parts; b++) {
        size_t rows = 0, directions = 0;
        p->part = (hesse_part){b, p->request.whole ? p->partition->count : 1};
        const hesse_piece *first = first_piece(p), *end = end_of_pieces(p);
        memset(p->hulls, 0, (size_t)p->params->count * sizeof *p->hulls);
        for (const hesse_piece *x = first; x < end; x++) {
            const size_t before = area(p->hulls[x->param]);
            p->hulls[x->param] = hull(p->hulls[x->param], x->rect);
            rows += area(p->hulls[x->param]) - before;
            if (!before) directions += hesse_param_size(&p->params->list[x->param]);
        }
        p->rows = rows > p->rows ? rows : p->rows;
        p->directions = directions > p->directions ? directions : p->directions;
    }
}

static size_t count_patches(const hesse_panels *p)
{
    size_t count = 0;
    for (int i = 0; i < p->partition->n_pieces; i++)
        count += (size_t)p->partition->pieces[i].rect.rows;
    return count;
}

static size_t count_panels(const hesse_panels *p)
{
    size_t count = 0;
    for (int i = 0; i < p->partition->n_pieces; i++)
        count += piece_size(&p->partition->pieces[i]) / (size_t)p->request.panel + 1;
    return count;
}

size_t hesse_panels_numbers(const hesse_panels *p)
{
    return p->rows * (size_t)p->request.panel;
}

size_t hesse_panels_bytes(const hesse_panels *p)
{
    return hesse_sweep_bytes(p->tape, p->request.panel) +
           sizeof(double) * ((size_t)p->request.shares * hesse_panels_numbers(p) +
                             p->directions * HESSE_SAMPLE) +
           sizeof *p->list * count_panels(p) + sizeof *p->patches * count_patches(p) +
           sizeof *p->follow * (size_t)p->partition->n_pieces;
}

/* Memory of which an outline has enough. */
static bool allocate_outline(hesse_panels *p)
{
    const size_t params = (size_t)p->params->count;
    p->sweep = hesse_sweep_new(p->tape, p->request.panel);
    p->moves = hesse_calloc(params, sizeof *p->moves);
    p->want = hesse_calloc(params, sizeof *p->want);
    p->hulls = hesse_calloc(params, sizeof *p->hulls);
    p->follow = hesse_calloc((size_t)p->partition->n_pieces, sizeof *p->follow);
    return p->sweep && p->moves && p->want && p->hulls && p->follow;
}

static bool allocate(hesse_panels *p)
{
    p->list = hesse_calloc(count_panels(p), sizeof *p->list);
    p->unit = hesse_calloc((size_t)p->request.panel, sizeof *p->unit);
    p->dense = hesse_alloc(p->directions * HESSE_SAMPLE);
    p->patches = hesse_calloc(count_patches(p), sizeof *p->patches);
    p->values = hesse_calloc((size_t)p->request.shares, sizeof *p->values);
    bool all = p->list && p->unit && p->dense && p->patches && p->values;
    for (int i = 0; all && i < p->request.shares; i++)
        all = (p->values[i] = hesse_alloc(hesse_panels_numbers(p)));
    for (int i = 0; i < p->params->count; i++) {
        const hesse_param *x = &p->params->list[i];
        p->moves[i] = true;
        p->want[i] = (hesse_rect){0, x->rows, 0, x->cols};
    }
    return all && hesse_sweep_plan(p->sweep, p->moves, p->want);
}

hesse_status hesse_panels_new(const hesse_tape *tape, const hesse_params *params,
                              const hesse_partition *partition,
                              const hesse_request *request, hesse_panels **panels,
                              hesse_why *why)
{
    hesse_panels *p = hesse_calloc(1, sizeof *p);
    if (p)
        *p = (hesse_panels){.tape = tape,
                            .params = params,
                            .partition = partition,
                            .request = *request,
                            .planned = -1};
    bool there = p && allocate_outline(p);
    if (there) measure(p);
    if (there && !request->outline) there = allocate(p);
    if (there) {
        *panels = p;
        return HESSE_OK;
    }
    const hesse_status s = hesse_fail(
        why, HESSE_E_NOMEM,
        "%zu bytes for panels of %d columns are not there; a smaller hessian.panel "
        "needs less",
        p && p->follow ? hesse_panels_bytes(p) : 0, request->panel);
    hesse_panels_free(p);
    return s;
}

void hesse_panels_free(hesse_panels *p)
{
    if (!p) return;
    hesse_sweep_free(p->sweep);
    for (int i = 0; p->values && i < p->request.shares; i++) free(p->values[i]);
    free(p->values);
    free(p->patches);
    free(p->dense);
    free(p->unit);
    free(p->follow);
    free(p->hulls);
    free(p->want);
    free(p->moves);
    free(p->list);
    free(p);
}

hesse_part hesse_panels_part(const hesse_panels *p)
{
    return p->part;
}

bool hesse_panels_one_piece(const hesse_panels *p)
{
    return end_of_pieces(p) - first_piece(p) == 1;
}

int hesse_panels_width(const hesse_panels *p)
{
    return p->request.panel;
}

int hesse_panels_shares(const hesse_panels *p)
{
    return p->request.shares;
}

int hesse_panels_begin(hesse_panels *p, hesse_part part)
{
    p->part = part, p->n_list = 0, p->planned = -1;
    p->origin = p->partition->blocks[part.block].first;
    outline(p);
    for (int i = first_of(p); !p->request.outline && i < end_of(p); i++) {
        const int size = (int)piece_size(&p->partition->pieces[i]);
        for (int at = 0; at < size; at += p->request.panel)
            p->list[p->n_list++] = (panel){i, at, least(p->request.panel, size - at)};
    }
    return p->n_list;
}

/* Memory was made sure of for the largest plan there is. */
static void plan(hesse_panels *p)
{
    if (p->request.outline) {
        hesse_sweep_mark(p->sweep, p->moves, p->want);
        return;
    }
    const bool there = hesse_sweep_plan(p->sweep, p->moves, p->want);
    assert(there);
    (void)there;
}

/* Of parameters that come after the piece's own, all pieces of the part; of its own, it
   and those after it. */
static void plan_for(hesse_panels *p, int piece)
{
    const int own = p->partition->pieces[piece].param;
    if (p->planned == piece) return;
    for (int i = 0; i < p->params->count; i++) {
        p->moves[i] = i == own;
        p->want[i] = i < own   ? (hesse_rect){0}
                     : i > own ? p->hulls[i]
                               : p->follow[piece];
    }
    plan(p);
    p->planned = piece;
}

hesse_work hesse_panels_work(hesse_panels *p)
{
    hesse_work work = {0};
    for (int i = first_of(p); i < end_of(p); i++) {
        plan_for(p, i);
        const double columns = (double)piece_size(&p->partition->pieces[i]);
        const hesse_work one = hesse_sweep_work(p->sweep, p->request.shares);
        work.products += columns * one.products;
        work.elements += columns * one.elements;
    }
    return work;
}

/* An element of a parameter. */
typedef struct place {
    int param, row, col;
} place;

/* Where coordinate i of a piece lies. */
static place place_in(const hesse_piece *x, size_t i)
{
    const int cols = x->rect.cols, at = (int)i;
    return (place){x->param, x->rect.row + at / cols, x->rect.col + at % cols};
}

void hesse_panels_compute(hesse_panels *p, int i)
{
    const panel *x = &p->list[i];
    const hesse_piece *from = &p->partition->pieces[x->piece];
    plan_for(p, x->piece);
    for (int j = 0; j < x->count; j++) {
        const place at = place_in(from, (size_t)(x->first + j));
        p->unit[j] = at.row * p->params->list[at.param].cols + at.col;
    }
    const hesse_directions v = {.k = x->count, .param = from->param, .unit = p->unit};
    hesse_sweep_run(p->sweep, &v, 0, p->tape->sequences, p->request.shares,
                    p->request.kinds, p->values);
    p->now = i;
}

/* The patches of one piece of rows. */
static int patches_of(const hesse_panels *p, const panel *x, const hesse_piece *to,
                      const double *values, hesse_patch *patches)
{
    const hesse_piece *from = &p->partition->pieces[x->piece];
    const hesse_rect want = p->want[to->param], r = to->rect;
    const size_t k = (size_t)x->count;
    const bool whole = r.cols == want.cols;
    const int count = whole ? 1 : r.rows, rows = whole ? r.rows * r.cols : r.cols;
    const double *at =
        values + hesse_sweep_row_of(p->sweep, to->param) * k +
        ((size_t)(r.row - want.row) * (size_t)want.cols + (size_t)(r.col - want.col)) *
            k;
    for (int i = 0; i < count; i++)
        patches[i] = (hesse_patch){.row = (int)(to->first - p->origin) + i * rows,
                                   .rows = rows,
                                   .col = (int)(from->first - p->origin) + x->first,
                                   .cols = x->count,
                                   .stride = k,
                                   .values = at + (size_t)i * (size_t)want.cols * k};
    return count;
}

int hesse_panels_patches(const hesse_panels *p, int share, const hesse_patch **patches)
{
    const panel *x = &p->list[p->now];
    const hesse_piece *from = &p->partition->pieces[x->piece];
    int count = 0;
    for (const hesse_piece *to = first_piece(p); to < end_of_pieces(p); to++)
        if (hesse_piece_follows(to, from))
            count += patches_of(p, x, to, p->values[share], p->patches + count);
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
        const int diagonal = x->row + i - x->col;
        const int end = !own ? x->cols : least(x->cols, diagonal < 0 ? 0 : diagonal);
        for (int j = 0; j < end; j++) {
            s.squares += 2 * row[j] * row[j];
            s.abs += 2 * fabs(row[j]);
        }
        if (!own || diagonal < 0 || diagonal >= x->cols) continue;
        s.trace += row[diagonal];
        s.squares += row[diagonal] * row[diagonal];
        s.abs += fabs(row[diagonal]);
        s.abs_diagonal += fabs(row[diagonal]);
    }
    return s;
}

void hesse_panels_tally(const hesse_panels *p, int share, hesse_tally *tally)
{
    const panel *x = &p->list[p->now];
    const hesse_piece *from = &p->partition->pieces[x->piece];
    const size_t blocks = (size_t)p->part.blocks;
    const size_t b = (size_t)(from->block - p->part.block);
    for (const hesse_piece *to = first_piece(p); to < end_of_pieces(p); to++) {
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

/* The piece of the part in which an index lies. */
static const hesse_piece *piece_at(const hesse_panels *p, size_t index)
{
    const hesse_piece *x = first_piece(p);
    while (x + 1 < end_of_pieces(p) && x[1].first <= p->origin + index) x++;
    return x;
}

static place place_of(const hesse_panels *p, size_t index)
{
    const hesse_piece *x = piece_at(p, index);
    return place_in(x, p->origin + index - x->first);
}

void hesse_panels_sample(hesse_panels *p, int share, int count, const size_t *index,
                         double *sample)
{
    const size_t k = (size_t)count;
    memset(p->moves, 0, (size_t)p->params->count * sizeof *p->moves);
    memset(p->want, 0, (size_t)p->params->count * sizeof *p->want);
    for (int i = 0; i < count; i++) {
        const int q = piece_at(p, index[i])->param;
        p->moves[q] = true;
        p->want[q] = p->hulls[q];
    }
    plan(p);
    p->planned = -1;

    memset(p->dense, 0, p->directions * HESSE_SAMPLE * sizeof *p->dense);
    for (int i = 0; i < count; i++) {
        const place at = place_of(p, index[i]);
        const size_t row = hesse_sweep_direction_of(p->sweep, at.param) +
                           (size_t)at.row * (size_t)p->params->list[at.param].cols +
                           (size_t)at.col;
        p->dense[row * k + (size_t)i] = 1;
    }
    const hesse_directions v = {.k = count, .v = p->dense};
    hesse_sweep_run(p->sweep, &v, 0, p->tape->sequences, 1, &p->request.kinds[share],
                    p->values);
    for (int i = 0; i < count; i++) {
        const place at = place_of(p, index[i]);
        const hesse_rect want = p->want[at.param];
        const size_t row = hesse_sweep_row_of(p->sweep, at.param) +
                           (size_t)(at.row - want.row) * (size_t)want.cols +
                           (size_t)(at.col - want.col);
        memcpy(sample + i * count, p->values[0] + row * k, k * sizeof *sample);
    }
}
