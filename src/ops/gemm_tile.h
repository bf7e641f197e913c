/* A rows x (VECTORS * LANES) tile of C in registers. gemm.c includes this file once for
   each instruction set, and defines
    LANES     the doubles of a vector register,
    VECTORS   the vectors across a tile,
    ROWS      the rows of a full tile; ROWS * VECTORS + VECTORS + 1 registers must
              suffice,
    WIDE,     the vectors and the rows of a second shape, if there are registers for
    LOW       it,
    TARGET    the attribute of the functions,
    NAME(x)   the name of x for this set. */

#ifdef WIDE
#define TILE_VECTORS WIDE
#else
#define TILE_VECTORS VECTORS
#endif

typedef double NAME(vector) __attribute__((vector_size(8 * LANES), aligned(8)));

static inline __attribute__((always_inline)) TARGET void
NAME(tile)(const hesse_into into, const int rows, const int vectors, int depth,
           double alpha, hesse_strided a, const double *b, size_t ldb, double *c,
           size_t ldc)
{
    NAME(vector) sum[ROWS][TILE_VECTORS] = {0};
    for (int p = 0; p < depth; p++, b += ldb) {
        NAME(vector) x[TILE_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) x[v] = *(const NAME(vector) *)(b + v * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            const double w = a.at[(size_t)i * a.row + (size_t)p * a.col];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) sum[i][v] += w * x[v];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
        NAME(vector) *at = (NAME(vector) *)(c + (size_t)i * ldc);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            at[v] = into == HESSE_SET ? alpha * sum[i][v] : at[v] + alpha * sum[i][v];
    }
}

/* Compute all rows of one stripe of columns. The branches give the tile constant
   sizes. */
static inline __attribute__((always_inline)) TARGET void
NAME(stripe)(const hesse_into into, const int rows, const int vectors, int m, int depth,
             double alpha, hesse_strided a, const double *b, size_t ldb, double *c,
             size_t ldc)
{
    for (; m >= rows; m -= rows, a.at += (size_t)rows * a.row, c += (size_t)rows * ldc)
        NAME(tile)(into, rows, vectors, depth, alpha, a, b, ldb, c, ldc);
    if (m >= 4) {
        NAME(tile)(into, 4, vectors, depth, alpha, a, b, ldb, c, ldc);
        m -= 4, a.at += 4 * a.row, c += 4 * ldc;
    }
    if (m >= 2) {
        NAME(tile)(into, 2, vectors, depth, alpha, a, b, ldb, c, ldc);
        m -= 2, a.at += 2 * a.row, c += 2 * ldc;
    }
    if (m) NAME(tile)(into, 1, vectors, depth, alpha, a, b, ldb, c, ldc);
}

/* Compute the columns that fill whole vectors; returns their number. */
static inline __attribute__((always_inline)) TARGET size_t
NAME(stripes)(const hesse_into into, int m, size_t n, int depth, double alpha,
              hesse_strided a, const double *b, size_t ldb, double *c, size_t ldc)
{
    size_t j = 0;
#ifdef WIDE
    for (; j + WIDE * LANES <= n && (n - j) % (VECTORS * LANES); j += WIDE * LANES)
        NAME(stripe)(into, LOW, WIDE, m, depth, alpha, a, b + j, ldb, c + j, ldc);
#endif
    for (; j + VECTORS * LANES <= n; j += VECTORS * LANES)
        NAME(stripe)(into, ROWS, VECTORS, m, depth, alpha, a, b + j, ldb, c + j, ldc);
    if (VECTORS > 2 && j + 2 * LANES <= n) {
        NAME(stripe)(into, ROWS, 2, m, depth, alpha, a, b + j, ldb, c + j, ldc);
        j += 2 * LANES;
    }
    if (j + LANES <= n) {
        NAME(stripe)(into, ROWS, 1, m, depth, alpha, a, b + j, ldb, c + j, ldc);
        j += LANES;
    }
    return j;
}

/* The branch makes `into` a constant in all functions above. */
static TARGET size_t NAME(columns)(hesse_into into, int m, size_t n, int depth,
                                   double alpha, hesse_strided a, const double *b,
                                   size_t ldb, double *c, size_t ldc)
{
    return into == HESSE_SET
               ? NAME(stripes)(HESSE_SET, m, n, depth, alpha, a, b, ldb, c, ldc)
               : NAME(stripes)(HESSE_ADD, m, n, depth, alpha, a, b, ldb, c, ldc);
}

#undef TILE_VECTORS
