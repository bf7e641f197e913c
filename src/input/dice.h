/** Random numbers of one example, drawn one after the other: where rejection decides how many
 *  are needed, a counter for each of them cannot be known before. */
#ifndef HESSE_INPUT_DICE_H
#define HESSE_INPUT_DICE_H

#include "base/random.h"

#include <stdint.h>

typedef struct hesse_dice {
    uint64_t seed, uniforms, normals; /* the next of each */
} hesse_dice;

static inline hesse_dice hesse_dice_of(uint64_t seed, uint64_t example)
{
    return (hesse_dice){seed, example << 32, example << 32};
}

static inline double hesse_roll(hesse_dice *d)
{
    return hesse_uniform(d->seed, HESSE_RANDOM_TASK, d->uniforms++);
}

/** 0 ... sides - 1. */
static inline int hesse_roll_whole(hesse_dice *d, int sides)
{
    return (int)(hesse_roll(d) * sides);
}

static inline double hesse_roll_normal(hesse_dice *d)
{
    return hesse_normal(d->seed, (hesse_purpose)(HESSE_RANDOM_TASK + 1), d->normals++);
}

#endif /* HESSE_INPUT_DICE_H */
