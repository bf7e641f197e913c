/** A YAML document as a tree. Every node knows the place where it was written, so that
 * every message can name it. */
#ifndef HESSE_JOB_JOB_TREE_H
#define HESSE_JOB_JOB_TREE_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum hesse_yaml_kind {
    HESSE_YAML_SCALAR,
    HESSE_YAML_LIST,
    HESSE_YAML_MAPPING
} hesse_yaml_kind;

/** The source of a text: a file or an override. */
typedef struct hesse_origin {
    const char *path; /* of the file; NULL: an override */
    const char *set;  /* KEY=VALUE                      */
} hesse_origin;

typedef struct hesse_yaml {
    hesse_yaml_kind kind;
    const hesse_origin *source; /* borrowed; NULL: a default */
    int line;                   /* line in the source, from 1 */
    char *key;                  /* in a mapping       */
    char *text;                 /* of a scalar        */
    bool quoted;                /* the scalar was in quotes, so it is a text and never a
                                   number */
    struct hesse_yaml *first;   /* entry of a list or mapping */
    struct hesse_yaml *next;    /* beside it          */
} hesse_yaml;

/** Local. Parse a document into a tree.
 *
 *  The following is refused, because no job needs it: anchors and aliases (whose
 * expansion may be exponential), tags, nesting deeper than 8, more than 10000 values, a
 * second document, keys that are no words or occur twice in a mapping, bytes of value
 * zero.
 *
 *  root  [out]  NULL when there is no document, as in an empty file.
 *  Errors: HESSE_E_JOB with the line, HESSE_E_NOMEM. */
hesse_status hesse_tree_parse(const char *text, size_t length,
                              const hesse_origin *source, hesse_yaml **root,
                              hesse_why *why);
void hesse_tree_free(hesse_yaml *root);

/** Local. Make a mapping whose only entry is a node. The mapping owns the node. Returns
 * NULL when memory is exhausted (the node is then freed). */
hesse_yaml *hesse_tree_wrap(const char *key, size_t length, hesse_yaml *node);

/** Local. The same for a dotted path, such as "train.clip.norm". */
hesse_yaml *hesse_tree_wrap_path(const char *path, size_t length, hesse_yaml *node);

/** Local. Copy a node with everything in it, without its key. NULL: out of memory. */
hesse_yaml *hesse_tree_copy(const hesse_yaml *node);

/** Local. Take an entry out of a mapping; the caller owns it. NULL: there is none. */
hesse_yaml *hesse_tree_take(hesse_yaml *mapping, const char *key);

/** Local. Move the entries of one mapping into another. Two mappings with the same name
 * are merged entry by entry; otherwise the moved value replaces the other.
 *
 *  from  [in]  a mapping; it is freed. */
void hesse_tree_merge(hesse_yaml *into, hesse_yaml *from);

/** Words for messages: printable, and not too long. */
typedef struct hesse_words {
    char text[200];
} hesse_words;

/** Local. "job.yaml:3" or "--set data.sequences". */
hesse_words hesse_yaml_where(const hesse_yaml *node);
hesse_words hesse_origin_where(const hesse_origin *source, int line);

/** Local. A description of a node for messages: "'two'", "empty", "a list". */
hesse_words hesse_yaml_found(const hesse_yaml *node);

#endif /* HESSE_JOB_JOB_TREE_H */
