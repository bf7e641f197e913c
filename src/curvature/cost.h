/** The time of each kind of work, in seconds, from its size and the rates of a core.
 * docs/scaling.md has the formulas, the measurements they were fitted to, and their
 * accuracy. */
#ifndef HESSE_CURVATURE_COST_H
#define HESSE_CURVATURE_COST_H

#include "curvature/rates.h"
#include "hesse/spectrum.h"
#include "network/workload.h"

/** Local. Return the seconds of panels on one rank. */
double hesse_cost_panels(const hesse_rates *rates, hesse_work work);

/** Local. Return the seconds of products of the Hessian with dense vectors, on one
 * rank.
 */
double hesse_cost_products(const hesse_rates *rates, hesse_work work);

/** Local. Return the seconds in which each of `ranks` ranks sends the panels of a
 * matrix of order n to their owners, for panels of `panel` columns. If `both` triangles
 * are needed, twice as much is sent. The computation of the panels is not included. */
double hesse_cost_exchange(const hesse_rates *rates, double n, int ranks, int panel,
                           bool both);

/** Local. Return the seconds of the eigenvalues of order n, with eigenvectors or
 * without, on `ranks` ranks. */
double hesse_cost_eigen(const hesse_rates *rates, hesse_engine engine, double n,
                        int ranks, bool vectors);

#endif /* HESSE_CURVATURE_COST_H */
