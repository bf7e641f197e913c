/** hesse: data that are made from a seed. */
#ifndef HESSE_GENERATOR_H
#define HESSE_GENERATOR_H

#include "hesse/data.h"

/** The tasks of the papers whose data are drawn. */
typedef enum hesse_generator {
    HESSE_GENERATOR_NONE,
    HESSE_GENERATOR_GAUSSIAN, /* x of N(0, I), a label at random                     */
    HESSE_GENERATOR_CLUSTERS, /* x near the centre of its class, on the unit sphere  */
    HESSE_GENERATOR_REGRESSION, /* linear regression in context                        */
    HESSE_GENERATOR_ADDITION,  /* of numbers with five digits                         */
    HESSE_GENERATOR_PATHFINDER /* images: do the markers lie on one contour?          */
} hesse_generator;

#endif /* HESSE_GENERATOR_H */
