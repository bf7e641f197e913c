/** The choice of examples, and checks that options are in range. */
#ifndef HESSE_DATA_CHOOSE_H
#define HESSE_DATA_CHOOSE_H

#include "base/random.h"
#include "hesse/data.h"
#include "hesse/status.h"

enum { HESSE_USUAL_EXAMPLES = 16, HESSE_MOST_EXAMPLES = 1 << 24 };

/** A choice among candidates that are looked at one after the other. */
typedef struct hesse_choice {
    size_t left;   /* candidates that were not looked at yet            */
    size_t wanted; /* number of them that must still be taken           */
    bool shuffle;  /* they are chosen at random; false: the first ones  */
    uint64_t seed;
    hesse_purpose purpose;
} hesse_choice;

/** Local. Begins a choice of options->sequences examples, or, when that is 0, of all
 *  that are available, at most HESSE_USUAL_EXAMPLES unless options->all.
 *
 *  path, what  [in]  name the file and its candidates in the message.
 *  Errors: HESSE_E_INPUT when too few are available, or none. */
hesse_status hesse_choice_begin(const hesse_data_options *options,
                                hesse_purpose purpose, size_t available,
                                const char *path, const char *what,
                                hesse_choice *choice, hesse_why *why);

/** Local. True if the next candidate is taken. This is selection sampling: the chance
 * of each candidate is such that the wanted number is reached.
 *
 *  i  [in]  a number of the candidate, different for each; it selects the random
 *           number.
 *  Source: Knuth, The Art of Computer Programming, vol. 2, section 3.4.2, algorithm
 *  S. */
bool hesse_choice_takes(hesse_choice *choice, size_t i);

/** A quantity and its limits, both included. */
typedef struct hesse_limits {
    const char *name;
    double value, least, most;
} hesse_limits;

/** Local. Errors: HESSE_E_JOB for the first quantity out of its limits. */
hesse_status hesse_check_limits(const hesse_limits *list, size_t count, hesse_why *why);

#endif /* HESSE_DATA_CHOOSE_H */
