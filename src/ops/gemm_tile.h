/* A rows x (VECTORS * LANES) tile of C in registers. gemm.c includes this file once for
   each instruction set, and defines
    LANES     the numbers of a vector register,
    VECTORS   the vectors across a tile,
    ROWS      the rows of a full tile; ROWS * VECTORS + VECTORS + 1 registers must
              suffice,
    WIDE,     the vectors and the rows of a second shape, if there are registers for
    LOW       it,
    AHEAD     true if the next rows of A are fetched ahead,
    TARGET    the attribute of the functions,
    NAME(x)   the name of x for this set. */

#ifdef WIDE
#define MOST WIDE
#else
#define MOST VECTORS
#endif

typedef real NAME(vector)
    __attribute__((vector_size(sizeof(real) * LANES), aligned(sizeof(real))));

/* B and C of the vectors of a tile. They need not be neighbours, because the vectors
   may belong to different groups. If they are, fewer registers hold addresses. */
typedef struct NAME(operands) {
    const real *b[MOST];
    real *c[MOST];
} NAME(operands);

/* C and the rows of A below these are fetched while the sum is computed. */
static inline __attribute__((always_inline)) TARGET void
NAME(tile)(const hesse_into into, const bool neighbours, const int rows,
           const int vectors, const hesse_gemm_shape *s, const real *a,
           const NAME(operands) * at, size_t c_from)
{
    const size_t ldb = s->ldb, ldc = s->ldc, row = s->a.row, col = s->a.col;
    const real alpha = s->alpha;
    const real *b_of[MOST];
    real *c_of[MOST];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        b_of[v] = neighbours ? at->b[0] + v * LANES : at->b[v];
        c_of[v] = (neighbours ? at->c[0] + v * LANES : at->c[v]) + c_from;
    }
    NAME(vector) sum[ROWS][MOST] = {0};
#pragma GCC unroll 8
    for (int i = 0; into == HESSE_ADD && i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            __builtin_prefetch(c_of[v] + (size_t)i * ldc, 1);
    const real *const first = a;
    size_t from = 0;
#pragma GCC unroll 2
    for (int p = 0; p < s->depth; p++, from += ldb, a += col) {
        if (AHEAD) { /* the rows below: element after element, or line after line */
            const size_t next = (size_t)p, line = HESSE_REALS_64;
            __builtin_prefetch(
                first + (size_t)rows * row +
                (col == 1 ? next % line * row + next / line * line : next * col));
        }
        NAME(vector) x[MOST];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            x[v] = *(const NAME(vector) *)(b_of[v] + from);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            const real w = a[(size_t)i * row];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) sum[i][v] += w * x[v];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            NAME(vector) *c = (NAME(vector) *)(c_of[v] + (size_t)i * ldc);
            *c = into == HESSE_SET ? alpha * sum[i][v] : *c + alpha * sum[i][v];
        }
}

/* Compute all rows of some vectors. The branches give the tile constant sizes. */
static inline __attribute__((always_inline)) TARGET void
NAME(stripe)(const hesse_into into, const bool neighbours, const int rows,
             const int vectors, const hesse_gemm_shape *s, const NAME(operands) * at)
{
    const real *a = s->a.at;
    const size_t row = s->a.row, ldc = s->ldc;
    size_t c = 0;
    int m = s->m;
    for (; m >= rows; m -= rows, a += (size_t)rows * row, c += (size_t)rows * ldc)
        NAME(tile)(into, neighbours, rows, vectors, s, a, at, c);
    if (m >= 4) {
        NAME(tile)(into, neighbours, 4, vectors, s, a, at, c);
        m -= 4, a += 4 * row, c += 4 * ldc;
    }
    if (m >= 2) {
        NAME(tile)(into, neighbours, 2, vectors, s, a, at, c);
        m -= 2, a += 2 * row, c += 2 * ldc;
    }
    if (m) NAME(tile)(into, neighbours, 1, vectors, s, a, at, c);
}

/* Return how many vectors the next stripe takes. */
static inline int NAME(next)(size_t left)
{
#ifdef WIDE
    if (left >= WIDE && left % VECTORS) return WIDE;
#endif
    return left < VECTORS ? (int)left : VECTORS;
}

/* Compute the columns that fill whole vectors, in all groups. */
static inline __attribute__((always_inline)) TARGET void
NAME(stripes)(const hesse_into into, const bool neighbours, const hesse_gemm_shape *s)
{
    NAME(operands) at;
    size_t left = (size_t)s->groups * (s->n / LANES);
    int waiting = 0, take = NAME(next)(left);
    for (int g = 0; g < s->groups; g++)
        for (size_t j = 0; j + LANES <= s->n; j += LANES) {
            at.b[waiting] = s->b + (size_t)g * s->next_b + j;
            at.c[waiting] = s->c + (size_t)g * s->next_c + j;
            if (++waiting < take) continue;
#ifdef WIDE
            if (take == WIDE) NAME(stripe)(into, neighbours, LOW, WIDE, s, &at);
#endif
            if (take == VECTORS) NAME(stripe)(into, neighbours, ROWS, VECTORS, s, &at);
            if (VECTORS > 2 && take == 2)
                NAME(stripe)(into, neighbours, ROWS, 2, s, &at);
            if (take == 1) NAME(stripe)(into, neighbours, ROWS, 1, s, &at);
            left -= (size_t)take, waiting = 0, take = NAME(next)(left);
        }
}

/* The branches make `into` and `neighbours` constants in all functions above. */
static TARGET void NAME(columns)(const hesse_gemm_shape *s)
{
    const bool neighbours = s->groups == 1 || s->n % (VECTORS * LANES) == 0;
    if (s->into == HESSE_SET && neighbours)
        NAME(stripes)(HESSE_SET, true, s);
    else if (s->into == HESSE_SET)
        NAME(stripes)(HESSE_SET, false, s);
    else if (neighbours)
        NAME(stripes)(HESSE_ADD, true, s);
    else
        NAME(stripes)(HESSE_ADD, false, s);
}

#undef MOST
