/** The inside of an optimiser, for the files of this room. */
#ifndef HESSE_TRAIN_OPTIMISER_H
#define HESSE_TRAIN_OPTIMISER_H

#include "hesse/train.h"
#include "objective/network.h"

enum { HESSE_MOST_VECTORS = 3 };

/** The rule that a parameter follows. */
typedef enum hesse_rule {
    HESSE_RULE_NONE, /* it is not trained */
    HESSE_RULE_SGD,
    HESSE_RULE_SIGN,
    HESSE_RULE_RMSPROP,
    HESSE_RULE_ADAM,
    HESSE_RULE_MUON
} hesse_rule;

struct hesse_optimiser {
    const hesse_network *network; /* borrowed */
    hesse_optimiser_settings settings;
    hesse_rule *rules; /* [tensors] */
    bool *decays;      /* [tensors] weight decay applies */
    int64_t steps;
    int vectors;
    const char *names[HESSE_MOST_VECTORS];
    double *vector[HESSE_MOST_VECTORS]; /* [n] each          */
    double *work;                       /* of Muon */
    size_t n_work;
};

/** Local. True if the rule of parameter i reads vector v. */
bool hesse_optimiser_uses(const hesse_optimiser *o, int v, int i);

/** Local. Return the numbers that Muon needs as work space for the network's matrices.
 */
size_t hesse_muon_work(const hesse_network *network);

/** Local. Take Muon's step for the matrix of which parameter i is the first slice.
 *
 *  momentum  [in, out]  n numbers of the whole network, as gradient and parameters. */
void hesse_muon_step(const hesse_network *network, int i,
                     const hesse_optimiser_settings *settings, double learning_rate,
                     const double *gradient, double *momentum, double *parameters,
                     double *work);

#endif /* HESSE_TRAIN_OPTIMISER_H */
