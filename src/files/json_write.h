/** JSON that is printed for other programs: an answer is one object. */
#ifndef HESSE_FILES_JSON_WRITE_H
#define HESSE_FILES_JSON_WRITE_H

#include "hesse/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/** The version of the form of all answers. docs/json.md says when it changes. */
enum { HESSE_JSON_FORMAT = 1 };

/** An answer while it is made. A failure, which is always a lack of memory, is kept. */
typedef struct hesse_json {
    json_t *root;
    bool failed;
} hesse_json;

/** Local. Begin an answer with its format, the version of the program and the command.
 * It is freed by hesse_json_end. */
hesse_json hesse_json_begin(const char *version, const char *command);

/** Local. Put a value into an object under a name, or at the end of a list. The value
 * belongs to the object or the list from here on; NULL is a failure. Returns the
 * value, which may be NULL after a failure. */
json_t *hesse_json_set(hesse_json *j, json_t *object, const char *name, json_t *value);
json_t *hesse_json_append(hesse_json *j, json_t *list, json_t *value);

/** Local. A number. JSON has no NaN, which becomes null, and no infinite numbers, which
 * become the texts "Infinity" and "-Infinity". NULL when memory is exhausted. */
json_t *hesse_json_number(double x);

/** Local. A text; bytes that are not UTF-8 become question marks. NULL when memory is
 * exhausted. */
json_t *hesse_json_text(const char *text);

/** Local. Print the answer if `out` is not NULL, and free it. The caller must check
 * that writing to `out` succeeded. Errors: HESSE_E_NOMEM. */
hesse_status hesse_json_end(hesse_json *j, FILE *out, hesse_why *why);

#endif /* HESSE_FILES_JSON_WRITE_H */
