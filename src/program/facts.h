/** Facts about the program, its libraries and the machine: lines for people, or members
 * of a JSON object. Both come from the same call. */
#ifndef HESSE_PROGRAM_FACTS_H
#define HESSE_PROGRAM_FACTS_H

#include "files/json_write.h"

/** Local. Print a fact as a line, or, if `json` is not NULL, put it there. Its name in
 * JSON has small letters, and an underline for everything else between them.
 *
 *  value  [in]  for JSON; NULL: the text. It belongs to this function from here on. */
void hesse_fact(hesse_json *json, const char *name, json_t *value, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

/** Local. The facts that need no running MPI: commit, compiler and libraries. */
void hesse_facts_of_program(hesse_json *json);

#endif /* HESSE_PROGRAM_FACTS_H */
