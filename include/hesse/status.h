/** hesse: how functions fail.
 *
 *  Conventions that hold for every function of the library, and are not repeated:
 *    - arrays are row-major, double precision, sizes in elements;
 *    - `in` arguments are const and borrowed for the call; `out` objects belong to the
 *      caller, who gives them to the matching _free (which accepts NULL);
 *    - a function is Local (any rank may call it alone) or Collective (every rank of
 * the team calls it, with equal arguments, and gets the same status);
 *    - a function that returns a status refuses a size or an enumeration out of range,
 * and a NULL that is not said to be legal, with HESSE_E_JOB; of other functions the
 * object that they ask must be there, and an index or an enumeration out of range gives
 * NULL, 0 or "unknown".
 */
#ifndef HESSE_STATUS_H
#define HESSE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/** Zero is success; an error is also the program's exit status. When ranks disagree,
 *  the largest wins. */
typedef enum hesse_status {
    HESSE_OK = 0,
    HESSE_E_JOB = 2,     /* an argument, the command line or the job file is wrong   */
    HESSE_E_INPUT = 3,   /* an input file is missing, damaged or of the wrong shape  */
    HESSE_E_NOMEM = 4,   /* it would not fit in memory                               */
    HESSE_E_NUMERIC = 5, /* a result is not finite, or its proof is out of bounds    */
    HESSE_E_OUTPUT = 6,  /* a result could not be written                            */
    HESSE_E_STOPPED = 75 /* somebody wanted the run to end; what was done is safe    */
} hesse_status;

/** Why a function failed: one line naming the file, key or line, what was found and
 *  what was expected; without a trailing full stop or newline. */
typedef struct hesse_why {
    char text[1024];
} hesse_why;

/** Local. Note the reason, as printf does (where why is NULL nobody asks for it), and
 * return s, so that `return hesse_fail(why, HESSE_E_INPUT, "%s: ...", path);` does
 * both. */
hesse_status hesse_fail(hesse_why *why, hesse_status s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif /* HESSE_STATUS_H */
