/* A change u of the vector W_K q / t of a query changes the score of token j by u' x_j.
   So the mean mu of the attended tokens has the derivatives d mu = C u and d^2 mu =
   T[u, u'], the cumulants of softmax, and u is bilinear in query and key. Every term
   of the functional part is a product: a vector on one index of each of the two
   matrices, and a small matrix on the two other indices.
   Source: Ormaniec, Dangel & Singh, arXiv:2410.10986; docs/math.md, section 17. */
#include "theory/attention_blocks.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const hesse_attention_matrix Q = HESSE_ATTENTION_QUERY, K = HESSE_ATTENTION_KEY,
                                    V = HESSE_ATTENTION_VALUE,
                                    O = HESSE_ATTENTION_OUTPUT;

void dgemm_(const char *transa, const char *transb, const int *m, const int *n,
            const int *k, const double *alpha, const double *a, const int *lda,
            const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc, size_t, size_t);
void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *beta,
            double *c, const int *ldc, size_t, size_t);

/* The matrices of a head, by rows, and what they give for one token. */
typedef struct head {
    double *query, *key; /* D x size; of a joined layer the product and I    */
    double *value;       /* D x value_size                                   */
    double *output;      /* value_size x outputs: its rows of the matrix     */
    double *both;        /* D x outputs: value times output                  */
} head;

/* The numbers of one token and head. C' = C and S' = S. */
typedef struct token {
    double *a;           /* [tokens] attention, 0 for hidden tokens          */
    double *q, *y;       /* [size] the query, [D] a token without the mean   */
    double *mu, *c, *ce; /* mean, C, and C e                                 */
    double *mean;        /* [value_size] value' mu                           */
    double *g, *e;       /* output times the residual, and value times it    */
    double *s;           /* T[e]                                             */
    double *kc, *kcv, *cv, *bc, *bck, *ks, *ksk; /* products with key, value, both */
    double *one; /* the identity of order max(size, value_size)      */
} token;

typedef struct work {
    const hesse_attention_layer *layer;
    size_t d, size, values, outputs, n;
    hesse_attention_place place[HESSE_ATTENTION_MATRICES];
    double *room; /* all arrays */
    head head;
    token at;
} work;

static size_t size_of(const hesse_attention_layer *layer)
{
    return (size_t)(layer->joined ? layer->inputs : layer->size);
}

hesse_attention_place hesse_attention_place_of(const hesse_attention_layer *layer,
                                               hesse_attention_matrix matrix)
{
    const size_t d = (size_t)layer->inputs, h = (size_t)layer->heads,
                 size = size_of(layer), value = (size_t)layer->value_size,
                 outputs = (size_t)layer->outputs;
    const hesse_attention_place query = {0, d, size, h * size, size};
    hesse_attention_place p = query;
    if (matrix == Q) return p;
    p.first = d * h * size, p.rows = layer->joined ? 0 : d;
    if (matrix == K) return p;
    p = (hesse_attention_place){p.first + p.rows * h * size, d, value, h * value,
                                value};
    if (matrix == V) return p;
    return (hesse_attention_place){p.first + d * h * value, layer->output ? value : 0,
                                   outputs, outputs, value * outputs};
}

size_t hesse_attention_size(const hesse_attention_layer *layer)
{
    const hesse_attention_place p = hesse_attention_place_of(layer, O);
    return p.first + p.rows * p.columns * (size_t)layer->heads;
}

/* c = a b by rows, m x k times k x n; a is transposed if `turned`, then it is k x m. */
static void multiply(bool turned, size_t m, size_t k, size_t n, const double *a,
                     const double *b, double *c)
{
    const int rows = (int)m, inner = (int)k, columns = (int)n,
              lda = turned ? rows : inner;
    const double one = 1, zero = 0;
    dgemm_("N", turned ? "T" : "N", &columns, &rows, &inner, &one, b, &columns, a, &lda,
           &zero, c, &columns, 1, 1);
}

static bool make_work(const hesse_attention_layer *layer, int tokens, work *w)
{
    assert(layer->inputs > 0 && layer->heads > 0 && tokens > 0);
    assert(layer->output || layer->outputs == layer->heads * layer->value_size);
    *w = (work){.layer = layer,
                .d = (size_t)layer->inputs,
                .size = size_of(layer),
                .values = (size_t)layer->value_size,
                .outputs = (size_t)layer->outputs,
                .n = hesse_attention_size(layer)};
    const size_t d = w->d, s = w->size, v = w->values, o = w->outputs,
                 most = s > v ? s : v;
    const struct {
        double **at;
        size_t count;
    } list[] = {{&w->head.query, d * s},
                {&w->head.key, d * s},
                {&w->head.value, d * v},
                {&w->head.output, v * o},
                {&w->head.both, d * o},
                {&w->at.a, (size_t)tokens},
                {&w->at.q, s},
                {&w->at.y, d},
                {&w->at.mu, d},
                {&w->at.c, d * d},
                {&w->at.ce, d},
                {&w->at.mean, v},
                {&w->at.g, v},
                {&w->at.e, d},
                {&w->at.s, d * d},
                {&w->at.kc, s * d},
                {&w->at.kcv, s * v},
                {&w->at.cv, d * v},
                {&w->at.bc, o * d},
                {&w->at.bck, o * s},
                {&w->at.ks, s * d},
                {&w->at.ksk, s * s},
                {&w->at.one, most * most}};
    const size_t count = sizeof list / sizeof *list;
    size_t all = 0;
    for (int m = 0; m < HESSE_ATTENTION_MATRICES; m++)
        w->place[m] = hesse_attention_place_of(layer, (hesse_attention_matrix)m);
    for (size_t i = 0; i < count; i++) all += list[i].count;
    if (!(w->room = hesse_alloc(all))) return false;
    double *next = w->room;
    for (size_t i = 0; i < count; i++) *list[i].at = next, next += list[i].count;
    return true;
}

/* Copy the matrix of a head; one that the layer does not have is left. */
static void copy_matrix(const work *w, hesse_attention_matrix matrix, int h, double *to)
{
    const hesse_attention_place *p = &w->place[matrix];
    const double *from = w->layer->theta + p->first + (size_t)h * p->head;
    for (size_t r = 0; r < p->rows; r++)
        memcpy(to + r * p->columns, from + r * p->row, p->columns * sizeof *to);
}

static void set_identity(size_t n, double *one)
{
    memset(one, 0, n * n * sizeof *one);
    for (size_t i = 0; i < n; i++) one[i * n + i] = 1;
}

static void take_head(work *w, int h)
{
    copy_matrix(w, Q, h, w->head.query);
    copy_matrix(w, K, h, w->head.key);
    copy_matrix(w, V, h, w->head.value);
    copy_matrix(w, O, h, w->head.output);
    if (w->layer->joined) set_identity(w->d, w->head.key);
    if (!w->layer->output) {
        memset(w->head.output, 0, w->values * w->outputs * sizeof *w->head.output);
        for (size_t m = 0; m < w->values; m++)
            w->head.output[m * w->outputs + (size_t)h * w->values + m] = 1;
    }
    multiply(false, w->d, w->values, w->outputs, w->head.value, w->head.output,
             w->head.both);
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Compute the attention of token i to all tokens. */
static void attend(work *w, int tokens, const double *x, int i)
{
    const token *t = &w->at;
    const size_t end = (size_t)(w->layer->causal ? i + 1 : tokens);
    double top = -INFINITY, sum = 0;
    memset(t->a, 0, (size_t)tokens * sizeof *t->a);
    multiply(false, 1, w->d, w->size, x + (size_t)i * w->d, w->head.query, t->q);
    multiply(false, w->d, w->size, 1, w->head.key, t->q, t->y);
    for (size_t j = 0; j < end; j++) {
        t->a[j] = dot(w->d, t->y, x + j * w->d) / w->layer->temperature;
        top = fmax(top, t->a[j]);
    }
    if (w->layer->linear) return;
    for (size_t j = 0; j < end; j++) sum += t->a[j] = exp(t->a[j] - top);
    for (size_t j = 0; j < end; j++) t->a[j] /= sum;
}

/* y = x_j - mu, with which C and T are sums; return its weight. */
static double centre(const work *w, const double *x, size_t j)
{
    const bool linear = w->layer->linear;
    for (size_t p = 0; p < w->d; p++)
        w->at.y[p] = x[j * w->d + p] - (linear ? 0 : w->at.mu[p]);
    return linear ? 1 : w->at.a[j];
}

/* Compute mu and C of token i, from its attention. */
static void take_moments(work *w, int tokens, const double *x, int i)
{
    const token *t = &w->at;
    const size_t end = (size_t)(w->layer->causal ? i + 1 : tokens), d = w->d;
    multiply(false, 1, (size_t)tokens, d, t->a, x, t->mu);
    memset(t->c, 0, d * d * sizeof *t->c);
    for (size_t j = 0; j < end; j++) {
        const double a = centre(w, x, j);
        for (size_t p = 0; p < d; p++)
            for (size_t q = 0; q < d; q++) t->c[p * d + q] += a * t->y[p] * t->y[q];
    }
}

/* s = T[e], or with e NULL the d x d x d numbers of T. */
static void take_third(work *w, int tokens, const double *x, const double *e, double *s)
{
    const token *t = &w->at;
    const size_t d = w->d, square = d * d;
    memset(s, 0, (e ? square : square * d) * sizeof *s);
    for (size_t j = 0; !w->layer->linear && j < (size_t)tokens; j++) {
        const double a = centre(w, x, j);
        for (size_t o = 0; a != 0 && o < (e ? 1 : d); o++) {
            const double by = a * (e ? dot(d, e, t->y) : t->y[o]);
            for (size_t p = 0; p < d; p++)
                for (size_t q = 0; q < d; q++)
                    s[o * square + p * d + q] += by * t->y[p] * t->y[q];
        }
    }
}

bool hesse_attention_forward(const hesse_attention_layer *layer, int tokens,
                             const double *x, double *f)
{
    work w;
    if (!make_work(layer, tokens, &w)) return false;
    memset(f, 0, (size_t)tokens * w.outputs * sizeof *f);
    for (int h = 0; h < layer->heads; h++) {
        take_head(&w, h);
        for (int i = 0; i < tokens; i++) {
            attend(&w, tokens, x, i);
            multiply(false, 1, (size_t)tokens, w.d, w.at.a, x, w.at.mu);
            for (size_t p = 0; p < w.d; p++)
                for (size_t c = 0; c < w.outputs; c++)
                    f[(size_t)i * w.outputs + c] +=
                        w.at.mu[p] * w.head.both[p * w.outputs + c];
        }
    }
    free(w.room);
    return true;
}

bool hesse_attention_moments(const hesse_attention_layer *layer, int tokens,
                             const double *x, int h, double *mu, double *c, double *t)
{
    work w;
    if (!make_work(layer, tokens, &w)) return false;
    const size_t d = w.d;
    take_head(&w, h);
    for (size_t i = 0; i < (size_t)tokens; i++) {
        attend(&w, tokens, x, (int)i);
        take_moments(&w, tokens, x, (int)i);
        if (mu) memcpy(mu + i * d, w.at.mu, d * sizeof *mu);
        if (c) memcpy(c + i * d * d, w.at.c, d * d * sizeof *c);
        if (t) take_third(&w, tokens, x, NULL, t + i * d * d * d);
    }
    free(w.room);
    return true;
}

/* Write the derivatives of the outputs of token i, times a factor, in the parameters of
   a head: rows of `slope`, which has n columns. */
static void add_slopes(const work *w, const double *x, int h, double factor,
                       double *slope)
{
    const token *t = &w->at;
    const double by = factor / w->layer->temperature;
    for (size_t c = 0; c < w->outputs; c++) {
        double *to[HESSE_ATTENTION_MATRICES];
        for (int m = 0; m < HESSE_ATTENTION_MATRICES; m++)
            to[m] = slope + c * w->n + w->place[m].first + (size_t)h * w->place[m].head;
        for (size_t p = 0; p < w->place[Q].rows; p++)
            for (size_t q = 0; q < w->size; q++)
                to[Q][p * w->place[Q].row + q] = by * x[p] * t->bck[c * w->size + q];
        for (size_t r = 0; r < w->place[K].rows; r++)
            for (size_t k = 0; k < w->size; k++)
                to[K][r * w->place[K].row + k] = by * t->q[k] * t->bc[c * w->d + r];
        for (size_t p = 0; p < w->place[V].rows; p++)
            for (size_t m = 0; m < w->values; m++)
                to[V][p * w->place[V].row + m] =
                    factor * t->mu[p] * w->head.output[m * w->outputs + c];
        for (size_t m = 0; m < w->place[O].rows; m++)
            to[O][m * w->place[O].row + c] = factor * t->mean[m];
    }
}

/* The indices of a matrix of a head: element (i, j) is at first + i * step + j * leap,
   and the vector has the numbers of index i. */
typedef struct side {
    const double *vector;
    size_t first, n, step, m, leap;
} side;

/* A vector on the rows of a matrix, or on its columns. */
static side on_rows(const work *w, hesse_attention_matrix matrix, int h,
                    const double *vector)
{
    const hesse_attention_place *p = &w->place[matrix];
    return (side){vector, p->first + (size_t)h * p->head, p->rows, p->row, p->columns,
                  1};
}

static side on_columns(const work *w, hesse_attention_matrix matrix, int h,
                       const double *vector)
{
    const hesse_attention_place *p = &w->place[matrix];
    return (side){vector, p->first + (size_t)h * p->head, p->columns, 1, p->rows,
                  p->row};
}

/* Add factor times both vectors times the matrix between, left.m x right.m. Left is the
   matrix that comes first, so nothing but diagonal blocks is added below the diagonal.
   Out NULL is not wanted. */
static void add_product(const work *w, double factor, side left, const double *between,
                        side right, double *out)
{
    if (!out) return;
    for (size_t i = 0; i < left.n; i++)
        for (size_t j = 0; j < left.m; j++) {
            double *row = out + (left.first + i * left.step + j * left.leap) * w->n;
            for (size_t k = 0; k < right.n; k++) {
                const double by = factor * left.vector[i] * right.vector[k];
                double *to = row + right.first + k * right.step;
                for (size_t l = 0; l < right.m; l++)
                    to[l * right.leap] += by * between[j * right.m + l];
            }
        }
}

/* The second derivatives of the outputs of a token, times its residual. */
static void add_functional(const work *w, const double *x, const double *residual,
                           int h, double factor, double *functional, double *query_key)
{
    const token *t = &w->at;
    const double once = factor / w->layer->temperature,
                 twice = once / w->layer->temperature;
    const side q_x = on_rows(w, Q, h, x), k_q = on_columns(w, K, h, t->q),
               v_g = on_columns(w, V, h, t->g), o_r = on_columns(w, O, h, residual),
               v_mu = on_rows(w, V, h, t->mu), k_ce = on_rows(w, K, h, t->ce);
    set_identity(w->values, t->one);
    add_product(w, factor, v_mu, t->one, o_r, functional);
    set_identity(w->size, t->one);
    add_product(w, once, q_x, t->one, k_ce, functional);
    add_product(w, once, q_x, t->one, k_ce, query_key);
    add_product(w, once, q_x, t->kc, v_g, functional);
    add_product(w, once, k_q, t->c, v_g, functional);
    add_product(w, once, q_x, t->kcv, o_r, functional);
    add_product(w, once, k_q, t->cv, o_r, functional);
    if (w->layer->linear) return;
    add_product(w, twice, q_x, t->ksk, q_x, functional);
    add_product(w, twice, q_x, t->ks, k_q, functional);
    add_product(w, twice, k_q, t->s, k_q, functional);
}

/* The products that slopes and functional part share. */
static void take_products(work *w, int tokens, const double *x, const double *residual)
{
    const token *t = &w->at;
    const head *h = &w->head;
    const size_t d = w->d, s = w->size, v = w->values, o = w->outputs;
    multiply(false, v, o, 1, h->output, residual, t->g);
    multiply(false, d, v, 1, h->value, t->g, t->e);
    multiply(true, v, d, 1, h->value, t->mu, t->mean);
    multiply(true, s, d, d, h->key, t->c, t->kc);
    multiply(false, s, d, v, t->kc, h->value, t->kcv);
    multiply(false, d, d, v, t->c, h->value, t->cv);
    multiply(false, d, d, 1, t->c, t->e, t->ce);
    multiply(true, o, d, d, h->both, t->c, t->bc);
    multiply(false, o, d, s, t->bc, h->key, t->bck);
    if (w->layer->linear) return;
    take_third(w, tokens, x, t->e, t->s);
    multiply(true, s, d, d, h->key, t->s, t->ks);
    multiply(false, s, d, s, t->ks, h->key, t->ksk);
}

static void mirror(size_t n, double *a)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) a[i * n + j] = a[j * n + i];
}

bool hesse_attention_blocks(const hesse_attention_layer *layer, int sequences,
                            int tokens, const double *x, const double *residual,
                            double scale, double *outer, double *functional,
                            double *query_key)
{
    work w;
    if (!make_work(layer, tokens, &w)) return false;
    const size_t n = w.n, rows = (size_t)tokens * w.outputs;
    double *slopes = hesse_alloc(rows * n);
    const int order = (int)n, inner = (int)rows;
    const double one = 1, factor = 2 * scale;
    memset(outer, 0, n * n * sizeof *outer);
    memset(functional, 0, n * n * sizeof *functional);
    if (query_key) memset(query_key, 0, n * n * sizeof *query_key);
    for (int s = 0; slopes && s < sequences; s++) {
        const double *all = x + (size_t)s * (size_t)tokens * w.d;
        memset(slopes, 0, rows * n * sizeof *slopes);
        for (int h = 0; h < layer->heads; h++) {
            take_head(&w, h);
            for (int i = 0; i < tokens; i++) {
                const double *mine = all + (size_t)i * w.d;
                const size_t row = (size_t)i * w.outputs;
                const double *error = residual + (size_t)s * rows + row;
                attend(&w, tokens, all, i);
                take_moments(&w, tokens, all, i);
                take_products(&w, tokens, all, error);
                add_slopes(&w, mine, h, sqrt(factor), slopes + row * n);
                add_functional(&w, mine, error, h, factor, functional, query_key);
            }
        }
        dsyrk_("L", "N", &order, &inner, &one, slopes, &order, &one, outer, &order, 1,
               1);
    }
    mirror(n, outer);
    mirror(n, functional);
    if (query_key) mirror(n, query_key);
    free(slopes);
    free(w.room);
    return slopes != NULL;
}

/* Add the tangents left E and - right E' of a pair of matrices, for every unit matrix
   E. If the second is output, it is - E right. */
static size_t add_symmetries(const hesse_attention_layer *layer,
                             hesse_attention_matrix left, hesse_attention_matrix right,
                             double *z)
{
    const hesse_attention_place a = hesse_attention_place_of(layer, left),
                                b = hesse_attention_place_of(layer, right);
    const size_t n = hesse_attention_size(layer), m = a.columns,
                 heads = (size_t)layer->heads;
    for (size_t i = 0; z && i < heads * m * m; i++) {
        const size_t h = i / (m * m), from = i / m % m, to = i % m;
        double *row = z + i * n;
        const double *theta = layer->theta;
        memset(row, 0, n * sizeof *row);
        for (size_t r = 0; r < a.rows; r++) {
            const size_t at = a.first + r * a.row + h * a.head;
            row[at + to] = theta[at + from];
        }
        for (size_t r = 0; right == K && r < b.rows; r++) {
            const size_t at = b.first + r * b.row + h * b.head;
            row[at + from] = -theta[at + to];
        }
        for (size_t c = 0; right == O && c < b.columns; c++) {
            const size_t at = b.first + h * b.head + c;
            row[at + from * b.row] = -theta[at + to * b.row];
        }
    }
    return heads * m * m;
}

/* Add the tangents query and - value of every head. */
static size_t add_scales(const hesse_attention_layer *layer, double *z)
{
    const size_t n = hesse_attention_size(layer), heads = (size_t)layer->heads;
    for (size_t h = 0; z && h < heads; h++) {
        double *row = z + h * n;
        memset(row, 0, n * sizeof *row);
        for (int left = 1; left >= 0; left--) {
            const hesse_attention_place p =
                hesse_attention_place_of(layer, left ? Q : V);
            for (size_t r = 0; r < p.rows; r++)
                for (size_t c = 0; c < p.columns; c++) {
                    const size_t at = p.first + r * p.row + h * p.head + c;
                    row[at] = left ? layer->theta[at] : -layer->theta[at];
                }
        }
    }
    return heads;
}

size_t hesse_attention_symmetries(const hesse_attention_layer *layer, double *z)
{
    assert(!layer->joined);
    const size_t n = hesse_attention_size(layer);
    size_t count = add_symmetries(layer, Q, K, z);
    if (layer->output) count += add_symmetries(layer, V, O, z ? z + count * n : NULL);
    if (layer->linear) count += add_scales(layer, z ? z + count * n : NULL);
    return count;
}
