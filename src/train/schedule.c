/* Learning rates and the order of examples: functions of the number of a step alone, so
   a run that goes on later needs no state of theirs. */
#include "train/schedule.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

double hesse_rate_factor(const hesse_rate_schedule *schedule, int64_t t, int64_t steps)
{
    const double w = schedule->warmup, left = (double)steps - w;
    if ((double)t < w) return ((double)t + 1) / w;
    const double p = left > 0 ? ((double)t - w) / left : 1;
    switch (schedule->kind) {
    case HESSE_SCHEDULE_LINEAR:
        return 1 + (schedule->final - 1) * p;
    case HESSE_SCHEDULE_COSINE:
        return schedule->final + (1 - schedule->final) * (1 + cos(acos(-1) * p)) / 2;
    case HESSE_SCHEDULE_STEP:
        return pow(schedule->factor, floor(((double)t - w) / schedule->every));
    default:
        return 1;
    }
}

/* Fisher and Yates' shuffle with the random numbers of a pass. */
static void shuffle(hesse_stream_of_examples *s, int64_t pass)
{
    const uint64_t first = (uint64_t)pass * (uint64_t)s->examples;
    for (int i = 0; i < s->examples; i++) s->shuffled[i] = i;
    for (int i = s->examples - 1; i > 0; i--) {
        const double u =
            hesse_uniform(s->seed, HESSE_RANDOM_ORDER, first + (uint64_t)i);
        const int j = (int)(u * (i + 1)), held = s->shuffled[i];
        s->shuffled[i] = s->shuffled[j], s->shuffled[j] = held;
    }
    s->pass = pass;
}

bool hesse_stream_begin(hesse_stream_of_examples *s, int examples, bool shuffled,
                        uint64_t seed)
{
    *s = (hesse_stream_of_examples){.examples = examples, .seed = seed, .pass = -1};
    if (!shuffled) return true;
    s->shuffled = hesse_calloc((size_t)examples, sizeof *s->shuffled);
    return s->shuffled;
}

void hesse_stream_take(hesse_stream_of_examples *s, int64_t step, int batch,
                       int *indices)
{
    for (int i = 0; i < batch; i++) {
        const int64_t at = step * batch + i, pass = at / s->examples;
        const int place = (int)(at % s->examples);
        if (s->shuffled && pass != s->pass) shuffle(s, pass);
        indices[i] = s->shuffled ? s->shuffled[place] : place;
    }
}

void hesse_stream_end(hesse_stream_of_examples *s)
{
    free(s->shuffled);
    s->shuffled = NULL;
}
