/** A result file as JSON. */
#ifndef HESSE_OUTPUT_SHOW_JSON_H
#define HESSE_OUTPUT_SHOW_JSON_H

#include "files/json_write.h"

/** Local, serial. Put everything in a file that `hesse_result_show` reads into an
 * answer: "file", "attributes" of the root, "groups" with attributes, "datasets" with
 * shape, axes, attributes and values, and "shares", the tables of blocks as records.
 * Values of datasets with more than HESSE_JSON_VALUES entries are null.
 *
 *  Errors: those of hesse_result_show; the answer then is incomplete. */
hesse_status hesse_result_json(const char *path, hesse_json *answer, hesse_why *why);

enum { HESSE_JSON_VALUES = 100000 };

#endif /* HESSE_OUTPUT_SHOW_JSON_H */
