/* Eigenvalues of a tridiagonal matrix, many in step: one to a lane of a vector.
   tridiagonal.c includes this file once for each instruction set, and defines
    LANES    the doubles of a vector register,
    GROUPS   the vectors in step, so that an operation need not wait for the last one,
    TARGET   the attribute of the functions,
    NAME(x)  the name of x for this set. */

typedef double NAME(vec) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef int64_t NAME(bits)
    __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

#define VEC(x)  (*(NAME(vec) *)(x))
#define BITS(x) (*(NAME(bits) *)(x))
#define PICK(mask, a, b)                                                               \
    ((NAME(vec))(((mask) & (NAME(bits))(a)) | (~(mask) & (NAME(bits))(b))))
#define SIZE(x) ((NAME(vec))((NAME(bits))(x)&INT64_MAX))

static inline __attribute__((always_inline)) TARGET NAME(vec)
    NAME(power_of_2)(NAME(bits) k)
{
    const NAME(bits) low = k<-POWER, high = k> POWER;
    k = (~low & k) | (low & -POWER);
    k = (~high & k) | (high & POWER);
    return (NAME(vec))((k << 52) + ONE);
}

/* Evaluate the polynomial, and count the eigenvalues below if that is wanted, at the
   points of GROUPS vectors. */
static inline __attribute__((always_inline)) TARGET void
NAME(minors)(const bool counted, const matrix *t, const double *x, double *value,
             int64_t *exponent, int64_t *count)
{
    NAME(vec) at[GROUPS], p[GROUPS], q[GROUPS];
    NAME(bits) below[GROUPS], powers[GROUPS];
#pragma GCC unroll 8
    for (int g = 0; g < GROUPS; g++) {
        at[g] = *(const NAME(vec) *)(x + g * LANES);
        p[g] = (NAME(vec)){0} + 1, q[g] = (NAME(vec)){0};
        below[g] = powers[g] = (NAME(bits)){0};
    }
    for (int first = 0; first < t->n; first += STRETCH) {
        const int last = first + STRETCH < t->n ? first + STRETCH : t->n;
#pragma GCC unroll 2
        for (int k = first; k < last; k++) {
            const double diagonal = t->d[k], square = t->squares[k];
#pragma GCC unroll 8
            for (int g = 0; g < GROUPS; g++) {
                const NAME(vec) next = (diagonal - at[g]) * p[g] - square * q[g];
                if (counted)
                    below[g] += (NAME(bits))((NAME(bits))next ^ (NAME(bits))p[g]) < 0;
                q[g] = p[g], p[g] = next;
            }
        }
#pragma GCC unroll 8
        for (int g = 0; g < GROUPS; g++) {
            const NAME(bits) a = (NAME(bits))SIZE(p[g]), b = (NAME(bits))SIZE(q[g]);
            const NAME(bits) larger = a > b;
            const NAME(bits) power = ((larger & a) | (~larger & b)) & EXPONENT;
            const NAME(vec) scale = (NAME(vec))(2 * ONE - power);
            p[g] *= scale, q[g] *= scale;
            powers[g] += (power - ONE) >> 52;
        }
    }
#pragma GCC unroll 8
    for (int g = 0; g < GROUPS; g++) {
        VEC(value + g * LANES) = p[g];
        BITS(exponent + g * LANES) = powers[g];
        if (counted) BITS(count + g * LANES) = -below[g];
    }
}

static TARGET void NAME(evaluate)(const matrix *t, points *p)
{
    for (int i = 0; i < POINTS; i += LANES * GROUPS)
        NAME(minors)(true, t, p->x + i, p->value + i, p->power + i, p->below + i);
}

/* Find the only eigenvalue in each of the brackets of GROUPS vectors. */
static inline __attribute__((always_inline)) TARGET void
NAME(roots)(const matrix *t, const brackets *in, int from, double *root)
{
    enum { MOST = 200 }; /* a limit that is never reached */
    NAME(vec) a[GROUPS], b[GROUPS], c[GROUPS], fa[GROUPS], fb[GROUPS], fc[GROUPS];
    NAME(vec) step[GROUPS];
    NAME(bits) base[GROUPS], left[GROUPS];
    double x[LANES * GROUPS], value[LANES * GROUPS];
    int64_t exponent[LANES * GROUPS];
    for (int g = 0; g < GROUPS; g++) {
        const int i = from + g * LANES;
        const NAME(bits) ea = *(const NAME(bits) *)(in->power[0] + i);
        const NAME(bits) eb = *(const NAME(bits) *)(in->power[1] + i);
        const NAME(bits) larger = ea > eb;
        base[g] = (larger & ea) | (~larger & eb);
        a[g] = *(const NAME(vec) *)(in->end[0] + i);
        b[g] = *(const NAME(vec) *)(in->end[1] + i);
        fa[g] = *(const NAME(vec) *)(in->value[0] + i) * NAME(power_of_2)(ea - base[g]);
        fb[g] = *(const NAME(vec) *)(in->value[1] + i) * NAME(power_of_2)(eb - base[g]);
        c[g] = a[g], fc[g] = fa[g];
        step[g] = (b[g] - a[g]) * 0.5;
        left[g] = ~(NAME(bits)){0};
    }
    bool more = true;
    for (int turn = 0; more && turn < MOST; turn++) {
        for (int g = 0; g < GROUPS; g++)
            VEC(x + g * LANES) = PICK(left[g], a[g] + step[g], a[g]);
        NAME(minors)(false, t, x, value, exponent, NULL);
        NAME(bits) any = {0};
        for (int g = 0; g < GROUPS; g++) {
            const NAME(vec) at = VEC(x + g * LANES);
            const NAME(vec) f = VEC(value + g * LANES) *
                                NAME(power_of_2)(BITS(exponent + g * LANES) - base[g]);
            /* The bracket is between the newest point a and b; c was an end before. */
            const NAME(bits) same = (((NAME(bits))f ^ (NAME(bits))fa[g]) >= 0);
            c[g] = PICK(same, a[g], b[g]), fc[g] = PICK(same, fa[g], fb[g]);
            b[g] = PICK(same, b[g], a[g]), fb[g] = PICK(same, fb[g], fa[g]);
            a[g] = at, fa[g] = f;
            /* Chandrupatla's rule says if the inverse quadratic interpolation is good.
             */
            const NAME(vec) ab = fa[g] - fb[g], cb = fc[g] - fb[g], ca = fc[g] - fa[g];
            const NAME(vec) width = b[g] - a[g], back = c[g] - a[g];
            const NAME(vec) whole = SIZE(b[g] - c[g]);
            const NAME(bits) good = (ab * ab * whole < cb * cb * SIZE(width)) &
                                    (ca * ca * whole < cb * cb * SIZE(back));
            const NAME(vec) quadratic =
                fa[g] / cb * (fc[g] / ab + back * fb[g] / (width * ca));
            const NAME(bits) smooth = good & (quadratic > 0) & (quadratic < 1);
            const NAME(vec) move =
                width * PICK(smooth, quadratic, (NAME(vec)){0} + 0.5);
            /* A step is not so short that the root could stay ahead of it for ever: the
               bracket closes from both ends. */
            const NAME(vec) far = SIZE(width) - TOLERANCE;
            const NAME(bits) near = SIZE(move)<TOLERANCE, past = SIZE(move)> far;
            const NAME(vec) length =
                PICK(near, (NAME(vec)){0} + TOLERANCE, PICK(past, far, SIZE(move)));
            step[g] = PICK(width > 0, length, -length);
            const NAME(bits) here = f == 0, there = fb[g] == 0;
            const NAME(bits) done = (SIZE(width) <= 2 * TOLERANCE) | here | there;
            const NAME(bits) ends = left[g] & done;
            const NAME(vec) final = PICK(here, at, PICK(there, b[g], at + move));
            a[g] = PICK(ends, final, a[g]);
            b[g] = PICK(ends, final, b[g]);
            left[g] &= ~done;
            any |= left[g];
        }
        more = false;
        for (int l = 0; l < LANES; l++) more |= any[l] != 0;
    }
    for (int g = 0; g < GROUPS; g++) VEC(root + from + g * LANES) = a[g];
}

static TARGET void NAME(find_roots)(const matrix *t, const brackets *in, double *root)
{
    for (int i = 0; i < POINTS; i += LANES * GROUPS) NAME(roots)(t, in, i, root);
}
