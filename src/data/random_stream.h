/** Random numbers of one example, drawn one after the other: where rejection decides how many
 *  are needed, a counter for each of them cannot be known before. */
#ifndef HESSE_DATA_RANDOM_STREAM_H
#define HESSE_DATA_RANDOM_STREAM_H

#include "base/random.h"

#include <stdint.h>

typedef struct hesse_random_stream {
    uint64_t seed, uniforms, normals; /* the next of each */
} hesse_random_stream;

static inline hesse_random_stream hesse_random_stream_of(uint64_t seed,
                                                         uint64_t example)
{
    return (hesse_random_stream){seed, example << 32, example << 32};
}

static inline double hesse_draw(hesse_random_stream *d)
{
    return hesse_uniform(d->seed, HESSE_RANDOM_TASK, d->uniforms++);
}

/** 0 ... sides - 1. */
static inline int hesse_draw_whole(hesse_random_stream *d, int sides)
{
    return (int)(hesse_draw(d) * sides);
}

static inline double hesse_draw_normal(hesse_random_stream *d)
{
    return hesse_normal(d->seed, (hesse_purpose)(HESSE_RANDOM_TASK + 1), d->normals++);
}

#endif /* HESSE_DATA_RANDOM_STREAM_H */
