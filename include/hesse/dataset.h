/** hesse: a dataset: examples from files, or drawn from a seed. It knows no network. */
#ifndef HESSE_DATASET_H
#define HESSE_DATASET_H

#include "hesse/data.h"
#include "hesse/team.h"

#endif /* HESSE_DATASET_H */
