/** A graph as JSON, format version 1. docs/graph.md describes it. */
#ifndef HESSE_NETWORK_GRAPH_JSON_H
#define HESSE_NETWORK_GRAPH_JSON_H

#include "base/digest.h"
#include "network/graph.h"

#include <stdio.h>

/** Local. Print a graph. Errors: HESSE_E_NOMEM, HESSE_E_OUTPUT. */
hesse_status hesse_graph_print(const hesse_graph *g, FILE *file, hesse_why *why);

/** Local. Load the text of a graph from a file, or from `graph.json` in a folder; or
 *  compute the digest of this file.
 *
 *  text    [out]  the caller frees it.
 *  Errors: HESSE_E_INPUT, HESSE_E_NOMEM. */
hesse_status hesse_graph_load(const char *path, char **text, size_t *length,
                              hesse_why *why);
hesse_status hesse_graph_digest(const char *path, char digest[HESSE_DIGEST_LENGTH],
                                hesse_why *why);

/** Local. Read a graph that hesse_graph_print or another program wrote. Every operator
 *  and every size is checked, so that a tape can be made from it.
 *
 *  what   [in]   names the text in messages: a file's path.
 *  Errors: HESSE_E_INPUT naming the value or node, what was found and what was
 *  expected; HESSE_E_NOMEM. */
hesse_status hesse_graph_parse(const char *what, const char *text, size_t length,
                               hesse_graph **graph, hesse_why *why);

#endif /* HESSE_NETWORK_GRAPH_JSON_H */
