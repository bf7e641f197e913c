/** Random numbers by counter: number i of a stream is a function of (seed, purpose, i),
 * so it does not depend on the rank that asks, on the order, or on the number of ranks.
 *  Source: Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3
 *  (SC11): Philox4x32-10. */
#ifndef HESSE_BASE_RANDOM_H
#define HESSE_BASE_RANDOM_H

#include <stdint.h>

/** The purpose of a stream: streams of two purposes are independent. */
typedef enum hesse_purpose {
    HESSE_RANDOM_WEIGHTS = 1, /* initial parameters                          */
    HESSE_RANDOM_WINDOWS,     /* choice of sequences of a token stream */
    HESSE_RANDOM_SAMPLES,     /* entries and directions that checks look at  */
    HESSE_RANDOM_DITHER,      /* noise below rounding that avoids a failure of a
                                 solver */
    HESSE_RANDOM_TESTS,
    HESSE_RANDOM_PROBES, /* start vectors of Lanczos                        */
    HESSE_RANDOM_CHOICE, /* choice of examples of a dataset                 */
    HESSE_RANDOM_MASK,   /* choice of masked tokens                 */
    HESSE_RANDOM_TASK,   /* examples that a generator makes; and those after it,
                            of which it may use several: TASK + 1, ...       */
    HESSE_RANDOM_EXTREMES = 1001, /* start of the search for extreme eigenpairs      */
    HESSE_RANDOM_SKETCH,          /* Hutch++'s sketch                                */
    HESSE_RANDOM_SIGNS,           /* Hutchinson's probes                             */
    HESSE_RANDOM_ORDER,           /* order of examples in training                   */
    HESSE_RANDOM_SHARPNESS,       /* start vectors of searches along training        */
    HESSE_RANDOM_BLOCK_ERROR,     /* vectors of the error of blocks                  */
    HESSE_RANDOM_KRONECKER,       /* start of the search for the nearest product     */
    HESSE_RANDOM_TEACHER,         /* a fixed network that labels examples            */
    HESSE_RANDOM_LANDSCAPE        /* directions of a landscape                       */
} hesse_purpose;

/** Local. 128 random bits: Philox4x32-10 of a counter and a key. */
void hesse_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t bits[4]);

/** Local. Number i of a stream: uniform in [0, 1). */
double hesse_uniform(uint64_t seed, hesse_purpose purpose, uint64_t i);

/** Local. Number i of a stream: standard normal (Box-Muller). Streams of uniform and of
 *  normal numbers of one seed and purpose are not independent: use one of the two. */
double hesse_normal(uint64_t seed, hesse_purpose purpose, uint64_t i);

#endif /* HESSE_BASE_RANDOM_H */
