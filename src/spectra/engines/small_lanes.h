/* The reduction of a small matrix to tridiagonal form. small.c includes this file
   once for each instruction set, and defines
    LANES     the doubles of a vector register,
    TARGET    the attribute of the functions,
    NAME(x)   the name of x for this set. */

typedef real NAME(vec) __attribute__((vector_size(sizeof(real) * LANES),
                                      aligned(sizeof(real)), may_alias));

#define AT(x, i) (*(NAME(vec) *)((x) + (i)))
#define OF(x, i) (*(const NAME(vec) *)((x) + (i)))

static inline __attribute__((always_inline)) TARGET real NAME(sum)(const NAME(vec) * x)
{
    real sum[LANES];
    AT(sum, 0) = *x;
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int l = 0; l < width; l++) sum[l] += sum[l + width];
    return sum[0];
}

/* Subtract u w' + w u' from four columns, and add the product of them with v, and that
   of the mirrored columns, to y. */
static inline __attribute__((always_inline)) TARGET void
NAME(four_columns)(real *tile, int first, int last, int column, const real *u,
                   const real *w, const real *v, real *y)
{
    NAME(vec) mirrored[COLUMNS] = {0};
    for (int row = first; row < last; row += ROWS, tile += TILE)
#pragma GCC unroll 4
        for (int i = 0; i < ROWS; i += LANES) {
            NAME(vec) sum = OF(y, row + i);
            const NAME(vec) ui = OF(u, row + i), wi = OF(w, row + i);
            const NAME(vec) vi = OF(v, row + i);
#pragma GCC unroll 4
            for (int q = 0; q < COLUMNS; q++) {
                NAME(vec) a = OF(tile, q * ROWS + i);
                a -= ui * w[column + q];
                a -= wi * u[column + q];
                AT(tile, q * ROWS + i) = a;
                sum += a * v[column + q];
                mirrored[q] += a * vi;
            }
            AT(y, row + i) = sum;
        }
    for (int q = 0; q < COLUMNS; q++) y[column + q] += NAME(sum)(&mirrored[q]);
}

static inline __attribute__((always_inline)) TARGET void
NAME(diagonal_tile)(real *tile, int row, int column, const real *u, const real *w,
                    const real *v, real *y)
{
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; i += LANES) {
        NAME(vec) sum = OF(y, row + i);
        const NAME(vec) ui = OF(u, row + i), wi = OF(w, row + i);
#pragma GCC unroll 4
        for (int q = 0; q < COLUMNS; q++) {
            NAME(vec) a = OF(tile, q * ROWS + i);
            a -= ui * w[column + q];
            a -= wi * u[column + q];
            AT(tile, q * ROWS + i) = a;
            sum += a * v[column + q];
        }
        AT(y, row + i) = sum;
    }
}

/* Read column k of the matrix after the update that is not done yet. */
static inline __attribute__((always_inline)) TARGET void
NAME(column)(const real *tiles, int size, int k, const real *u, const real *w, real *x)
{
    const real *from = tiles + tiles_before(size, k / COLUMNS) + k % COLUMNS * ROWS;
    const real uk = u[k], wk = w[k];
    for (int row = k / ROWS * ROWS; row < size; row += ROWS, from += TILE)
        for (int i = 0; i < ROWS; i += LANES)
            AT(x, row + i) = OF(from, i) - OF(u, row + i) * wk - OF(w, row + i) * uk;
}

/* Reduce a matrix. x, y, u, w and v have `size` numbers, all zero at first. */
static TARGET void NAME(reduce)(int n, int size, real *tiles, real *work, real *d,
                                real *e)
{
    real *u = work, *w = u + size, *v = w + size, *y = v + size;
    for (int k = 0; k < n; k++) {
        const int start = (k + 1) / ROWS * ROWS;
        NAME(column)(tiles, size, k, u, w, v);
        d[k] = v[k];
        if (k == n - 1) break;
        const real head = v[k + 1];
        e[k] = head;
        if (k == n - 2) continue;
        for (int i = k / ROWS * ROWS; i <= k + 1; i++) v[i] = 0;
        NAME(vec) squares = {0};
        for (int i = start; i < size; i += LANES) squares += OF(v, i) * OF(v, i);
        const real tail = NAME(sum)(&squares);
        real scale = 0, tau = 0;
        if (!(tail < NEGLIGIBLE)) {
            const real norm = sqrt(head * head + tail);
            e[k] = head > 0 ? -norm : norm;
            scale = 1 / (head - e[k]);
            tau = (e[k] - head) / e[k];
        }
        for (int i = start; i < size; i += LANES) {
            AT(v, i) *= scale;
            AT(y, i) = (NAME(vec)){0};
        }
        v[k + 1] = 1;
        for (int c = (k + 1) / COLUMNS; c < size / COLUMNS; c++) {
            const int column = c * COLUMNS, row = column / ROWS * ROWS;
            real *tile = tiles + tiles_before(size, c);
            NAME(diagonal_tile)(tile, row, column, u, w, v, y);
            NAME(four_columns)(tile + TILE, row + ROWS, size, column, u, w, v, y);
        }
        for (int i = start; i <= k; i++) y[i] = 0;
        NAME(vec) products = {0};
        for (int i = start; i < size; i += LANES) products += OF(y, i) * OF(v, i);
        const real half = tau * tau / 2 * NAME(sum)(&products);
        for (int i = start; i < size; i += LANES)
            AT(w, i) = tau * OF(y, i) - half * OF(v, i);
        real *old = u;
        u = v, v = old;
    }
}
