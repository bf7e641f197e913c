/* The sums and updates of softmax.c for `lines` times T of the tangents of one row.
   They stay in registers while all scores pass. Each width of vectors has its own:
   ops/each_width.h. */

HESSE_INLINE void NAME(project)(hesse_into into, const int lines, int count, int k,
                                const real *p, const real *z, real *y)
{
    T mean[MOST] = {0};
    if (k == 1)
        *(real *)mean = dot((size_t)count, p, z);
    else
        for (int j = 0; j < count; j++)
#pragma GCC unroll 4
            for (int i = 0; i < lines; i++)
                mean[i] += p[j] * *(const T *)(z + j * k + i * WIDTH);
    for (int j = 0; j < count; j++)
#pragma GCC unroll 4
        for (int i = 0; i < lines; i++) {
            const int at = j * k + i * WIDTH;
            const T x = *(const T *)(z + at) - mean[i];
            T *to = (T *)(y + at);
            if (into == HESSE_SET)
                *to = p[j] * x;
            else
                *to += p[j] * x;
        }
}

/* m is the mean of yb. */
HESSE_INLINE void NAME(bend)(const int lines, int count, int k, const real *p,
                             const real *yb, real m, const real *dp, real *y)
{
    T mean[MOST] = {0};
    if (k == 1)
        *(real *)mean = dot((size_t)count, yb, dp);
    else
        for (int j = 0; j < count; j++)
#pragma GCC unroll 4
            for (int i = 0; i < lines; i++)
                mean[i] += yb[j] * *(const T *)(dp + j * k + i * WIDTH);
    for (int j = 0; j < count; j++)
#pragma GCC unroll 4
        for (int i = 0; i < lines; i++) {
            const int at = j * k + i * WIDTH;
            *(T *)(y + at) += (yb[j] - m) * *(const T *)(dp + at) - p[j] * mean[i];
        }
}
