/** hesse: the ways in which functions fail.
 *
 *  These conventions hold for every function of the library and are not repeated:
 *    - arrays are row-major and have double precision, sizes are in elements;
 *    - `in` arguments are const and borrowed for the call; `out` objects belong to the
 *      caller, who gives them to the matching _free (which accepts NULL);
 *    - a function is Local (any rank may call it alone) or Collective (every rank of
 * the team calls it, with equal arguments, and gets the same status);
 *    - a function that returns a status refuses a size or an enumeration out of range
 * with HESSE_E_JOB, and also NULL, unless its comment says that NULL is legal; other
 * functions need an object that exists, and give NULL, 0 or "unknown" for an index or
 * an enumeration out of range. */
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
    HESSE_E_NUMERIC = 5, /* a result is not finite, or a check is out of bounds      */
    HESSE_E_OUTPUT = 6,  /* a result could not be written                            */
    HESSE_E_STOPPED = 75 /* a signal ended the run; the finished work is
                            safe */
} hesse_status;

/** The reason why a function failed: one line, which names the file, key or line, the
 * value that was found and the one that was expected. It has no full stop or newline at
 * the end. */
typedef struct hesse_why {
    char text[1024];
} hesse_why;

/** Local. Write the reason into `why` as printf does, and return s, so that one
 * statement does both: `return hesse_fail(why, HESSE_E_INPUT, "%s: ...", path);`. A
 * NULL `why` drops the reason. */
hesse_status hesse_fail(hesse_why *why, hesse_status s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Local. The version of the library that is linked, such as "0.2.0". */
const char *hesse_version(void);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_STATUS_H */
