/** How long things take, from their sizes and the rates of a core; docs/scaling.md has
 * the formulas, what they were fitted to and how well they hold. All are in seconds. */
#ifndef HESSE_CURVATURE_COST_H
#define HESSE_CURVATURE_COST_H

#include "curvature/rates.h"
#include "hesse/spectrum.h"
#include "network/workload.h"

/** Local. Panels on one rank. */
double hesse_cost_panels(const hesse_rates *rates, hesse_work work);

/** Local. Products of the Hessian with dense vectors, on one rank. */
double hesse_cost_products(const hesse_rates *rates, hesse_work work);

/** Local. Taking the panels of a matrix of order n to their owners, for each of `ranks`
 *  ranks, while panels are of so many columns; beside the panels themselves. */
double hesse_cost_exchange(double n, int ranks, int panel);

/** Local. Eigenvalues of order n, with eigenvectors or without, on `ranks` ranks. */
double hesse_cost_eigen(const hesse_rates *rates, hesse_engine engine, double n,
                        int ranks, bool vectors);

#endif /* HESSE_CURVATURE_COST_H */
