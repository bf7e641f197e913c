/* Every product is one hesse_gemm for a row (or a strip of rows) of pairs of one head
   of one sequence, so the causal triangle costs half of the square. */
#include "ops/pairs.h"

#include "ops/gemm.h"
#include "ops/loops.h"

enum { STRIP = 6 };   /* rows of a causal triangle that a strip takes at once */
enum { SQUARE = 24 }; /* tokens that go together, for one tangent */

/* One head of one sequence. */
typedef struct place {
    int t, k;      /* tokens, tangents                                       */
    int first;     /* first token of the sequence, in the frame */
    int head, all; /* query head, query heads                                */
    bool full;
} place;

static int shared(const place *p, int heads)
{
    return p->head / (p->all / heads);
}

/* Return the number of tokens that token i attends to: tokens 0 ... seen - 1. */
static int seen(const place *p, int i)
{
    return p->full ? p->t : i + 1;
}

/* Return the first token that attends to token j. */
static int first_seer(const place *p, int j)
{
    return p->full ? 0 : j;
}

/* Primal rows of a head: token i of the sequence starts at at[i * step]. */
typedef struct rows {
    const real *at;
    size_t step;
    int e;
} rows;

static rows rows_of(const place *p, hesse_rows b)
{
    const size_t step = (size_t)b.heads * (size_t)b.e;
    const real *at = b.at + (size_t)p->first * step + shared(p, b.heads) * b.e;
    return (rows){at, step, b.e};
}

/* Return the place of a head's tangents: token i starts at + i * step; there are e
   channels of k tangents. */
static size_t tangents_at(const place *p, int heads, int e, size_t *step)
{
    *step = hesse_stride(heads * e, p->k);
    return (size_t)p->first * *step + (size_t)(shared(p, heads) * e) * (size_t)p->k;
}

/* Return the place of a head's pairs, which are rows of t channels. */
static size_t pairs_at(const place *p, size_t *step)
{
    return tangents_at(p, p->all, p->t, step);
}

/* Visit every head of every sequence. */
typedef struct visit {
    int sequence, head;
} visit;

static bool next(const hesse_frame *f, visit *v, place *p)
{
    if (v->sequence == f->d.n / f->d.t) return false;
    *p = (place){f->d.t, f->k, v->sequence * f->d.t, v->head, f->d.h, f->d.full};
    if (++v->head == f->d.h) v->head = 0, v->sequence++;
    return true;
}

/* Return the rows of a head for an array with one tangent. */
static rows single(const place *p, int heads, int e, const real *z)
{
    size_t step;
    const real *at = z + tangents_at(p, heads, e, &step);
    return (rows){at, step, e};
}

static hesse_strided matrix_of(rows r, int first)
{
    return (hesse_strided){r.at + (size_t)first * r.step, r.step, 1};
}

/* For one tangent: s[i, j] += a q[i] . k[j]. These are products of matrices: for some
   tokens j together, the rows below them, and a square of which causal attention sees
   the lower triangle. */
static void dot_pairs(const place *p, real a, rows q, rows k, real *s, size_t step)
{
    for (int j = 0, m; j < p->t; j += m) {
        m = p->full ? p->t : p->t - j < SQUARE ? p->t - j : SQUARE;
        const hesse_strided keys = hesse_transposed(matrix_of(k, j));
        const int below = p->full ? 0 : j + m;
        hesse_gemm_plain(HESSE_ADD, p->t - below, m, q.e, a, matrix_of(q, below), keys,
                         s + (size_t)below * step + j, step);
        if (p->full) break;
        real square[SQUARE * SQUARE];
        hesse_gemm_plain(HESSE_SET, m, m, q.e, a, matrix_of(q, j), keys, square,
                         SQUARE);
        for (int r = 0; r < m; r++)
            for (int i = 0; i <= r; i++)
                s[(size_t)(j + r) * step + (size_t)(j + i)] += square[r * SQUARE + i];
    }
}

/* For one tangent: z[i] += a sum over j of s[i, j] b[j]; or, if back, z[j] += a sum
   over i of s[i, j] b[i]. For some tokens of z together, these are the pairs with all
   tokens before (back: after) them, and a square with its upper triangle set to 0. */
static void weigh_rows(const place *p, real a, const real *s, size_t step, rows b,
                       bool back, real *z, size_t z_step)
{
    for (int i = 0, m; i < p->t; i += m) {
        m = p->full ? p->t : p->t - i < SQUARE ? p->t - i : SQUARE;
        const int first = back && !p->full ? i + m : 0,
                  end = back || p->full ? p->t : i;
        hesse_strided pairs = {
            s + (size_t)(back ? first : i) * step + (back ? i : first), step, 1};
        if (back) pairs = hesse_transposed(pairs);
        real *to = z + (size_t)i * z_step;
        hesse_gemm_plain(HESSE_ADD, m, b.e, end - first, a, pairs, matrix_of(b, first),
                         to, z_step);
        if (p->full) break;
        real square[SQUARE * SQUARE] = {0};
        for (int r = 0; r < m; r++)
            memcpy(square + r * SQUARE, s + (size_t)(i + r) * step + i,
                   (size_t)(r + 1) * sizeof *square);
        const hesse_strided triangle = {square, SQUARE, 1};
        hesse_gemm_plain(HESSE_ADD, m, b.e, m, a,
                         back ? hesse_transposed(triangle) : triangle, matrix_of(b, i),
                         to, z_step);
    }
}

/* With one tangent a result is set by adding to zeros. */
static void begin(hesse_into *into, const hesse_frame *f, int width, real *result)
{
    if (f->k > 1 || *into == HESSE_ADD) return;
    zero((size_t)f->d.n * hesse_stride(width, 1), result);
    *into = HESSE_ADD;
}

void hesse_pairs_clear_unseen(const hesse_frame *f, real *s)
{
    place p;
    for (visit v = {0}; next(f, &v, &p);) {
        size_t step;
        real *at = s + pairs_at(&p, &step);
        for (int i = 0; i < p.t; i++, at += step) {
            const int all = seen(&p, i);
            zero((size_t)(p.t - all) * (size_t)p.k, at + (size_t)all * (size_t)p.k);
        }
    }
}

void hesse_pairs_from_queries(hesse_into into, const hesse_frame *f, real a,
                              const real *z, hesse_rows b, real *s)
{
    place p;
    begin(&into, f, f->d.h * f->d.t, s);
    for (visit v = {0}; next(f, &v, &p);) {
        size_t zs, ss;
        const real *zp = z + tangents_at(&p, p.all, b.e, &zs);
        real *sp = s + pairs_at(&p, &ss);
        const rows r = rows_of(&p, b);
        if (p.k == 1) dot_pairs(&p, a, single(&p, p.all, b.e, z), r, sp, ss);
        for (int i = 0; p.k > 1 && i < p.t; i++)
            hesse_gemm(into, seen(&p, i), (size_t)p.k, r.e, a,
                       (hesse_strided){r.at, r.step, 1}, zp + (size_t)i * zs,
                       (size_t)p.k, sp + (size_t)i * ss, (size_t)p.k);
    }
}

void hesse_pairs_from_keys(hesse_into into, const hesse_frame *f, real a, hesse_rows b,
                           const real *z, int heads, real *s)
{
    place p;
    begin(&into, f, f->d.h * f->d.t, s);
    for (visit v = {0}; next(f, &v, &p);) {
        size_t zs, ss;
        const real *zp = z + tangents_at(&p, heads, b.e, &zs);
        real *sp = s + pairs_at(&p, &ss);
        const rows r = rows_of(&p, b);
        if (p.k == 1) dot_pairs(&p, a, r, single(&p, heads, b.e, z), sp, ss);
        for (int j = 0; p.k > 1 && j < p.t; j++) {
            const size_t i = (size_t)first_seer(&p, j);
            hesse_gemm(into, p.t - (int)i, (size_t)p.k, r.e, a,
                       (hesse_strided){r.at + i * r.step, r.step, 1},
                       zp + (size_t)j * zs, (size_t)p.k,
                       sp + i * ss + (size_t)j * (size_t)p.k, ss);
        }
    }
}

void hesse_pairs_to_queries(hesse_into into, const hesse_frame *f, real a,
                            const real *s, hesse_rows b, real *z)
{
    place p;
    begin(&into, f, f->d.h * b.e, z);
    for (visit v = {0}; next(f, &v, &p);) {
        size_t zs, ss;
        real *zp = z + tangents_at(&p, p.all, b.e, &zs);
        const real *sp = s + pairs_at(&p, &ss);
        const rows r = rows_of(&p, b);
        if (p.k == 1) weigh_rows(&p, a, sp, ss, r, false, zp, zs);
        for (int i = 0; p.k > 1 && i < p.t; i++)
            hesse_gemm(into, r.e, (size_t)p.k, seen(&p, i), a,
                       (hesse_strided){r.at, 1, r.step}, sp + (size_t)i * ss,
                       (size_t)p.k, zp + (size_t)i * zs, (size_t)p.k);
    }
}

void hesse_pairs_to_keys(const hesse_frame *f, real a, const real *s, hesse_rows b,
                         real *z, int heads)
{
    place p;
    for (visit v = {0}; next(f, &v, &p);) {
        size_t zs, ss;
        real *zp = z + tangents_at(&p, heads, b.e, &zs);
        const real *sp = s + pairs_at(&p, &ss);
        const rows r = rows_of(&p, b);
        if (p.k == 1) weigh_rows(&p, a, sp, ss, r, true, zp, zs);
        for (int j = 0; p.k > 1 && j < p.t; j++) {
            const size_t i = (size_t)first_seer(&p, j);
            hesse_gemm(HESSE_ADD, r.e, (size_t)p.k, p.t - (int)i, a,
                       (hesse_strided){r.at + i * r.step, 1, r.step},
                       sp + i * ss + (size_t)j * (size_t)p.k, ss, zp + (size_t)j * zs,
                       (size_t)p.k);
        }
    }
}

void hesse_pairs_mix(hesse_into into, const hesse_frame *f, real a, const real *p,
                     const real *y, int heads, int e, real *z)
{
    place at;
    begin(&into, f, f->d.h * e, z);
    const size_t row = (size_t)f->d.h * (size_t)f->d.t,
                 width = (size_t)e * (size_t)f->k;
    for (visit v = {0}; next(f, &v, &at);) {
        size_t ys, zs;
        const real *yp = y + tangents_at(&at, heads, e, &ys);
        real *zp = z + tangents_at(&at, at.all, e, &zs);
        const real *weights = p + (size_t)at.first * row + at.head * at.t;
        if (at.k == 1) {
            weigh_rows(&at, a, weights, row, (rows){yp, ys, e}, false, zp, zs);
            continue;
        }
        for (int i = 0; i < at.t; i += STRIP) {
            const int strip = at.t - i < STRIP ? at.t - i : STRIP, all = seen(&at, i);
            const hesse_strided w = {weights + (size_t)i * row, row, 1};
            real *to = zp + (size_t)i * zs;
            hesse_gemm(into, strip, width, all, a, w, yp, ys, to, zs);
            for (int r = 1; !at.full && r < strip; r++) { /* the triangle beside it */
                const hesse_strided rest = {w.at + (size_t)r * row + all, row, 1};
                hesse_gemm(HESSE_ADD, 1, width, r, a, rest, yp + (size_t)all * ys, ys,
                           to + (size_t)r * zs, zs);
            }
        }
    }
}

void hesse_pairs_mix_back(const hesse_frame *f, real a, const real *p, const real *y,
                          real *z, int heads, int e)
{
    place at;
    const size_t row = (size_t)f->d.h * (size_t)f->d.t,
                 width = (size_t)e * (size_t)f->k;
    for (visit v = {0}; next(f, &v, &at);) {
        size_t ys, zs;
        const real *yp = y + tangents_at(&at, at.all, e, &ys);
        real *zp = z + tangents_at(&at, heads, e, &zs);
        const real *weights = p + (size_t)at.first * row + at.head * at.t;
        if (at.k == 1) {
            weigh_rows(&at, a, weights, row, (rows){yp, ys, e}, true, zp, zs);
            continue;
        }
        for (int j = 0; j < at.t; j += STRIP) {
            const int strip = at.t - j < STRIP ? at.t - j : STRIP;
            const size_t i = (size_t)first_seer(&at, j + strip - 1);
            const hesse_strided w = {weights + i * row + j, 1, row};
            real *to = zp + (size_t)j * zs;
            hesse_gemm(HESSE_ADD, strip, width, at.t - (int)i, a, w, yp + i * ys, ys,
                       to, zs);
            for (int r = 0; !at.full && r < strip - 1;
                 r++) { /* the triangle above it */
                const hesse_strided rest = {weights + (size_t)(j + r) * (row + 1), 1,
                                            row};
                hesse_gemm(HESSE_ADD, 1, width, strip - 1 - r, a, rest,
                           yp + (size_t)(j + r) * ys, ys, to + (size_t)r * zs, zs);
            }
        }
    }
}

double hesse_pairs_work(const hesse_dims *d, const hesse_use *use)
{
    const double one = (d->full ? 2.0 : 1.0) * d->n * d->t * d->c;
    const int moves = use->moves[0] + use->moves[1];
    return one * (moves + use->shares * (moves + use->wanted[0] + use->wanted[1]));
}
