/* Indices of a piece are consecutive, so a panel is a range of columns, or the columns of
   a range of channels, whichever way its piece is done; that is decided once, when panels
   are made, by the operations of both. The sweep gives, of every parameter, one rectangle
   that holds all wanted pieces of it. */
#include "curvature/panels_inner.h"

#include "base/memory.h"
#include "ops/gemm.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int first_of(const hesse_panels *p)
{
    return (int)(hesse_first_piece(p) - p->partition->pieces);
}

static int end_of(const hesse_panels *p)
{
    return (int)(hesse_end_of_pieces(p) - p->partition->pieces);
}

/* What a piece is cut into: columns, or the output channels that have them. */
static int length_of(const hesse_panels *p, int piece)
{
    const hesse_piece *x = &p->partition->pieces[piece];
    return p->channels[piece] ? hesse_tokens_outputs(p, x) : (int)hesse_area(x->rect);
}

/* So many columns as directions that fill vectors. */
static int padded(int columns)
{
    const int lanes = hesse_gemm_lanes();
    return columns == 1 ? 1 : (columns + lanes - 1) / lanes * lanes;
}

/* What a panel may have beyond those asked for, rather than leave a few for another one. */
static int slack(const hesse_panels *p)
{
    return p->request.panel / 3;
}

static int most_directions(const hesse_panels *p)
{
    return padded(p->request.panel + slack(p));
}

/* And how many of them are a panel: all the same, and about as many as were asked for. */
static int width_of(const hesse_panels *p, int piece)
{
    const int length = length_of(p, piece), panel = p->request.panel;
    if (p->channels[piece]) return p->channels[piece];
    const int panels = (length - slack(p) + panel - 1) / panel;
    return panels < 2 ? length : padded((length + panels - 1) / panels);
}

/* Numbers of a row of a panel. */
static int stride_of(const hesse_panels *p, const hesse_panel *x)
{
    if (!p->channels[x->piece]) return padded(x->count);
    return x->count * hesse_tokens_inputs(p, &p->partition->pieces[x->piece]);
}

/* What is wanted of each parameter by the first panel of the part, and by each piece. */
static void outline(hesse_panels *p)
{
    memset(p->hulls, 0, (size_t)p->params->count * sizeof *p->hulls);
    for (int i = end_of(p); i-- > first_of(p);) {
        const hesse_piece *x = &p->partition->pieces[i];
        p->follow[i] = p->hulls[x->param] = hesse_hull(p->hulls[x->param], x->rect);
    }
}

/* Of parameters that come after the piece's own, all pieces of the part; of its own, it
   and those after it. */
hesse_rect hesse_panels_want(const hesse_panels *p, int piece, int param)
{
    const int own = p->partition->pieces[piece].param;
    if (param < own) return (hesse_rect){0};
    return param > own ? p->hulls[param] : p->follow[piece];
}

static void aim_at(hesse_panels *p, int piece)
{
    for (int i = 0; i < p->params->count; i++) {
        p->moves[i] = i == p->partition->pieces[piece].param;
        p->want[i] = hesse_panels_want(p, piece, i);
    }
}

/* Of all columns of the piece that is aimed at, one by one. */
static hesse_work columns_work(const hesse_panels *p, int piece)
{
    const double columns = (double)hesse_area(p->partition->pieces[piece].rect);
    return hesse_work_add((hesse_work){0}, columns,
                          hesse_sweep_work(p->sweep, p->request.shares, false));
}

static void raise_to(size_t most, size_t *room)
{
    if (*room < most) *room = most;
}

/* How a piece is done, and room for it. */
static void decide(hesse_panels *p, int piece)
{
    const hesse_piece *x = &p->partition->pieces[piece];
    aim_at(p, piece);
    hesse_sweep_mark(p->sweep, p->moves, p->want);
    const double tokens = hesse_tokens_work(p, x).products;
    const bool fewer = tokens < columns_work(p, piece).products;
    const bool chosen = p->request.way == HESSE_WAY_TOKENS ||
                        (p->request.way == HESSE_WAY_AUTO && fewer);
    if (!chosen || isinf(tokens)) return;
    const size_t rows = hesse_sweep_rows(p->sweep);
    p->channels[piece] = hesse_tokens_channels(p, x, rows);
    const size_t near = (size_t)(p->channels[piece] * hesse_tokens_number(p, x));
    raise_to((size_t)p->channels[piece], &p->room.channels);
    raise_to(near, &p->room.near);
    raise_to(rows * near, &p->room.raw);
    raise_to(rows * (size_t)(p->channels[piece] * hesse_tokens_inputs(p, x)),
             &p->room.numbers);
}

static bool is_left_out(const hesse_panels *p, int block)
{
    return p->request.left_out && p->request.left_out[block];
}

/* How pieces are done, and what the largest parts need. */
static void measure(hesse_panels *p)
{
    const int parts = p->request.whole ? 1 : p->partition->count;
    p->room.channels = 1;
    for (int b = 0; b < parts; b++) {
        size_t rows = 0, directions = 0;
        if (is_left_out(p, b)) continue;
        p->part = (hesse_part){b, p->request.whole ? p->partition->count : 1};
        outline(p);
        for (int i = 0; i < p->params->count; i++) {
            rows += hesse_area(p->hulls[i]);
            if (p->hulls[i].rows) directions += hesse_param_size(&p->params->list[i]);
        }
        raise_to(rows * (size_t)most_directions(p), &p->room.numbers);
        raise_to(directions, &p->room.directions);
        for (int i = first_of(p); i < end_of(p); i++) decide(p, i);
    }
}

static size_t count_patches(const hesse_panels *p)
{
    size_t count = 0;
    for (int i = 0; i < p->partition->n_pieces; i++)
        if (!is_left_out(p, p->partition->pieces[i].block))
            count += (size_t)p->partition->pieces[i].rect.rows;
    return count * p->room.channels;
}

static size_t count_panels(const hesse_panels *p)
{
    size_t count = 0;
    for (int i = 0; i < p->partition->n_pieces; i++)
        if (!is_left_out(p, p->partition->pieces[i].block))
            count += (size_t)(length_of(p, i) / width_of(p, i)) + 1;
    return count;
}

size_t hesse_panels_numbers(const hesse_panels *p)
{
    return p->room.numbers;
}

size_t hesse_panels_bytes(const hesse_panels *p)
{
    const size_t pieces = (size_t)p->partition->n_pieces;
    const size_t shares = (size_t)p->request.shares;
    return hesse_sweep_bytes(p->tape, most_directions(p), hesse_pace_of_panels) +
           sizeof(double) *
               (shares * (p->room.numbers + p->room.raw) +
                HESSE_NEAR_ROWS * p->room.near + p->room.directions * HESSE_SAMPLE) +
           sizeof *p->list * count_panels(p) + sizeof *p->patches * count_patches(p) +
           (sizeof *p->follow + sizeof *p->channels) * pieces;
}

/* Memory of which an outline has enough. */
static bool allocate_outline(hesse_panels *p)
{
    const size_t params = (size_t)p->params->count;
    p->sweep = hesse_sweep_new(p->tape, most_directions(p), hesse_pace_of_panels);
    p->moves = hesse_calloc(params, sizeof *p->moves);
    p->want = hesse_calloc(params, sizeof *p->want);
    p->hulls = hesse_calloc(params, sizeof *p->hulls);
    p->follow = hesse_calloc((size_t)p->partition->n_pieces, sizeof *p->follow);
    p->channels = hesse_calloc((size_t)p->partition->n_pieces, sizeof *p->channels);
    return p->sweep && p->moves && p->want && p->hulls && p->follow && p->channels;
}

/* Memory that panels by tokens take beside the others. */
static bool allocate_tokens(hesse_panels *p)
{
    const size_t shares = (size_t)p->request.shares;
    if (!p->room.raw) return true;
    p->near = hesse_alloc(HESSE_NEAR_ROWS * p->room.near);
    p->window = hesse_calloc(shares, sizeof *p->window);
    p->raw = hesse_calloc(shares, sizeof *p->raw);
    bool all = p->near && p->window && p->raw;
    for (size_t i = 0; all && i < shares; i++)
        all = (p->raw[i] = hesse_alloc(p->room.raw));
    return all;
}

static bool allocate(hesse_panels *p)
{
    const size_t shares = (size_t)p->request.shares;
    p->list = hesse_calloc(count_panels(p), sizeof *p->list);
    p->unit = hesse_calloc((size_t)most_directions(p), sizeof *p->unit);
    p->dense = hesse_alloc(p->room.directions * HESSE_SAMPLE);
    p->patches = hesse_calloc(count_patches(p), sizeof *p->patches);
    p->values = hesse_calloc(shares, sizeof *p->values);
    bool all = p->list && p->unit && p->dense && p->patches && p->values;
    for (size_t i = 0; all && i < shares; i++)
        all = (p->values[i] = hesse_alloc(p->room.numbers));
    for (int i = 0; i < p->params->count; i++) {
        const hesse_param *x = &p->params->list[i];
        p->moves[i] = true;
        p->want[i] = (hesse_rect){0, x->rows, 0, x->cols};
    }
    return all && allocate_tokens(p) && hesse_sweep_plan(p->sweep, p->moves, p->want);
}

hesse_status hesse_panels_new(hesse_tape *tape, const hesse_params *params,
                              const hesse_partition *partition,
                              const hesse_panel_options *request, hesse_panels **panels,
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
        p && p->channels ? hesse_panels_bytes(p) : 0, request->panel);
    hesse_panels_free(p);
    return s;
}

void hesse_panels_free(hesse_panels *p)
{
    if (!p) return;
    hesse_sweep_free(p->sweep);
    for (int i = 0; p->values && i < p->request.shares; i++) free(p->values[i]);
    for (int i = 0; p->raw && i < p->request.shares; i++) free(p->raw[i]);
    free(p->raw);
    free(p->window);
    free(p->near);
    free(p->values);
    free(p->patches);
    free(p->dense);
    free(p->unit);
    free(p->channels);
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
    return end_of(p) - first_of(p) == 1;
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
    p->part = part, p->n_list = 0, p->planned = -1, p->now = -1;
    p->origin = p->partition->blocks[part.block].first;
    outline(p);
    for (int i = first_of(p); !p->request.outline && i < end_of(p); i++) {
        const int length = length_of(p, i), width = width_of(p, i);
        for (int at = 0; at < length; at += width) {
            hesse_panel *x = &p->list[p->n_list++];
            *x = (hesse_panel){i, at, hesse_least(width, length - at), 0};
            x->stride = stride_of(p, x);
        }
    }
    return p->n_list;
}

void hesse_panels_plan(hesse_panels *p)
{
    p->planned = -1;
    if (p->request.outline) {
        hesse_sweep_mark(p->sweep, p->moves, p->want);
        return;
    }
    const bool there = hesse_sweep_plan(p->sweep, p->moves, p->want);
    assert(there);
    (void)there;
}

static void plan_for(hesse_panels *p, int piece)
{
    if (p->planned == piece) return;
    aim_at(p, piece);
    hesse_panels_plan(p);
    p->planned = piece;
}

hesse_work hesse_panels_work(hesse_panels *p)
{
    hesse_work work = {0};
    for (int i = first_of(p); i < end_of(p); i++) {
        plan_for(p, i);
        work = hesse_work_add(work, 1,
                              p->channels[i]
                                  ? hesse_tokens_work(p, &p->partition->pieces[i])
                                  : columns_work(p, i));
    }
    return work;
}

/* Unit directions of columns first ... first + count - 1 of a piece; the last again fills
   the vectors. */
static hesse_directions directions_of(hesse_panels *p, int piece, int first, int count)
{
    const hesse_piece *from = &p->partition->pieces[piece];
    const hesse_rect r = from->rect;
    const int k = padded(count);
    for (int j = 0; j < k; j++) {
        const int at = first + hesse_least(j, count - 1);
        p->unit[j] = (r.row + at / r.cols) * p->params->list[from->param].cols + r.col +
                     at % r.cols;
    }
    return (hesse_directions){.k = k, .unit = p->unit};
}

/* A panel of a piece that is done column by column. */
static void compute_columns(hesse_panels *p, const hesse_panel *x)
{
    const hesse_directions v = directions_of(p, x->piece, x->first, x->count);
    hesse_sweep_run(p->sweep, &v, 0, p->tape->sequences, p->request.shares,
                    p->request.kinds, p->values);
}

void hesse_panels_compute(hesse_panels *p, int i)
{
    const hesse_panel *x = &p->list[i];
    plan_for(p, x->piece);
    if (p->channels[x->piece])
        hesse_tokens_compute(p, x);
    else
        compute_columns(p, x);
    p->now = i;
}

hesse_record hesse_panels_record(const hesse_panels *p, int i, int share)
{
    const hesse_panel *x = &p->list[i];
    return (hesse_record){.kind = HESSE_RECORD_PANEL,
                          .share = share,
                          .block = p->part.block,
                          .blocks = p->part.blocks,
                          .piece = x->piece,
                          .first = x->first,
                          .count = x->count};
}

size_t hesse_panels_size(hesse_panels *p, int i)
{
    const hesse_panel *x = &p->list[i];
    plan_for(p, x->piece);
    return hesse_sweep_rows(p->sweep) * (size_t)x->stride;
}

double *hesse_panels_recall(hesse_panels *p, int i, int share)
{
    plan_for(p, p->list[i].piece);
    p->now = i;
    return p->values[share];
}

const double *hesse_panels_values(const hesse_panels *p, int share)
{
    return p->values[share];
}

/* Columns of the piece, a few at a time, until the faulty ones are found. */
static hesse_fault find_fault(hesse_panels *p, const hesse_panel *x, int share)
{
    const bool tokens = p->channels[x->piece];
    const int all = (int)hesse_area(p->partition->pieces[x->piece].rect);
    const int end = tokens ? all : x->first + x->count;
    hesse_fault fault = {.node = -1};
    for (int at = tokens ? 0 : x->first; fault.node < 0 && at < end;
         at += p->request.panel) {
        const int count = hesse_least(p->request.panel, end - at);
        const hesse_directions v = directions_of(p, x->piece, at, count);
        fault =
            hesse_sweep_fault(p->sweep, &v, p->request.kinds[share], p->values[share]);
    }
    return fault;
}

hesse_status hesse_panels_blame(hesse_panels *p, int share, hesse_why *why)
{
    const hesse_panel *x = &p->list[p->now];
    const size_t size = hesse_panels_size(p, p->now);
    char where[128];
    if (hesse_first_fault(p->values[share], size) == size) return HESSE_OK;
    const hesse_fault fault = find_fault(p, x, share);
    const char *block = p->partition->blocks[p->partition->pieces[x->piece].block].name;
    if (fault.node < 0)
        return hesse_fail(
            why, HESSE_E_NUMERIC,
            "%s: a column of the Hessian is not finite, though what every "
            "sequence gives is",
            block);
    return hesse_fail(why, HESSE_E_NUMERIC,
                      "%s: a column of the Hessian is not finite: %s, gives the first "
                      "%s that is not",
                      block, hesse_fault_text(p->tape, &fault, where, sizeof where),
                      fault.what);
}
