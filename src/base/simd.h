/** One binary for every processor: loops over tangents are compiled for several
 *  instruction sets, and the loader takes the widest that the processor has. */
#ifndef HESSE_BASE_SIMD_H
#define HESSE_BASE_SIMD_H

#if defined(__x86_64__) && defined(__GNUC__)
#define HESSE_X86
#endif

/* This is off under sanitizers, which cannot run before the loader has resolved such
   functions, and with clang, which gives the resolvers of static functions names that
   collide. */
#if defined(HESSE_X86) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&     \
    !defined(HESSE_SANITIZE)
#ifdef HESSE_NO_AVX512
#define HESSE_SIMD __attribute__((target_clones("fma", "default")))
#else
#define HESSE_SIMD __attribute__((target_clones("avx512f", "fma", "default")))
#endif
#else
#define HESSE_SIMD
#endif

/** Such a function is inlined into a HESSE_SIMD function, so that it is compiled for
 * the same instruction sets. */
#define HESSE_INLINE static inline __attribute__((always_inline))

/** Local. Return the doubles of the widest vector register that this build uses on this
 * processor: 8 (AVX-512), 4 (AVX2 and FMA), or 2. */
static inline int hesse_simd_lanes(void)
{
#ifdef HESSE_X86
#ifndef HESSE_NO_AVX512
    if (__builtin_cpu_supports("avx512f")) return 8;
#endif
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 4;
#endif
    return 2;
}

#endif /* HESSE_BASE_SIMD_H */
