/** The report of checks: a line for each, with the number that was found and its bound,
 * on standard output of rank 0; or all of them as JSON. */
#ifndef HESSE_PROGRAM_REPORT_H
#define HESSE_PROGRAM_REPORT_H

#include "files/json_write.h"
#include "hesse/team.h"
#include "program/options.h"

/** The first check that fails is kept, and the others are done, too. */
typedef struct hesse_report {
    hesse_team *team;
    const char *command; /* begins the message of a failure */
    bool lines;          /* on rank 0, without --json       */
    FILE *out;           /* of the JSON; NULL: none         */
    hesse_json json;
    json_t *list;
    int checks;
    hesse_status failed;
    hesse_why first;
} hesse_report;

/** Local. Begin the report of a command. It is freed by hesse_report_end. */
hesse_report hesse_report_begin(hesse_team *team, const hesse_options *options);

/** Local. Print a line of text, or put a number into the JSON. */
void hesse_report_line(const hesse_report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void hesse_report_number(hesse_report *r, const char *name, double value);

/** Collective. A check that a figure is at most its bound. The ranks agree on the
 * outcome, because their figures may differ by rounding. */
void hesse_report_check(hesse_report *r, const char *what, double figure, double bound);

/** Collective. End a command that has this status: print the JSON, also if a check has
 * failed. Returns the status, or that of the first check that failed, with its
 * reason: HESSE_E_NUMERIC. */
hesse_status hesse_report_end(hesse_report *r, hesse_status status);

#endif /* HESSE_PROGRAM_REPORT_H */
