/** One binary for every processor: loops over tangents are compiled for several
 *  instruction sets, and the loader takes the widest that the processor has. */
#ifndef HESSE_BASE_SIMD_H
#define HESSE_BASE_SIMD_H

#if defined(__x86_64__) && defined(__GNUC__)
#define HESSE_X86
#endif

/* Not under sanitizers, which cannot run before the loader has resolved such functions,
   nor with clang, which gives the resolvers of static functions names that collide. */
#if defined(HESSE_X86) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&     \
    !defined(HESSE_SANITIZE)
#define HESSE_SIMD __attribute__((target_clones("avx512f", "fma", "default")))
#else
#define HESSE_SIMD
#endif

/** Inlined into a function of the above, so that it is compiled as that is. */
#define HESSE_INLINE static inline __attribute__((always_inline))

#endif /* HESSE_BASE_SIMD_H */
