/* A time is a number of operations over a rate, or of bytes over a bandwidth. It cannot
   be derived from rates how far a solver stays below DGEMM, and what a message costs
   its sender. These numbers are fitted to measurements: docs/scaling.md. */
#include "curvature/cost.h"

#include "spectra/engines/band.h"

#include <limits.h>
#include <math.h>

/* Panels take this many times as long as the products and loops with which the rates
   were measured, because those have their operands in the cache. */
static const double PRODUCTS = 1.3, ELEMENTS = 2.0;

/* Seconds to put a number into the matrix. */
static const double PLACING = 4.5e-9;

/* Seconds in which a rank begins and ends a message, besides its way. */
static const double MESSAGE = 5e-6;

/* The libraries take this many times as long for the tridiagonal matrix as the engine
   `band` on one rank. */
static const double SERIAL = 27;

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

/* The rows of a panel from its own columns on, n / 2 on average, go to their owners,
   and their mirror images if both triangles are needed. The panels of a round have the
   same owners, so that some rank sends or receives a whole panel. Messages to several
   ranks are on their way at the same time. */
double hesse_cost_exchange(const hesse_rates *rates, double n, int ranks, int panel,
                           bool both)
{
    const double rounds = ceil(n / panel / ranks), rows = both ? n : n / 2;
    const double bytes = sizeof(double) * rows * panel;
    const double messages =
        rounds * (bytes / rates->bandwidth + rates->latency + ranks * MESSAGE);
    return PLACING * n * rows / ranks + (ranks > 1 ? messages : 0);
}

/* Return the seconds of the messages of the reduction. Each panel is gathered on one
   rank, its reflections are sent to all, and a matrix as large is added up and shared
   out. The bytes are counted in those of a sum over all ranks, which sends and receives
   all segments but the own one twice (parallel/team.c). */
static double reduction_messages(const hesse_rates *rates, double n, int ranks)
{
    const double panels = n / HESSE_BAND, parts = 2 * (1 - 1.0 / ranks);
    const double bytes = 2.5 * parts * sizeof(double) * HESSE_BAND * n / 2;
    return ranks > 1
               ? panels * (bytes / rates->bandwidth + 12 * log2(ranks) * rates->latency)
               : 0;
}

/* Return the seconds of the chase on its ranks. Groups of sweeps cross the border
   between two ranks one after the other. A group takes columns along, and they come
   back before the next group may cross. */
static double chase_seconds(const hesse_rates *rates, double n, int ranks)
{
    const int active = hesse_band_ranks((int)fmin(n, INT_MAX), ranks);
    const double work = 6 * HESSE_BAND * n * n / active / rates->chase;
    const double groups = active > 1 ? n / HESSE_CHASE_GROUP : 0;
    const double bytes = sizeof(double) * HESSE_CHASE_ZONE * 2 * HESSE_BAND;
    return fmax(work, groups * 2 * (bytes / rates->bandwidth + rates->latency));
}

static double cost_band(const hesse_rates *rates, double n, int ranks)
{
    const double products = 4.0 / 3 * n * n * n / ranks;
    const double factors = 12 * HESSE_BAND * n * n / sqrt(ranks); /* of the panels */
    return products / (of_engine(HESSE_ENGINE_BAND).values * rates->dgemm) +
           factors / rates->dgemm + chase_seconds(rates, n, ranks) +
           n * n / ranks / rates->tridiagonal + reduction_messages(rates, n, ranks);
}

/* Vectors are not full at the edges of a small matrix, and its tridiagonal form takes
   time, too; both grow like n^2. */
static double cost_small(const hesse_rates *rates, double n)
{
    return 4.0 / 3 * n * n * n / (0.9 * rates->dgemm) +
           2.7 * n * n / rates->tridiagonal;
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
