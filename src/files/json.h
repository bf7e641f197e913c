/** JSON from files that are not trusted. */
#ifndef HESSE_FILES_JSON_H
#define HESSE_FILES_JSON_H

#include "hesse/status.h"

#include <jansson.h>

/** Local. Parse an object from text. A key that occurs twice in one object is an error.
 *
 *  what  [in]   names the text in messages: a file's path.
 *  root  [out]  the caller gives it to json_decref.
 *  Errors: HESSE_E_INPUT with line and column; HESSE_E_NOMEM. */
hesse_status hesse_json_parse(const char *what, const char *text, size_t length,
                              json_t **root, hesse_why *why);

/** Local. The same from a file. */
hesse_status hesse_json_load(const char *path, json_t **root, hesse_why *why);

enum { HESSE_JSON_SHOWN = 64 };

/** Local. A value for a message, in ASCII and cut short; "missing" for NULL. */
void hesse_json_show(const json_t *value, char shown[HESSE_JSON_SHOWN]);

#endif /* HESSE_FILES_JSON_H */
