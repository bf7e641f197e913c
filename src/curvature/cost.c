/* A time is a number of operations over a rate. Two things cannot be derived from
   rates: how far a solver stays below DGEMM, and how fast ranks communicate. They are
   numbers fitted to measurements: docs/scaling.md. */
#include "curvature/cost.h"

#include "spectra/engines/bulge.h"

#include <math.h>

/* Panels take this many times as long as the products and loops with which the rates
   were measured, because those have their operands in the cache. */
static const double PRODUCTS = 1.6, ELEMENTS = 1.5;

/* Seconds to put a number and its mirror image into the matrix. */
static const double PLACING = 4.5e-9;

/* Communication between ranks: bytes per second of each rank, and seconds per
   message. */
static const double BANDWIDTH = 2e9, LATENCY = 5e-6;

/* The libraries take this many times as long for the tridiagonal matrix as the engine
   `band` on one rank. */
static const double SERIAL = 9;

/* Fractions of the rate of DGEMM, if 4/3 n^3 operations are counted. */
typedef struct efficiency {
    double values, vectors;
} efficiency;

static efficiency of_engine(hesse_engine engine)
{
    switch (engine) {
    case HESSE_ENGINE_BAND:
        return (efficiency){0.9, 0};
    case HESSE_ENGINE_ELPA:
        return (efficiency){0.28, 0.14};
    case HESSE_ENGINE_SCALAPACK:
        return (efficiency){0.21, 0.12};
    default:
        return (efficiency){0.55, 0.16};
    }
}

double hesse_cost_panels(const hesse_rates *rates, hesse_work work)
{
    return PRODUCTS * work.products / rates->panels +
           ELEMENTS * work.elements / rates->elements;
}

/* The factors are a fraction of the rate of DGEMM and a multiple of the time of the
   loops. From width 16 to GPT-2 small, for one vector to 24, the sum is within a third
   of the measured time. */
double hesse_cost_products(const hesse_rates *rates, hesse_work work)
{
    return work.products / (0.65 * rates->dgemm) +
           4.5 * work.elements / rates->elements;
}

/* n rows of a panel are sent and received, once as they are and once mirrored. */
double hesse_cost_exchange(double n, int ranks, int panel)
{
    const double rounds = ceil(n / panel / ranks), rows = n / 2;
    const double bytes = 2 * sizeof(double) * rows * panel * (ranks - 1) / ranks;
    const double messages = rounds * (bytes / BANDWIDTH + ranks * LATENCY);
    return PLACING * n * n / ranks + (ranks > 1 ? messages : 0);
}

/* Return the seconds of the messages of the engine `band`: the tall matrices of the
   reduction, along rows and columns of the grid, and the columns that sweeps bring to
   the next rank and back. */
static double band_messages(double n, int ranks)
{
    if (ranks == 1) return 0;
    const double panels = n / HESSE_BAND, sides = sqrt(ranks);
    const double tall = 4 * sizeof(double) * HESSE_BAND * n / 2;
    const double zones = 4 * sizeof(double) * HESSE_BAND * HESSE_BAND * n;
    return panels * (tall / sides / BANDWIDTH + 12 * log2(ranks) * LATENCY) +
           zones / BANDWIDTH;
}

static double cost_band(const hesse_rates *rates, double n, int ranks)
{
    const double products = 4.0 / 3 * n * n * n / ranks;
    const double factors = 12 * HESSE_BAND * n * n / sqrt(ranks); /* of the panels */
    const double chase = 6 * HESSE_BAND * n * n / ranks;
    return products / (of_engine(HESSE_ENGINE_BAND).values * rates->dgemm) +
           factors / rates->dgemm + chase / rates->chase +
           n * n / ranks / rates->tridiagonal + band_messages(n, ranks);
}

/* Vectors are not full at the edges of a small matrix, and its tridiagonal form takes
   time, too; both grow like n^2. */
static double cost_small(const hesse_rates *rates, double n)
{
    return 4.0 / 3 * n * n * n / (0.9 * rates->dgemm) +
           0.35 * n * n / rates->tridiagonal;
}

double hesse_cost_eigen(const hesse_rates *rates, hesse_engine engine, double n,
                        int ranks, bool vectors)
{
    if (engine == HESSE_ENGINE_BAND) return cost_band(rates, n, ranks);
    if (engine == HESSE_ENGINE_SMALL) return cost_small(rates, n);
    const efficiency x = of_engine(engine);
    const double rate = (vectors ? x.vectors : x.values) * rates->dgemm;
    const double sharing = engine == HESSE_ENGINE_LAPACK ? 1 : ranks;
    return 4.0 / 3 * n * n * n / sharing / rate + SERIAL * n * n / rates->tridiagonal;
}
