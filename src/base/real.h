/** The type of the numbers of tapes, sweeps and matrices. Code that is compiled with
 *  HESSE_SINGLE has float, which needs half of the memory and has twice the lanes in a
 *  vector: the analysis for previews, curvature/single.h. Parameters, gradients, data,
 *  eigenvalues and sums stay double. */
#ifndef HESSE_BASE_REAL_H
#define HESSE_BASE_REAL_H

#include "base/memory.h"
#include "base/simd.h"

#include <math.h>
#include <stddef.h>

/* HESSE_REAL_HIDDEN: scores up to this number are hidden. Scores that are almost minus
   infinity in double are minus infinity in float. HESSE_REAL_SMALLEST: an exponent e
   from which on 2^-e is finite. HESSE_REAL_NEGLIGIBLE: squares below this one lose
   digits to underflow. */
#ifdef HESSE_SINGLE
typedef float real;
#define HESSE_CBLAS(name)     cblas_s##name
#define HESSE_LAPACK(name)    s##name##_
#define HESSE_SCALAPACK(name) ps##name##_
#define HESSE_REAL_HIDDEN     -INFINITY
#define HESSE_REAL_SMALLEST   -120
#define HESSE_REAL_NEGLIGIBLE 1e-30f
#else
typedef double real;
#define HESSE_CBLAS(name)     cblas_d##name
#define HESSE_LAPACK(name)    d##name##_
#define HESSE_SCALAPACK(name) pd##name##_
#define HESSE_REAL_HIDDEN     -1e300
#define HESSE_REAL_SMALLEST   -1000
#define HESSE_REAL_NEGLIGIBLE 1e-280
#endif

/** The numbers in 32 and in 64 bytes; 64 bytes are also a line of the cache. */
enum { HESSE_REALS_32 = 32 / sizeof(real), HESSE_REALS_64 = 64 / sizeof(real) };

/** True if reals are not doubles. */
enum { HESSE_REALS_DIFFER = sizeof(real) != sizeof(double) };

/** Local. Return the numbers of the widest vector register that is used. */
static inline int hesse_real_lanes(void)
{
    return hesse_simd_lanes() * (int)(sizeof(double) / sizeof(real));
}

/** Local. As hesse_alloc, for count reals. */
static inline real *hesse_alloc_real(size_t count)
{
    const size_t each = sizeof(double) / sizeof(real);
    return (real *)hesse_alloc(count / each + count % each);
}

/** Local. Return borrowed doubles as reals: x itself, or its copy if the types differ.
 */
static inline const real *hesse_reals_of(size_t count, const double *x, real *copy)
{
#ifdef HESSE_SINGLE
    for (size_t i = 0; i < count; i++) copy[i] = (real)x[i];
    return copy;
#else
    (void)count, (void)copy;
    return x;
#endif
}

/** Local. Return reals as doubles: x itself, or its copy if the types differ. */
static inline const double *hesse_doubles_of(size_t count, const real *x, double *copy)
{
#ifdef HESSE_SINGLE
    for (size_t i = 0; i < count; i++) copy[i] = (double)x[i];
    return copy;
#else
    (void)count, (void)copy;
    return x;
#endif
}

#endif /* HESSE_BASE_REAL_H */
