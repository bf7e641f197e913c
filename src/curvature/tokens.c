/* With y = x W, column (i, o) of H is a sum over the tokens t. Each term is x[t][i]
   times the result of a unit tangent of y[t][o] in all later operators. A sequence has
   few tokens where W has many inputs, so the tokens' tangents are swept, sequence by
   sequence, and one product with x gives the columns of all inputs.  docs/math.md,
   section 4.

   A sweep takes a window of tokens and all channels of the panel. It leaves out
   everything that the window cannot reach: the narrower the window, the more is left
   out. */
#include "curvature/tokens.h"

#include "base/memory.h"
#include "ops/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 8 };     /* tokens of a sweep */
enum { NEAR_ROWS = 64 }; /* rows of a panel that stay in the cache for a product */

/* A panel takes at most WIDER times the numbers of a panel by columns, but no more than
   LARGEST. It may always take ALWAYS numbers. */
enum { WIDER = 32, LARGEST = 1 << 26, ALWAYS = 1 << 22 };

enum { X, W };

static int least(int a, int b)
{
    return a < b ? a : b;
}

bool hesse_tokens_by_rows(const hesse_tokens *t, const hesse_piece *x)
{
    return hesse_tape_reader(t->tape, x->param)->d.out_rows;
}

int hesse_tokens_outputs(const hesse_tokens *t, const hesse_piece *x)
{
    return hesse_tokens_by_rows(t, x) ? x->rect.rows : x->rect.cols;
}

int hesse_tokens_inputs(const hesse_tokens *t, const hesse_piece *x)
{
    return hesse_tokens_by_rows(t, x) ? x->rect.cols : x->rect.rows;
}

static int tokens_of(const hesse_tokens *t, const hesse_piece *x)
{
    return hesse_tape_reader(t->tape, x->param)->d.t;
}

static int window_of(const hesse_tokens *t, int tokens)
{
    return least(least(WINDOW, tokens), t->panel);
}

int hesse_tokens_channels(const hesse_tokens *t, const hesse_piece *x, size_t rows)
{
    const int tokens = tokens_of(t, x);
    const size_t each = rows * (size_t)(hesse_tokens_inputs(t, x) + tokens);
    const size_t wider = rows * (size_t)t->panel * WIDER;
    const size_t bounded = wider < LARGEST ? wider : LARGEST;
    const size_t most = (bounded > ALWAYS ? bounded : ALWAYS) / each;
    const int channels =
        least(hesse_tokens_outputs(t, x), t->panel / window_of(t, tokens));
    return most < (size_t)channels ? (int)most : channels;
}

/* Return the operator that has the piece in its weight, if it is linear and nothing
   else reads the weight. Otherwise return NULL. Return NULL also if sequences interact,
   because tokens are swept sequence by sequence. */
static const hesse_node *operator_of(const hesse_tokens *t, const hesse_piece *x)
{
    const hesse_node *n = hesse_tape_reader(t->tape, x->param);
    if (!n || n->op->kind != HESSE_LINEAR || t->tape->coupled) return NULL;
    return t->tape->values[n->in[W]].param == x->param ? n : NULL;
}

/* The windows of a sequence cost on average as much as the one in the middle. Tokens
   are not possible if something is wanted that lies before the operator: W moves that
   not only by way of y, but also by x' yb. */
hesse_work hesse_tokens_work(const hesse_tokens *t, const hesse_piece *x,
                             hesse_workload *w, int want, hesse_rect rect)
{
    const size_t rows = hesse_workload_rows(w, want, rect);
    if (!operator_of(t, x) || hesse_workload_wants_before(w, want) ||
        !hesse_tokens_channels(t, x, rows))
        return (hesse_work){.products = INFINITY};
    const int tokens = tokens_of(t, x), shares = t->shares;
    const int window = window_of(t, tokens), middle = (tokens - window) / 2;
    hesse_work one = hesse_workload_output(w, want, rect, middle, window);
    one.products += 2.0 * shares * (double)rows * hesse_tokens_inputs(t, x);
    const double outputs =
        (double)tokens * t->tape->sequences * hesse_tokens_outputs(t, x);
    return hesse_work_add((hesse_work){0}, outputs, one);
}

void hesse_tokens_reserve(hesse_tokens *t, const hesse_piece *x, int channels,
                          size_t rows)
{
    const size_t near = (size_t)channels * (size_t)tokens_of(t, x), raw = rows * near;
    if (t->near_size < near) t->near_size = near;
    if (t->raw_size < raw) t->raw_size = raw;
}

size_t hesse_tokens_bytes(const hesse_tokens *t)
{
    return sizeof(real) * ((size_t)t->shares * t->raw_size + NEAR_ROWS * t->near_size);
}

bool hesse_tokens_allocate(hesse_tokens *t)
{
    const size_t shares = (size_t)t->shares;
    if (!t->raw_size) return true;
    t->near = hesse_alloc_real(NEAR_ROWS * t->near_size);
    t->window = hesse_calloc(shares, sizeof *t->window);
    t->raw = hesse_calloc(shares, sizeof *t->raw);
    t->unit = hesse_calloc((size_t)t->panel, sizeof *t->unit);
    bool all = t->near && t->window && t->raw && t->unit;
    for (size_t i = 0; all && i < shares; i++)
        all = (t->raw[i] = hesse_alloc_real(t->raw_size));
    return all;
}

void hesse_tokens_free(hesse_tokens *t)
{
    for (int i = 0; t->raw && i < t->shares; i++) free(t->raw[i]);
    free(t->raw);
    free(t->window);
    free(t->near);
    free(t->unit);
}

/* A panel that is computed, and the inputs x of its piece. The inputs of a token of the
   batch begin at x + token * width. */
typedef struct job {
    const hesse_tokens *t;
    int channels, output, outputs; /* of the panel; its first; of the operator */
    const real *x; /* of the sequences that the tape holds, if it computes them */
    bool computed; /* the tape computes x; false: x is an input of all sequences */
    size_t width;
    int inputs, rows, tokens;
} job;

static job job_of(const hesse_tokens *t, const hesse_piece *of, int first, int channels)
{
    const hesse_node *n = operator_of(t, of);
    const hesse_value *in = &t->tape->values[n->in[X]];
    const int corner[] = {of->rect.row, of->rect.col};
    return (job){.t = t,
                 .channels = channels,
                 .output = first + corner[!n->d.out_rows],
                 .outputs = n->d.o,
                 .x = in->x + corner[n->d.out_rows],
                 .computed = in->own != NULL,
                 .width = (size_t)in->width,
                 .inputs = hesse_tokens_inputs(t, of),
                 .rows = (int)hesse_sweep_rows(t->sweep),
                 .tokens = n->d.t};
}

/* Return the index at which a window begins in `raw`. */
static size_t window_at(const job *j, int token)
{
    return (size_t)j->rows * (size_t)j->channels * (size_t)token;
}

/* Sweep the unit tangents of a window. The results are rows x channels x its tokens,
   for every share. */
static void sweep(const job *j, int sequence, int first, int count)
{
    const hesse_tokens *t = j->t;
    const hesse_directions v = {.k = j->channels * count, .output = t->unit};
    for (int i = 0; i < v.k; i++)
        t->unit[i] = (first + i % count) * j->outputs + j->output + i / count;
    for (int s = 0; s < t->shares; s++) t->window[s] = t->raw[s] + window_at(j, first);
    hesse_sweep_run(t->sweep, &v, sequence, 1, t->shares, t->kinds, t->window);
}

/* Collect some rows of all windows: rows x channels x tokens. */
static void collect(const job *j, int row, int rows, const real *raw, real *near)
{
    const int tokens = j->tokens, most = window_of(j->t, tokens);
    for (int first = 0, count; first < tokens; first += count) {
        count = least(most, tokens - first);
        const real *from =
            raw + window_at(j, first) + (size_t)row * (size_t)(j->channels * count);
        for (int i = 0; i < rows * j->channels; i++)
            memcpy(near + (size_t)(i * tokens + first), from + (size_t)(i * count),
                   (size_t)count * sizeof *near);
    }
}

/* values[r][channel][i] += sum over the tokens of near[r][channel][token] x[token][i].
   The first sequence sets the values. */
static void contract(const job *j, int sequence, int rows, const real *near,
                     real *values)
{
    const int tokens = j->tokens;
    const size_t inputs = (size_t)j->inputs, columns = (size_t)j->channels * inputs;
    const int held = sequence - (j->computed ? j->t->tape->first : 0);
    const real *x = j->x + (size_t)(held * tokens) * j->width;
    for (int c = 0; c < j->channels; c++)
        hesse_gemm(
            sequence ? HESSE_ADD : HESSE_SET, rows, inputs, tokens, 1,
            (hesse_strided){near + c * tokens, (size_t)(j->channels * tokens), 1}, x,
            j->width, values + (size_t)c * inputs, columns);
}

void hesse_tokens_compute(hesse_tokens *t, const hesse_piece *x, int first,
                          int channels, real *const *values)
{
    const job j = job_of(t, x, first, channels);
    const int tokens = j.tokens, most = window_of(t, tokens);
    for (int b = 0; b < t->tape->sequences; b++) {
        for (int at = 0; at < tokens; at += most)
            sweep(&j, b, at, least(most, tokens - at));
        for (int s = 0; s < t->shares; s++)
            for (int row = 0; row < j.rows; row += NEAR_ROWS) {
                const int rows = least(NEAR_ROWS, j.rows - row);
                collect(&j, row, rows, t->raw[s], t->near);
                contract(&j, b, rows, t->near,
                         values[s] + (size_t)row * (size_t)(j.channels * j.inputs));
            }
    }
}
