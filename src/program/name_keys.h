/** Messages of the library name files and quantities, and the program adds the keys. */
#ifndef HESSE_PROGRAM_NAME_KEYS_H
#define HESSE_PROGRAM_NAME_KEYS_H

#include "hesse/status.h"
#include "job/job.h"

/** Local. Append to a message the keys of the job that it is about: those whose term it
 *  has (`term` in the table of keys) or, if it has none, that of the file which it
 *  begins with. */
void hesse_name_keys(const hesse_job *job, hesse_why *why);

#endif /* HESSE_PROGRAM_NAME_KEYS_H */
