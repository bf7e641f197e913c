/** The speed of a core and of the network, by which costs become seconds. */
#ifndef HESSE_CURVATURE_RATES_H
#define HESSE_CURVATURE_RATES_H

#include "hesse/status.h"

enum { HESSE_RATES_ORDER = 512 };

/** Rates of one core and of the messages of its rank, while the other ranks work,
 * too. */
typedef struct hesse_rates {
    double dgemm;    /* operations a second: BLAS, order HESSE_RATES_ORDER           */
    double panels;   /* of hesse_gemm on a panel of 32 tokens, by weights of 64 x 64 */
    double elements; /* numbers a second: tangents of a LayerNorm                    */
    double chase;    /* operations a second from a band to a tridiagonal matrix      */
    double tridiagonal; /* n^2 a second: all eigenvalues of a tridiagonal matrix    */
    double bandwidth;   /* bytes a second that leave a rank                         */
    double latency;     /* seconds of a short message                               */
} hesse_rates;

/** The rates of the machine to which the cost was fitted (docs/scaling.md). */
extern const hesse_rates hesse_rates_nominal;

/** Local. Measure the rates of a core; those of messages are the nominal ones
 * (parallel/network.h measures them). The best of several runs counts. It takes about a
 * twentieth of a second. Memory: 6 MB. Errors: HESSE_E_NOMEM. */
hesse_status hesse_rates_measure(hesse_rates *rates, hesse_why *why);

#endif /* HESSE_CURVATURE_RATES_H */
