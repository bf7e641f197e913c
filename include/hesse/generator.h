/** hesse: data that are made from a seed. */
#ifndef HESSE_GENERATOR_H
#define HESSE_GENERATOR_H

#ifdef __cplusplus
extern "C" {
#endif

/** The tasks of the papers whose data are drawn. */
typedef enum hesse_generator {
    HESSE_GENERATOR_NONE,
    HESSE_GENERATOR_GAUSSIAN, /* x of N(0, I), a label at random                     */
    HESSE_GENERATOR_CLUSTERS, /* x near the centre of its class, on the unit sphere  */
    HESSE_GENERATOR_REGRESSION, /* linear regression in context                        */
    HESSE_GENERATOR_ADDITION,  /* of numbers with five digits                         */
    HESSE_GENERATOR_PATHFINDER /* images: do the markers lie on one contour?          */
} hesse_generator;

/** What x of a regression is. */
typedef enum hesse_covariates {
    HESSE_COVARIATES_NORMAL, /* N(0, I)                                                */
    HESSE_COVARIATES_SPHERE, /* uniform on the unit sphere                             */
    HESSE_COVARIATES_GAMMA   /* the same, times the root of a number of the gamma
                                distribution of a shape and of variance 10: heavy tails */
} hesse_covariates;

/** Start it from {0}: 0 is the usual value, named in brackets. */
typedef struct hesse_recipe {
    hesse_generator generator;
    int features; /* numbers of x (gaussian, clusters: 500; regression: 5)     */
    int classes;  /* of labels (gaussian, clusters: 500)                       */
    double noise; /* deviation about a centre (clusters: 0.05)                 */
    int examples; /* before the question (regression: 20)                      */
    double shape; /* of the gamma distribution (0.1)                           */
    int contour;  /* segments of a contour (pathfinder: 14)                    */
    hesse_covariates covariates;
} hesse_recipe;

#ifdef __cplusplus
}
#endif

#endif /* HESSE_GENERATOR_H */
