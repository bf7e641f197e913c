/** A stream of random numbers for one example, drawn one after the other. If a method
 * rejects some numbers, it cannot know the counter of each number in advance. */
#ifndef HESSE_DATA_RANDOM_STREAM_H
#define HESSE_DATA_RANDOM_STREAM_H

#include "base/random.h"

#include <stdint.h>

typedef struct hesse_random_stream {
    uint64_t seed, uniforms, normals; /* counters of the next numbers */
} hesse_random_stream;

static inline hesse_random_stream hesse_random_stream_of(uint64_t seed,
                                                         uint64_t example)
{
    return (hesse_random_stream){seed, example << 32, example << 32};
}

/** Uniform in [0, 1). */
static inline double hesse_draw(hesse_random_stream *stream)
{
    return hesse_uniform(stream->seed, HESSE_RANDOM_TASK, stream->uniforms++);
}

/** An integer from 0 to end - 1. */
static inline int hesse_draw_integer(hesse_random_stream *stream, int end)
{
    return (int)(hesse_draw(stream) * end);
}

static inline double hesse_draw_normal(hesse_random_stream *stream)
{
    return hesse_normal(stream->seed, (hesse_purpose)(HESSE_RANDOM_TASK + 1),
                        stream->normals++);
}

#endif /* HESSE_DATA_RANDOM_STREAM_H */
