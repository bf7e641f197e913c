/* The sums and updates of norm.c for `lines` times T of the tangents of one group. They
   stay in registers while all channels pass. Each width of vectors has its own:
   ops/each_width.h. */

/* y += r (w z - [mean of w z] - xh mean of xh w z), or = the same: the tangent of xh
   along z where all factors w are 1, and the adjoint of x at z where w is the gain.
   Then y may have a gain, too. */
HESSE_INLINE void NAME(project)(hesse_into into, const int lines, const group *t,
                                factors w, const real *z, factors gain, real *y)
{
    const size_t k = (size_t)t->k;
    T m[MOST] = {0}, s[MOST] = {0};
    if (k == 1)
        means_of_one(t->c, w, t->xh, z, (real *)m, (real *)s);
    else
        for (int j = 0; j < t->c; j++) {
            const real one = factor(w, j) / (real)t->c, two = one * t->xh[j];
#pragma GCC unroll 4
            for (int i = 0; i < lines; i++) {
                const T x = *(const T *)(z + (size_t)j * k + (size_t)i * WIDTH);
                m[i] += one * x;
                s[i] += two * x;
            }
        }
    for (int j = 0; j < t->c; j++) {
        const real a = t->xh[t->c] * factor(gain, j), wj = factor(w, j);
#pragma GCC unroll 4
        for (int i = 0; i < lines; i++) {
            const size_t at = (size_t)j * k + (size_t)i * WIDTH;
            T x = wj * *(const T *)(z + at) - t->xh[j] * s[i], *to = (T *)(y + at);
            if (t->centred) x -= m[i];
            if (into == HESSE_SET)
                *to = a * x;
            else
                *to += a * x;
        }
    }
}

/* Add -r s xb - r (dxh m2 + xh <dxh gb>) to cx, and yb dxh, from the first channel of
   part_of_g on, to cg; either may be NULL. */
HESSE_INLINE void NAME(bend)(const int lines, const group *t, const real *dx, real *cx,
                             real *cg, hesse_rect part_of_g)
{
    const size_t k = (size_t)t->k;
    const real r = t->xh[t->c];
    T m[MOST] = {0}, s[MOST] = {0}, e[MOST] = {0};
    if (k == 1) {
        real unused;
        means_of_one(t->c, ones, t->xh, dx, (real *)m, (real *)s);
        means_of_one(t->c, t->g, t->yb, dx, &unused, (real *)e);
    } else
        for (int j = 0; j < t->c; j++) {
            const real one = 1 / (real)t->c, two = one * t->xh[j],
                       three = one * factor(t->g, j) * t->yb[j];
#pragma GCC unroll 4
            for (int i = 0; i < lines; i++) {
                const T x = *(const T *)(dx + (size_t)j * k + (size_t)i * WIDTH);
                m[i] += one * x;
                s[i] += two * x;
                e[i] += three * x;
            }
        }
#pragma GCC unroll 4
    for (int i = 0; i < lines; i++) {
        if (!t->centred) m[i] *= 0;
        e[i] = r * (e[i] - m[i] * t->mean - s[i] * t->m2);
    }
    for (int j = 0; cx && j < t->c; j++) {
        const real h = t->xh[j];
        const real xb = r * (factor(t->g, j) * t->yb[j] - t->mean - h * t->m2);
#pragma GCC unroll 4
        for (int i = 0; i < lines; i++) {
            const size_t at = (size_t)j * k + (size_t)i * WIDTH;
            const T d = r * (*(const T *)(dx + at) - m[i] - h * s[i]);
            *(T *)(cx + at) -= r * (s[i] * xb + d * t->m2 + h * e[i]);
        }
    }
    for (int j = 0; cg && j < part_of_g.cols; j++) {
        const int g = part_of_g.col + j;
#pragma GCC unroll 4
        for (int i = 0; i < lines; i++) {
            const size_t from = (size_t)g * k + (size_t)i * WIDTH;
            const T d = r * (*(const T *)(dx + from) - m[i] - t->xh[g] * s[i]);
            *(T *)(cg + (size_t)j * k + (size_t)i * WIDTH) += t->yb[g] * d;
        }
    }
}
