/* The indices of a piece are consecutive. So a panel is a range of columns, or the
   columns of a range of channels, depending on how its piece is computed. This is
   decided once, when panels are made, by the operations of both ways. For every
   parameter, the sweep gives one rectangle that holds all wanted pieces of it. */
#include "curvature/panels.h"

#include "base/memory.h"
#include "curvature/tokens.h"
#include "ops/gemm.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A panel has neighbouring columns of a piece. If the piece is computed by tokens, it
   has all columns of neighbouring output channels. */
typedef struct panel_of_part {
    int piece, first, count; /* first: within the piece              */
    int stride;              /* numbers in a row of the computed panel */
} panel_of_part;

/* The largest sizes that any part needs. */
typedef struct panel_room {
    size_t numbers;    /* of a panel */
    size_t directions; /* of a sample, which moves whole parameters */
    size_t channels;   /* of a panel; 1 if no panel is computed by tokens */
} panel_room;

/* It has many fields since it owns all memory that any panel of any part needs: nothing
   is allocated, and nothing can fail, once panels are computed. */
struct hesse_panels {
    hesse_tape *tape;
    const hesse_params *params;
    const hesse_partition *partition;
    hesse_panel_options request;
    hesse_part part;
    size_t origin; /* index of the part's first coordinate */
    panel_room room;
    hesse_sweep *sweep;
    int planned;       /* piece that the sweep is planned for; -1: none     */
    int *channels;     /* [pieces] of a panel by tokens; 0: by columns */
    bool *moves;       /* [params]                                          */
    hesse_rect *want;  /* [params]                                          */
    hesse_want *wants; /* [pieces] parameters of the part, with hulls of its pieces */
    int n_wants;
    int *place; /* [params] index in `wants` of a parameter of the part */
    hesse_workload *workload;
    hesse_rect
        *follow; /* [pieces] hull of the piece and later pieces of its parameter */

    /* An outline has none of the following. */
    panel_of_part *list;
    int n_list, now; /* panels of the part; the computed one */
    int *unit;       /* directions of a sweep                */
    real *dense;     /* directions of a sample               */
    real **values;   /* [shares] the computed panel          */
    hesse_patch *patches;

    hesse_tokens tokens; /* data for panels by tokens */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* The pieces of the part are a range, because blocks are consecutive. */
static const hesse_piece *first_piece(const hesse_panels *p)
{
    return p->partition->pieces + p->partition->blocks[p->part.block].piece;
}

static const hesse_piece *end_of_pieces(const hesse_panels *p)
{
    const hesse_block *last = &p->partition->blocks[p->part.block + p->part.blocks - 1];
    return p->partition->pieces + last->piece + last->pieces;
}

static int first_of(const hesse_panels *p)
{
    return (int)(first_piece(p) - p->partition->pieces);
}

static int end_of(const hesse_panels *p)
{
    return (int)(end_of_pieces(p) - p->partition->pieces);
}

/* A piece is cut into columns, or into the output channels that have the columns.
   Return their number. */
static int length_of(const hesse_panels *p, int piece)
{
    const hesse_piece *x = &p->partition->pieces[piece];
    return p->channels[piece] ? hesse_tokens_outputs(&p->tokens, x)
                              : (int)hesse_area(x->rect);
}

/* Round a number of columns up to directions that fill vectors of the processor. */
static int padded(int columns)
{
    const int lanes = hesse_gemm_lanes();
    return columns == 1 ? 1 : (columns + lanes - 1) / lanes * lanes;
}

/* A panel may have this many columns more than requested, so that no panel is left with
   only a few. */
static int slack(const hesse_panels *p)
{
    return p->request.panel / 3;
}

static int most_directions(const hesse_panels *p)
{
    return padded(p->request.panel + slack(p));
}

/* Return the number of columns or channels in a panel. All panels of a piece are
   equally wide, and about as wide as requested. */
static int width_of(const hesse_panels *p, int piece)
{
    const int length = length_of(p, piece), panel = p->request.panel;
    if (p->channels[piece]) return p->channels[piece];
    const int panels = (length - slack(p) + panel - 1) / panel;
    return panels < 2 ? length : padded((length + panels - 1) / panels);
}

/* Return how many numbers a row of a panel has. */
static int stride_of(const hesse_panels *p, const panel_of_part *x)
{
    if (!p->channels[x->piece]) return padded(x->count);
    return x->count * hesse_tokens_inputs(&p->tokens, &p->partition->pieces[x->piece]);
}

/* Find the wanted rectangle of each parameter, for the first panel of a part, and for
   each piece. */
static void take_part(hesse_panels *p, hesse_part part)
{
    p->part = part, p->n_wants = 0;
    for (int i = first_of(p); i < end_of(p); i++) {
        const hesse_piece *x = &p->partition->pieces[i];
        p->wants[p->n_wants++] = (hesse_want){x->param, x->rect};
    }
    p->n_wants = hesse_wants_merge(p->wants, p->n_wants);
    for (int i = 0; i < p->n_wants; i++) p->place[p->wants[i].param] = i;
    /* The hull of a parameter contains all of its pieces. The hull of a piece and of
       those after it grows from the last piece on, and `want` keeps it meanwhile. */
    for (int i = first_of(p); i < end_of(p); i++)
        p->want[p->partition->pieces[i].param] = (hesse_rect){0};
    for (int i = end_of(p); i-- > first_of(p);) {
        const hesse_piece *x = &p->partition->pieces[i];
        p->follow[i] = p->want[x->param] = hesse_hull(p->want[x->param], x->rect);
    }
    hesse_workload_want(p->workload, p->wants, p->n_wants);
}

static int want_of(const hesse_panels *p, int piece)
{
    return p->place[p->partition->pieces[piece].param];
}

/* If a parameter comes after the piece's own, all pieces of the part are wanted. In the
   piece's own parameter, the piece and those after it are wanted. The parameter is one
   of the part. */
static hesse_rect wanted_of(const hesse_panels *p, int piece, int param)
{
    const int own = p->partition->pieces[piece].param;
    if (param < own) return (hesse_rect){0};
    return param > own ? p->wants[p->place[param]].rect : p->follow[piece];
}

static void aim_at(hesse_panels *p, int piece)
{
    memset(p->moves, 0, (size_t)p->params->count * sizeof *p->moves);
    memset(p->want, 0, (size_t)p->params->count * sizeof *p->want);
    p->moves[p->partition->pieces[piece].param] = true;
    for (int i = want_of(p, piece); i < p->n_wants; i++)
        p->want[p->wants[i].param] = wanted_of(p, piece, p->wants[i].param);
}

/* Return the work of all columns of a piece, one by one. */
static hesse_work columns_work(const hesse_panels *p, int piece)
{
    const double columns = (double)hesse_area(p->partition->pieces[piece].rect);
    return hesse_work_add(
        (hesse_work){0}, columns,
        hesse_workload_column(p->workload, want_of(p, piece), p->follow[piece]));
}

static hesse_work tokens_work(const hesse_panels *p, int piece)
{
    return hesse_tokens_work(&p->tokens, &p->partition->pieces[piece], p->workload,
                             want_of(p, piece), p->follow[piece]);
}

static size_t rows_of(const hesse_panels *p, int piece)
{
    return hesse_workload_rows(p->workload, want_of(p, piece), p->follow[piece]);
}

static void raise_to(size_t most, size_t *to)
{
    if (*to < most) *to = most;
}

/* Decide how a piece is computed, and reserve room for it. */
static void decide(hesse_panels *p, int piece)
{
    const hesse_piece *x = &p->partition->pieces[piece];
    const double tokens = tokens_work(p, piece).products;
    const bool fewer = tokens < columns_work(p, piece).products;
    const bool chosen = p->request.way == HESSE_WAY_TOKENS ||
                        (p->request.way == HESSE_WAY_AUTO && fewer);
    if (!chosen || isinf(tokens)) return;
    const size_t rows = rows_of(p, piece);
    p->channels[piece] = hesse_tokens_channels(&p->tokens, x, rows);
    hesse_tokens_reserve(&p->tokens, x, p->channels[piece], rows);
    raise_to((size_t)p->channels[piece], &p->room.channels);
    raise_to(rows * (size_t)(p->channels[piece] * hesse_tokens_inputs(&p->tokens, x)),
             &p->room.numbers);
}

static bool is_left_out(const hesse_panels *p, int block)
{
    return p->request.left_out && p->request.left_out[block];
}

/* Decide how all pieces are computed, and find the needs of the largest parts. */
static void measure(hesse_panels *p)
{
    const int parts = p->request.whole ? 1 : p->partition->count;
    p->room.channels = 1;
    for (int b = 0; b < parts; b++) {
        size_t rows = 0, directions = 0;
        if (is_left_out(p, b)) continue;
        take_part(p, (hesse_part){b, p->request.whole ? p->partition->count : 1});
        for (int i = 0; i < p->n_wants; i++) {
            rows += hesse_area(p->wants[i].rect);
            directions += hesse_param_size(&p->params->list[p->wants[i].param]);
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

double hesse_panels_bytes(const hesse_panels *p, bool single)
{
    const size_t pieces = (size_t)p->partition->n_pieces;
    const size_t shares = (size_t)p->request.shares;
    const double numbers =
        (double)(hesse_sweep_bytes(p->tape, most_directions(p), hesse_pace_of_panels) +
                 sizeof(real) *
                     (shares * p->room.numbers + p->room.directions * HESSE_SAMPLE) +
                 hesse_tokens_bytes(&p->tokens));
    return (single ? numbers / sizeof(real) * sizeof(float) : numbers) +
           (double)(hesse_workload_bytes(p->tape) + sizeof *p->list * count_panels(p) +
                    sizeof *p->patches * count_patches(p) +
                    (sizeof *p->follow + sizeof *p->wants + sizeof *p->channels) *
                        pieces);
}

/* Allocate the memory that an outline needs, too. */
static bool allocate_outline(hesse_panels *p)
{
    const size_t params = (size_t)p->params->count;
    p->sweep = hesse_sweep_new(p->tape, most_directions(p), hesse_pace_of_panels);
    p->moves = hesse_calloc(params, sizeof *p->moves);
    p->want = hesse_calloc(params, sizeof *p->want);
    p->wants = hesse_calloc((size_t)p->partition->n_pieces, sizeof *p->wants);
    p->place = hesse_calloc(params, sizeof *p->place);
    p->workload = hesse_workload_new(p->tape, p->request.computed, false);
    p->follow = hesse_calloc((size_t)p->partition->n_pieces, sizeof *p->follow);
    p->channels = hesse_calloc((size_t)p->partition->n_pieces, sizeof *p->channels);
    return p->sweep && p->moves && p->want && p->wants && p->place && p->workload &&
           p->follow && p->channels;
}

static bool allocate(hesse_panels *p)
{
    const size_t shares = (size_t)p->request.shares;
    p->list = hesse_calloc(count_panels(p), sizeof *p->list);
    p->unit = hesse_calloc((size_t)most_directions(p), sizeof *p->unit);
    p->dense = hesse_alloc_real(p->room.directions * HESSE_SAMPLE);
    p->patches = hesse_calloc(count_patches(p), sizeof *p->patches);
    p->values = hesse_calloc(shares, sizeof *p->values);
    bool all = p->list && p->unit && p->dense && p->patches && p->values;
    for (size_t i = 0; all && i < shares; i++)
        all = (p->values[i] = hesse_alloc_real(p->room.numbers));
    for (int i = 0; i < p->params->count; i++) {
        const hesse_param *x = &p->params->list[i];
        p->moves[i] = true;
        p->want[i] = (hesse_rect){0, x->rows, 0, x->cols};
    }
    return all && hesse_tokens_allocate(&p->tokens) &&
           hesse_sweep_plan(p->sweep, p->moves, p->want);
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
    if (p && !request->computed) p->request.computed = request->shares;
    bool there = p && allocate_outline(p);
    if (there)
        p->tokens = (hesse_tokens){.tape = tape,
                                   .sweep = p->sweep,
                                   .panel = request->panel,
                                   .shares = p->request.computed,
                                   .kinds = request->kinds};
    if (there) measure(p);
    if (there && !request->outline) there = allocate(p);
    if (there) {
        *panels = p;
        return HESSE_OK;
    }
    const hesse_status s =
        hesse_fail(why, HESSE_E_NOMEM,
                   "%.0f bytes for panels of %d columns are not there; a narrower "
                   "panel needs less",
                   p && p->channels ? hesse_panels_bytes(p, false) : 0, request->panel);
    hesse_panels_free(p);
    return s;
}

void hesse_panels_free(hesse_panels *p)
{
    if (!p) return;
    hesse_sweep_free(p->sweep);
    for (int i = 0; p->values && i < p->request.shares; i++) free(p->values[i]);
    hesse_tokens_free(&p->tokens);
    free(p->values);
    free(p->patches);
    free(p->dense);
    free(p->unit);
    free(p->channels);
    free(p->follow);
    free(p->wants);
    free(p->place);
    hesse_workload_free(p->workload);
    free(p->want);
    free(p->moves);
    free(p->list);
    free(p);
}

hesse_part hesse_panels_part(const hesse_panels *p)
{
    return p->part;
}

bool hesse_panels_by_tokens(const hesse_panels *p, int piece)
{
    return p->channels[piece] > 0;
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
    p->n_list = 0, p->planned = -1, p->now = -1;
    p->origin = p->partition->blocks[part.block].first;
    take_part(p, part);
    for (int i = first_of(p); !p->request.outline && i < end_of(p); i++) {
        const int length = length_of(p, i), width = width_of(p, i);
        for (int at = 0; at < length; at += width) {
            panel_of_part *x = &p->list[p->n_list++];
            *x = (panel_of_part){i, at, least(width, length - at), 0};
            x->stride = stride_of(p, x);
        }
    }
    return p->n_list;
}

static void plan_sweep(hesse_panels *p)
{
    p->planned = -1;
    const bool there = hesse_sweep_plan(p->sweep, p->moves, p->want);
    assert(there);
    (void)there;
}

static void plan_for(hesse_panels *p, int piece)
{
    if (p->planned == piece) return;
    aim_at(p, piece);
    plan_sweep(p);
    p->planned = piece;
}

/* Return how many numbers one row of all panels of a piece has. */
static double row_numbers(const hesse_panels *p, int piece)
{
    const int length = length_of(p, piece), width = width_of(p, piece);
    const int full = length / width;
    panel_of_part x = {.piece = piece, .count = width};
    const double whole = (double)full * stride_of(p, &x);
    x.count = length % width;
    return whole + (x.count ? stride_of(p, &x) : 0);
}

hesse_work hesse_panels_work(hesse_panels *p, double *numbers)
{
    hesse_work work = {0};
    *numbers = 0;
    for (int i = first_of(p); i < end_of(p); i++) {
        *numbers += (double)rows_of(p, i) * row_numbers(p, i);
        work = hesse_work_add(work, 1,
                              p->channels[i] ? tokens_work(p, i) : columns_work(p, i));
    }
    return work;
}

/* Return unit directions of columns first ... first + count - 1 of a piece. The last
   one is repeated until the vectors are full. */
static hesse_directions directions_of(hesse_panels *p, int piece, int first, int count)
{
    const hesse_piece *from = &p->partition->pieces[piece];
    const hesse_rect r = from->rect;
    const int k = padded(count);
    for (int j = 0; j < k; j++) {
        const int at = first + least(j, count - 1);
        p->unit[j] = (r.row + at / r.cols) * p->params->list[from->param].cols + r.col +
                     at % r.cols;
    }
    return (hesse_directions){.k = k, .unit = p->unit};
}

/* Compute a panel of a piece that is computed column by column. */
static void compute_columns(hesse_panels *p, const panel_of_part *x)
{
    const hesse_directions v = directions_of(p, x->piece, x->first, x->count);
    hesse_sweep_run(p->sweep, &v, 0, p->tape->sequences, p->request.computed,
                    p->request.kinds, p->values);
}

static void copy_scaled(hesse_panels *p, int share);

void hesse_panels_compute(hesse_panels *p, int i)
{
    const panel_of_part *x = &p->list[i];
    plan_for(p, x->piece);
    if (p->channels[x->piece])
        hesse_tokens_compute(&p->tokens, &p->partition->pieces[x->piece], x->first,
                             x->count, p->values);
    else
        compute_columns(p, x);
    p->now = i;
    for (int s = p->request.computed; s < p->request.shares; s++) copy_scaled(p, s);
}

hesse_record hesse_panels_record(const hesse_panels *p, int i, int share)
{
    const panel_of_part *x = &p->list[i];
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
    const panel_of_part *x = &p->list[i];
    plan_for(p, x->piece);
    return hesse_sweep_rows(p->sweep) * (size_t)x->stride;
}

real *hesse_panels_recall(hesse_panels *p, int i, int share)
{
    plan_for(p, p->list[i].piece);
    p->now = i;
    return p->values[share];
}

const real *hesse_panels_values(const hesse_panels *p, int share)
{
    return p->values[share];
}

/* Compute a few columns of the piece at a time, until the faulty ones are found. */
static hesse_fault find_fault(hesse_panels *p, const panel_of_part *x, int share)
{
    const bool tokens = p->channels[x->piece];
    const int all = (int)hesse_area(p->partition->pieces[x->piece].rect);
    const int end = tokens ? all : x->first + x->count;
    hesse_fault fault = {.node = -1};
    for (int at = tokens ? 0 : x->first; fault.node < 0 && at < end;
         at += p->request.panel) {
        const int count = least(p->request.panel, end - at);
        const hesse_directions v = directions_of(p, x->piece, at, count);
        fault =
            hesse_sweep_fault(p->sweep, &v, p->request.kinds[share], p->values[share]);
    }
    return fault;
}

static hesse_status blame(hesse_panels *p, int share, hesse_why *why)
{
    const panel_of_part *x = &p->list[p->now];
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

/* The columns of a panel lie in strips of the matrix, and its rows in bands. If a piece
   of rows is narrower than the wanted rectangle of its parameter, each of its own rows
   is a band. A patch is the intersection of a strip and a band. */

/* Columns of a panel, counted from the first column of their piece. */
typedef struct strip {
    int first, count, apart;
} strip;

/* By tokens, the inputs of a channel are a row of a weight whose operator has its
   outputs in rows, and a column of any other weight. */
static strip strip_of(const hesse_panels *p, const panel_of_part *x, int i)
{
    const hesse_piece *from = &p->partition->pieces[x->piece];
    if (!p->channels[x->piece]) return (strip){x->first, x->count, 1};
    const int inputs = hesse_tokens_inputs(&p->tokens, from), channel = x->first + i;
    if (hesse_tokens_by_rows(&p->tokens, from))
        return (strip){channel * inputs, inputs, 1};
    return (strip){channel, inputs, from->rect.cols};
}

static int strips_of(const hesse_panels *p, const panel_of_part *x)
{
    return p->channels[x->piece] ? x->count : 1;
}

/* List the patches of one piece of rows. Without values, they only have their
   places. */
static int patches_of(const hesse_panels *p, const panel_of_part *x,
                      const hesse_piece *to, const real *values, hesse_patch *patches)
{
    const hesse_rect want = wanted_of(p, x->piece, to->param), r = to->rect;
    const int origin = (int)(p->partition->pieces[x->piece].first - p->origin);
    const int strips = strips_of(p, x), width = strip_of(p, x, 0).count;
    const size_t k = (size_t)x->stride;
    const bool whole = r.cols == want.cols;
    const int bands = whole ? 1 : r.rows, rows = whole ? r.rows * r.cols : r.cols;
    const size_t corner =
        (size_t)(r.row - want.row) * (size_t)want.cols + (size_t)(r.col - want.col);
    const real *at =
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
    const panel_of_part *x = &p->list[i];
    const real *values = i == p->now ? p->values[share] : NULL;
    const hesse_piece *from = &p->partition->pieces[x->piece];
    const hesse_piece *end = end_of_pieces(p);
    int count = 0;
    for (const hesse_piece *to = first_piece(p); to < end; to++)
        if (hesse_piece_follows(to, from))
            count += patches_of(p, x, to, values, p->patches + count);
    *patches = p->patches;
    return count;
}

/* The factors of the coordinates of the part; NULL: the share is not scaled. */
static const double *factors_of(const hesse_panels *p, int share)
{
    const int i = share - p->request.computed;
    return i < 0 ? NULL : p->request.scale[i] + p->origin;
}

/* Make the computed panel of a scaled share from the panel of its base. Only entries in
   patches belong to the matrix, so the others need no factor. Patches are not shared
   between threads, because each thread has its own panels. */
static void copy_scaled(hesse_panels *p, int share)
{
    const panel_of_part *x = &p->list[p->now];
    const hesse_piece *from = &p->partition->pieces[x->piece];
    const double *factors = factors_of(p, share);
    real *values = p->values[share];
    memcpy(values, p->values[share - p->request.computed],
           hesse_panels_size(p, p->now) * sizeof *values);
    for (const hesse_piece *to = first_piece(p); to < end_of_pieces(p); to++) {
        if (!hesse_piece_follows(to, from)) continue;
        const int count = patches_of(p, x, to, values, p->patches);
        for (int i = 0; i < count; i++) {
            const hesse_patch *patch = &p->patches[i];
            real *row = values + (patch->values - values);
            for (int r = 0; r < patch->rows; r++, row += patch->stride)
                for (int c = 0; c < patch->cols; c++)
                    row[c] *= (real)(factors[patch->row + r] *
                                     factors[patch->col + c * patch->apart]);
        }
    }
}

double hesse_panels_largest_factor(const hesse_panels *p, int share)
{
    const double *factors = factors_of(p, share);
    const hesse_block *last = &p->partition->blocks[p->part.block + p->part.blocks - 1];
    const size_t n = last->first + last->size - p->origin;
    double largest = factors ? 0 : 1;
    for (size_t i = 0; factors && i < n; i++) largest = fmax(largest, factors[i]);
    return largest * largest;
}

static void add_to(hesse_sums *to, const hesse_sums *more)
{
    to->trace += more->trace;
    to->squares += more->squares;
    to->abs += more->abs;
    to->abs_diagonal += more->abs_diagonal;
}

/* Return sums over a patch and its mirror image. If both are the same region, the lower
   triangle counts for both. */
static hesse_sums sums_of(const hesse_patch *x, bool own)
{
    hesse_sums s = {0};
    for (int i = 0; i < x->rows; i++) {
        const real *row = x->values + (size_t)i * x->stride;
        const int left =
            x->row + i - x->col; /* columns from the first to the diagonal */
        const int below = left <= 0 ? 0 : (left - 1) / x->apart + 1;
        const int end = own ? least(x->cols, below) : x->cols;
        for (int j = 0; j < end; j++) {
            const double entry = (double)row[j];
            s.squares += 2 * entry * entry;
            s.abs += 2 * fabs(entry);
        }
        const bool diagonal = left >= 0 && left % x->apart == 0 && below < x->cols;
        if (!own || !diagonal) continue;
        const double entry = (double)row[below];
        s.trace += entry;
        s.squares += entry * entry;
        s.abs += fabs(entry);
        s.abs_diagonal += fabs(entry);
    }
    return s;
}

static void add_panel(const hesse_panels *p, int share, hesse_tally *tally)
{
    const panel_of_part *x = &p->list[p->now];
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

hesse_status hesse_panels_tally(hesse_panels *p, int share, hesse_tally *tally,
                                hesse_why *why)
{
    const bool before = isfinite(tally->all.squares);
    add_panel(p, share, tally);
    return before && !isfinite(tally->all.squares) ? blame(p, share, why) : HESSE_OK;
}

/* A few entries of a part are computed by dense directions through the whole tape. All
   parameters that contain one of the entries move. */

/* Return the piece of the part that contains an index. */
static const hesse_piece *piece_at(const hesse_panels *p, size_t index)
{
    const hesse_piece *x = first_piece(p);
    while (x + 1 < end_of_pieces(p) && x[1].first <= p->origin + index) x++;
    return x;
}

/* An element of a parameter. */
typedef struct place {
    int param, row, col;
} place;

static place place_of(const hesse_panels *p, size_t index)
{
    const hesse_piece *x = piece_at(p, index);
    const int at = (int)(p->origin + index - x->first), cols = x->rect.cols;
    return (place){x->param, x->rect.row + at / cols, x->rect.col + at % cols};
}

void hesse_panels_sample(hesse_panels *p, int share, int count, const size_t *index,
                         real *sample)
{
    const size_t k = (size_t)count;
    memset(p->moves, 0, (size_t)p->params->count * sizeof *p->moves);
    memset(p->want, 0, (size_t)p->params->count * sizeof *p->want);
    for (int i = 0; i < count; i++) {
        const int q = piece_at(p, index[i])->param;
        p->moves[q] = true;
        p->want[q] = p->wants[p->place[q]].rect;
    }
    plan_sweep(p);

    memset(p->dense, 0, p->room.directions * HESSE_SAMPLE * sizeof *p->dense);
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
    const double *factors = factors_of(p, share);
    for (int i = 0; factors && i < count; i++)
        for (int j = 0; j < count; j++)
            sample[i * count + j] *= (real)(factors[index[i]] * factors[index[j]]);
}
